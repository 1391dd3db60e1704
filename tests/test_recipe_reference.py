"""What ``seq2seq recipe explain`` prints."""

import pytest

from seq2seq.errors import RecipeError
from seq2seq.recipe import ModelSpec
from seq2seq.recipe_reference import describe_fields, explain


def test_a_key_is_explained_with_type_default_and_meaning() -> None:
    assert explain("train.peak_lr") == (
        "train.peak_lr  (number, default 0.0007)\n    Highest learning rate."
    )


def test_a_choice_lists_what_can_be_chosen() -> None:
    assert '("unigram" | "bpe", default "unigram")' in explain("tokenizer.kind")
    assert '"marian" | "t5" | ' in explain("model.family")
    assert '(whole number | "auto", default "auto")' in explain("train.processes")


def test_lists_and_tables_say_so() -> None:
    assert explain("train.trackers").startswith('train.trackers  (list of "tensorboard" | ')
    kinds = {name: kind for name, kind, *_ in describe_fields()}
    assert kinds["score.tokenized_references"] == "table of text"


def test_a_section_explains_all_of_its_keys_and_no_other() -> None:
    names = [line.split("  ")[0] for line in explain("model").splitlines()[::2]]
    assert names == [f"model.{name}" for name in ModelSpec.model_fields]


def test_everything_is_explained_by_default_and_every_key_has_a_meaning() -> None:
    fields = list(describe_fields())
    assert explain().count("\n") + 1 == 2 * len(fields)
    assert [name for name, _, _, meaning in fields if not meaning] == []
    assert len({name for name, *_ in fields}) == len(fields)


def test_corpora_are_explained_where_they_may_stand() -> None:
    names = {name for name, *_ in describe_fields()}
    assert {"data.train[].hub", "data.dev.hub", "data.test.NAME.hub"} <= names


def test_an_unknown_key_names_the_nearest() -> None:
    with pytest.raises(RecipeError, match=r"no key 'train.peak'; did you mean 'train.peak_lr'"):
        explain("train.peak")
