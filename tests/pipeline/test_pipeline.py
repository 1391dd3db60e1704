"""What goes in and comes out, what is said, and what is refused; answers themselves elsewhere."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file, save_file
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer, GPT2Config

from seq2seq.decode.options import DecodeOptions
from seq2seq.errors import DataError, ModelError
from seq2seq.pipeline.pipeline import Pipeline
from seq2seq.translate import Translator, pipeline
from tests.pipeline.families import POSITIONS, write_family
from tests.publish.small_models import POSITIONS as OUR_POSITIONS
from tests.publish.small_models import random_text, small_folder

TEXTS = ["the red fox sees an old owl.", "a dog runs far from the owl", "an old dog"]
LONG = "The dog runs far. The red fox sees an old owl and the dog. An owl runs."
Find = Callable[[str], Path]


@pytest.fixture(scope="module")
def marian(family_folder: Find) -> Pipeline:
    return pipeline("translation", family_folder("marian"), device=-1, max_length=9)


@pytest.fixture(scope="module")
def nllb(family_folder: Find) -> Pipeline:
    return pipeline("translation", family_folder("nllb"), device=-1, max_length=9)


@pytest.fixture(scope="module")
def t5(family_folder: Find) -> Pipeline:
    return pipeline("translation", family_folder("t5"), device=-1, max_length=9)


def plain(pipe: Pipeline, text: str, **options: Any) -> str:
    (answer,) = pipe(text, **options)
    (answer_text,) = answer.values()
    return answer_text


@pytest.mark.filterwarnings("error")
def test_a_string_a_list_and_a_generator_have_the_same_answers(marian: Pipeline) -> None:
    expected = [{"translation_text": plain(marian, text)} for text in TEXTS]
    assert marian(TEXTS) == marian(tuple(TEXTS)) == expected
    assert list(marian(text for text in TEXTS)) == [[one] for one in expected]
    assert len({str(one) for one in expected}) == len(TEXTS)
    assert marian([]) == []
    many = marian(TEXTS, num_return_sequences=2)
    assert [len(each) for each in many] == [2, 2, 2]
    assert [each[0] for each in many] == expected


@pytest.mark.parametrize(
    ("task", "key"),
    [
        ("translation", "translation_text"),
        ("translation_en_to_de", "translation_text"),
        ("summarization", "summary_text"),
        ("text2text-generation", "generated_text"),
    ],
)
def test_answers_are_named_after_the_task(task: str, key: str, family_folder: Find) -> None:
    pipe = pipeline(task, family_folder("marian"), device=-1)
    assert [list(one) for one in pipe("the dog", max_length=3)] == [[key]]


def test_a_generator_is_read_as_its_answers_are_asked_for(marian: Pipeline) -> None:
    read = []

    def texts() -> Iterator[str]:
        for text in TEXTS:
            read.append(text)
            yield text

    answers = marian(texts(), batch_size=2)
    assert read == []
    next(answers)
    assert read == TEXTS[:2]
    assert len(list(answers)) == 2


def test_calls_that_are_answered_in_turns_keep_their_languages(nllb: Pipeline) -> None:
    languages = [("eng_Latn", "fra_Latn"), ("deu_Latn", "eng_Latn")]
    asked = [{"src_lang": source, "tgt_lang": target} for source, target in languages]
    expected = [[plain(nllb, text, **one) for text in TEXTS] for one in asked]
    assert expected[0] != expected[1]
    answers = [nllb((text for text in TEXTS), **one) for one in asked]
    for place in range(len(TEXTS)):
        for found, texts in zip(answers, expected, strict=True):
            assert next(found) == [{"translation_text": texts[place]}]


def test_the_callers_tokenizer_keeps_its_languages(nllb: Pipeline) -> None:
    tokenizer = nllb.tokenizer
    before = tokenizer.src_lang, tokenizer.tgt_lang, tokenizer(TEXTS[0]).input_ids
    nllb(TEXTS, src_lang="deu_Latn", tgt_lang="fra_Latn")
    assert before[0] == "eng_Latn"
    assert (tokenizer.src_lang, tokenizer.tgt_lang, tokenizer(TEXTS[0]).input_ids) == before


def test_the_caller_counts_more_than_the_folder(t5: Pipeline, family_folder: Find) -> None:
    short = t5.tokenizer(plain(t5, TEXTS[0], max_length=4, src_lang="en", tgt_lang="de"))
    assert len(short.input_ids) <= 4, "the task's own limit is 9, the default 256"
    once = pipeline("translation", family_folder("marian"), num_beams=1, max_length=9, device=-1)
    often = pipeline("translation", family_folder("marian"), max_length=9, device=-1)
    assert once(TEXTS) == often(TEXTS, num_beams=1) != often(TEXTS, num_beams=6)
    often.model.generation_config.max_new_tokens = 3
    few = pipeline("translation", often.model, tokenizer=often.tokenizer, max_length=9, device=-1)
    assert few(TEXTS) == once(TEXTS, num_beams=4)


def test_the_callers_model_searches_afterwards_as_before(family_folder: Find) -> None:
    pipe = pipeline("translation", family_folder("marian"), max_length=4, device=-1)
    model, before = pipe.model, pipe.model.generation_config
    asked, settings = pipe.tokenizer(TEXTS[0], return_tensors="pt"), before.to_dict()
    alone = model.generate(**asked).tolist()
    pipe(TEXTS)
    assert model.generation_config is before
    assert before.to_dict() == settings
    assert model.generate(**asked).tolist() == alone
    assert len(alone[0]) > 4, "else a limit left behind would not show"


def test_invisible_characters_change_nothing_and_are_said(marian: Pipeline) -> None:
    expected = plain(marian, "The red fox")
    with pytest.warns(UserWarning, match="1 texts; 1 with invisible characters or decomposed"):
        assert plain(marian, "The r\u00aded\u200b fox") == expected


def test_parts_are_joined_as_the_target_is_written(nllb: Pipeline) -> None:
    join = nllb._join
    rows = [nllb.tokenizer(text_target=one)["input_ids"] for one in ("fox", "dog")]
    for target, joined in (("zho_Hans", "foxdog"), ("fra_Latn", "fox dog")):
        plan = replace(nllb._plan({"src_lang": "eng_Latn", "tgt_lang": "fra_Latn"}), target=target)
        assert join([[row] for row in rows], plan) == [{"translation_text": joined}]


@pytest.mark.filterwarnings("error")
def test_t5_is_told_the_languages_asked_for(t5: Pipeline, family_folder: Find) -> None:
    for target in ("de", "fr"):
        named = pipeline(f"translation_en_to_{target}", family_folder("t5"), device=-1)
        expected = named(TEXTS, max_length=9)
        assert t5(TEXTS, src_lang="en", tgt_lang=target) == expected
    with pytest.warns(
        UserWarning, match="no languages are given, so this is 'translation_en_to_de"
    ):
        assert t5(TEXTS) == t5(TEXTS, src_lang="en", tgt_lang="de") != expected
    with pytest.warns(UserWarning, match="says nothing of 'translation_en_to_ro', only of"):
        t5(TEXTS[0], src_lang="en", tgt_lang="ro")


def test_languages_that_change_nothing_are_told(marian: Pipeline, family_folder: Find) -> None:
    with pytest.warns(UserWarning, match="src_lang and tgt_lang change nothing"):
        assert marian(TEXTS[0], tgt_lang="fra") == marian(TEXTS[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipeline("translation_en_to_de", family_folder("marian"), device=-1)("a", max_length=4)


def test_long_text_is_split_and_what_stands_before_it_is_said_to_every_part(
    marian: Pipeline, t5: Pipeline
) -> None:
    parts = ["The dog runs far.", "The red fox sees an old owl and the dog.", "An owl runs."]
    with pytest.warns(UserWarning, match="1 texts; 1 longer than the model can read, split"):
        found = plain(marian, f">>fra<< {LONG}", max_source_pieces=20)
    expected = " ".join(plain(marian, f">>fra<< {part}").strip() for part in parts)
    assert found == expected != " ".join(plain(marian, part).strip() for part in parts)
    asked = {"src_lang": "en", "tgt_lang": "fr"}
    with pytest.warns(UserWarning, match="split into sentences"):
        found = plain(t5, LONG, max_source_pieces=20, **asked)
    written = [plain(t5, part, **asked).strip() for part in parts]
    assert found == " ".join(text for text in written if text)


def test_a_translator_says_the_target_language_to_every_part_too(family_folder: Find) -> None:
    parts = ["The dog runs far.", "The red fox sees an old owl and the dog.", "An owl runs."]
    translator = Translator.load(family_folder("marian"))
    options = DecodeOptions(beams=1, max_length_factor=0, max_length_offset=9)
    (whole,) = translator.translate([f">>fra<< {LONG}"], options, max_source_pieces=20)
    tagged, plain_ones = (
        [one.text for one in translator.translate([lead + part for part in parts], options)]
        for lead in (">>fra<< ", "")
    )
    assert whole.parts == 3
    assert whole.text == " ".join(tagged) != " ".join(plain_ones)


def test_several_answers_of_split_text_are_joined_rank_by_rank(marian: Pipeline) -> None:
    parts = ["The dog runs far.", "The red fox sees an old owl and the dog.", "An owl runs."]
    asked = {"num_return_sequences": 2, "num_beams": 3}
    each = [[one["translation_text"].strip() for one in marian(part, **asked)] for part in parts]
    with pytest.warns(UserWarning, match="split"):
        found = marian(LONG, max_source_pieces=20, **asked)
    assert [one["translation_text"] for one in found] == [" ".join(rank) for rank in zip(*each)]  # noqa: B905


def test_long_text_is_refused_for_a_summary_unless_it_may_be_cut(family_folder: Find) -> None:
    pipe = pipeline("summarization", family_folder("bart"), device=-1, max_length=9, min_length=0)
    text = LONG.lower() * 2
    with pytest.raises(DataError, match=f"text 2 has '46' pieces, needed at most {POSITIONS}"):
        pipe([TEXTS[0], text])
    with pytest.warns(UserWarning, match=r"1 texts; 1 longer .*, 6 pieces cut off"):
        found = pipe(text, truncation=True)
    with pytest.warns(UserWarning, match="cut off"):
        assert found == pipe(text, long="truncate")
    with pytest.warns(UserWarning, match="split into sentences"):
        assert found != pipe(text, long="split")
    with pytest.raises(ModelError, match="truncation is 'True' and long is 'split', needed one"):
        pipe(text, truncation=True, long="split")


def test_a_prefix_that_leaves_no_room_is_refused(t5: Pipeline) -> None:
    with pytest.raises(DataError, match=r"text 1 cannot be split into parts of at most '4' pieces"):
        t5(LONG, src_lang="en", tgt_lang="fr", max_source_pieces=4)


def test_answers_at_a_limit_that_nobody_asked_for_are_told(family_folder: Find) -> None:
    pipe = pipeline("translation", family_folder("marian"), device=-1)
    with pytest.warns(UserWarning, match=f"1 answers reached the limit of {POSITIONS} pieces"):
        pipe(TEXTS[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pipe(TEXTS[0], max_length=POSITIONS)


@pytest.mark.filterwarnings("ignore:pipeline. ")
def test_a_run_of_ours_answers_as_our_own_search_does(tmp_path: Path) -> None:
    folder = small_folder("m2m_100", tmp_path / "best")
    lines = random_text(8, seed=9)
    options = DecodeOptions(beams=4, max_length_factor=0, max_length_offset=OUR_POSITIONS - 1)
    expected = [one.text for one in Translator.load(folder).translate(lines, options)]
    found = pipeline("translation", tmp_path, device=-1)(lines)
    assert [one["translation_text"].strip() for one in found] == expected


def test_a_loaded_model_needs_its_tokenizer(marian: Pipeline, family_folder: Find) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(family_folder("marian"))
    with pytest.raises(ModelError, match="a loaded model is given, needed its tokenizer too"):
        pipeline("translation", model)
    tokenizer = AutoTokenizer.from_pretrained(family_folder("marian"))
    pipe = pipeline("translation", model, tokenizer=tokenizer, device="cpu", max_length=9)
    assert pipe(TEXTS) == marian(TEXTS)


@pytest.mark.parametrize(
    ("languages", "problem"),
    [
        ({}, "pipeline: the source language is not given; the target language is not given; need"),
        ({"src_lang": "eng_Latn"}, "pipeline: the target language is not given; needed two of the"),
        (
            {"src_lang": "eng_Latn", "tgt_lang": "frxter"},
            r"pipeline: the target language is 'frxter' \(did you mean fra_Latn",
        ),
        ({"src_lang": "eng_Latn", "tgt_lang": "??"}, r"the target language is '\?\?'; needed two"),
    ],
)
def test_languages_that_the_model_does_not_know_are_refused(
    languages: dict[str, Any], problem: str, nllb: Pipeline
) -> None:
    with pytest.raises(ModelError, match=problem):
        nllb(TEXTS[0], **languages)


def test_a_language_in_another_spelling_is_that_of_the_model_and_said(nllb: Pipeline) -> None:
    with pytest.warns(UserWarning, match="the target language 'fr' is 'fra_Latn' to this model"):
        found = nllb(TEXTS[0], src_lang="eng_Latn", tgt_lang="fr")
    assert found == nllb(TEXTS[0], src_lang="eng_Latn", tgt_lang="fra_Latn")


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"num_beam": 3}, "pipeline: option 'num_beam' is not known; did you mean 'num_beams'"),
        ({"num_beam_groups": 2}, "option 'num_beam_groups' is not taken, transformers 5 has no"),
        ({"return_tensors": True}, "option 'return_tensors' is not taken, answers are text"),
        ({"num_beams": "4"}, "num_beams is '4': input should be a valid integer"),
        ({"top_p": 0}, "top_p is '0': input should be greater than 0"),
        ({"early_stopping": "no"}, "early_stopping is 'no', needed True, False or 'never'$"),
        ({"num_beams": 0, "long": "cut"}, "num_beams is '0': .*; long is 'cut': "),
        ({"num_return_sequences": 5}, "num_return_sequences is '5' with '4' beams; search more"),
    ],
)
def test_options_that_cannot_be_used_are_refused_at_once(
    options: dict[str, Any], problem: str, marian: Pipeline, family_folder: Find
) -> None:
    with pytest.raises(ModelError, match=problem):
        marian("the dog", **options)
    with pytest.raises(ModelError, match=problem):
        pipeline("translation", family_folder("marian"), device=-1, **options)


def test_what_is_no_text_is_refused(marian: Pipeline) -> None:
    with pytest.raises(DataError, match="input: text 2 is a 'int', needed a string"):
        marian(["the dog", 3])  # type: ignore[list-item]
    for wrong in (3, {"text": "the dog"}, b"the dog", None):
        with pytest.raises(DataError, match=r"input: a '.*', needed a text or texts"):
            marian(wrong)  # type: ignore[call-overload]


def test_a_limit_beyond_the_positions_is_explained(family_folder: Find) -> None:
    pipe = pipeline("summarization", family_folder("bart"), device=-1)
    asked = {"max_length": 99, "min_length": 60}
    with pytest.raises(ModelError, match=f"have '99' pieces, the model has '{POSITIONS}' position"):
        pipe(TEXTS[0], **asked)


def test_tasks_and_models_that_do_not_serve_are_refused(
    family_folder: Find, tmp_path: Path
) -> None:
    folder = family_folder("marian")
    with pytest.raises(ModelError, match="task 'translate' is not known; did you mean 'translati"):
        pipeline("translate", folder)
    with pytest.raises(ModelError, match="task 'summarization' takes no src_lang and tgt_lang"):
        pipeline("summarization", folder, src_lang="en")
    with pytest.raises(ModelError, match="no model is given, needed a folder or the name of a Hub"):
        pipeline("translation")
    with pytest.raises(ModelError, match="nobody/nothing: no such folder here, and the Hub does"):
        pipeline("translation", "nobody/nothing")
    GPT2Config().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="a model of type 'gpt2', needed an encoder-decoder"):
        pipeline("translation", tmp_path)


def test_a_folder_with_gaps_is_refused(tmp_path: Path) -> None:
    folder = write_family("bart", tmp_path)
    (folder / "vocab.json").rename(folder / "kept.json")
    (folder / "merges.txt").unlink()
    with pytest.raises(ModelError, match="cannot be opened, needed a complete model folder"):
        pipeline("summarization", folder)
    weights = load_file(folder / "model.safetensors")
    del weights["model.encoder.layers.0.fc1.weight"]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelError, match="1 weights are missing, such as 'model"):
        pipeline("summarization", folder)
