"""What a recipe's scores are, and which of them chooses the checkpoint."""

from importlib.util import find_spec

import pytest

from seq2seq.recipe import Recipe
from seq2seq.recipe_file import parse_recipe
from seq2seq.score import tokenization
from seq2seq.score.from_recipe import (
    final_options,
    selection_metric,
    selection_signature,
    validation_options,
)


def recipe(target: str, **parts: object) -> Recipe:
    corpus = {"file": "a.tsv"}
    content = {
        "source_language": "en",
        "target_language": target,
        "data": {"train": [corpus], "dev": corpus},
        **parts,
    }
    return parse_recipe(content, where="test")


@pytest.mark.parametrize(
    ("target", "metric"),
    [
        *((code, "bleu") for code in ("de", "vi", "zh", "zho_Hant", "ja", "ko", "xx")),
        *((code, "chrf") for code in ("th", "my", "khm_Khmr", "lo", "bo")),
    ],
)
def test_bleu_chooses_where_the_target_language_has_words(target: str, metric: str) -> None:
    assert selection_metric(recipe(target)) == metric
    assert metric in validation_options(recipe(target)).metrics


def test_what_makes_dev_scores_comparable_is_the_metric_and_the_tokenizer_at_hand(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert selection_signature(recipe("de")) == "bleu|tok:13a"
    assert selection_signature(recipe("zh")) == "bleu|tok:zh"
    assert selection_signature(recipe("th")) == "chrf"
    assert selection_signature(recipe("th", score={"tokenize": "char"})) == "bleu|tok:char"
    found = "ja-mecab-" if find_spec("MeCab") and find_spec("ipadic") else "char"
    assert selection_signature(recipe("ja")).startswith(f"bleu|tok:{found}")
    monkeypatch.setattr(tokenization, "find_spec", lambda name: None)
    assert selection_signature(recipe("ja")) == "bleu|tok:char"


def test_a_recipe_that_brings_a_tokenizer_or_a_metric_decides_itself() -> None:
    assert selection_metric(recipe("th", score={"tokenize": "char"})) == "bleu"
    assert selection_metric(recipe("th", score={"spm": "flores.model"})) == "bleu"
    own = recipe("de", train={"select_by": "chrf++"})
    assert selection_metric(own) == "chrf++"
    assert validation_options(own).metrics == ("bleu", "chrf", "chrf++")
    assert final_options(own).metrics == ("bleu", "chrf", "chrf++", "ter")


def test_summaries_are_chosen_by_rouge_l() -> None:
    summaries = recipe("en", task="summarization")
    assert selection_metric(summaries) == "rougeL"
    assert validation_options(summaries).metrics == ("rouge", "chrf")
    chosen = recipe("en", task="summarization", train={"select_by": "rouge1"})
    assert selection_metric(chosen) == "rouge1"


@pytest.mark.parametrize(("target", "has_ter"), [("de", True), ("ko", True), ("zh", False)])
def test_final_scores_leave_out_ter_where_letters_are_words(target: str, has_ter: bool) -> None:
    assert final_options(recipe(target)).metrics == ("bleu", "chrf", *["ter"] * has_ter)


def test_the_options_carry_language_tokenizer_and_file() -> None:
    found = final_options(
        recipe("th", score={"spm": "flores.model", "tokenize": "char"},
               data={"folder": "texts", "train": [{"file": "a"}], "dev": {"file": "b"}})
    )  # fmt: skip
    assert (found.language, found.tokenize) == ("th", "char")
    assert str(found.spm) == "texts/flores.model"
