"""What a model answers: as ``translate`` and ``attention`` do, by themselves and at once."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from seq2seq.demo.server import as_json
from seq2seq.demo.tried_model import PRONOUN_EXAMPLES, TriedModel
from seq2seq.errors import DataError, ModelError
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.attention_page import show_text
from seq2seq.translate import Translation, Translator
from seq2seq.viewer.page import page_data
from seq2seq.writing import TextWriter
from tests.demo.models import GOLDEN, digits_run
from tests.stock_layouts import nllb, opus_mt


@pytest.fixture(scope="module")
def tried() -> TriedModel:
    return TriedModel.load(str(GOLDEN), device="cpu")


@pytest.mark.parametrize("text", ["1 2 3", "9 8 7 6 5", "4 x 2"])
def test_an_answer_is_what_both_commands_say(tried: TriedModel, text: str) -> None:
    answer = as_json(tried.answer(text))
    found = Translator.load(GOLDEN, engine="native", device="cpu").translate([text])[0]
    assert answer["translation"] == found.text != ""
    page = show_text(StockModel.load(GOLDEN), text)  # which lets the model write by itself
    assert answer["attention"] == page_data(page)
    assert bool(answer["remarks"]) == ("x" in text), "a piece that the model does not know"


def test_white_space_that_a_field_holds_is_one_space(tried: TriedModel) -> None:
    assert as_json(tried.answer("  1 2\n3 \n")) == as_json(tried.answer("1 2 3"))


@pytest.mark.parametrize("text", ["", " \n ", "\u200b"])
def test_nothing_to_read_is_said(tried: TriedModel, text: str) -> None:
    with pytest.raises(DataError, match="text: empty, needed at least one word"):
        tried.answer(text)


def test_a_text_that_is_too_long_is_refused_and_not_cut(tried: TriedModel) -> None:
    with pytest.raises(DataError, match=r"text: 101 pieces at once, needed at most 64, .* part by"):
        tried.answer("1 2 3 4 5 " * 20)


def test_a_model_of_single_sentences_reads_each_by_itself(tmp_path: Path) -> None:
    run = digits_run(tmp_path / "run")
    tried, text = (
        TriedModel.load(str(run.folder), device="cpu"),
        "One 1 2 3. Two 4 5. 6 7 is three.",
    )
    answer = tried.answer(text)
    whole = Translator.load(run.folder, engine="native", device="cpu").translate([text])[0]
    assert answer.translation == whole.text
    assert [one.title for one in answer.attention.examples] == [
        "One 1 2 3.", "Two 4 5.", "6 7 is three.",
    ]  # fmt: skip
    opened = StockModel.load(run.folder)
    for example in answer.attention.examples:
        alone = show_text(opened, example.title).examples[0]
        assert page_data(replace(answer.attention, examples=(alone,)))["examples"] == page_data(
            replace(answer.attention, examples=(example,))
        )["examples"]  # fmt: skip
    assert len(set(answer.attention.notes)) == len(answer.attention.notes)
    assert tried.tags == ("en", "no")


def test_a_model_of_longer_texts_reads_them_whole_where_that_loses_no_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, text = digits_run(tmp_path / "run", several_sentences=0.5), "One 1 2 3. Two 4 5."
    tried = TriedModel.load(str(run.folder), device="cpu")
    assert "." not in tried.translator.translate([text], split="long")[0].text
    read = [one.title for one in tried.answer(text).attention.examples]
    assert read == ["One 1 2 3.", "Two 4 5."]
    monkeypatch.setattr(TextWriter, "_has_fewer", lambda *_: False)
    assert [one.title for one in tried.answer(text).attention.examples] == [text]


def test_sentences_are_not_translated_again_one_by_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried = TriedModel.load(str(digits_run(tmp_path / "run").folder), device="cpu")
    read, translate = list[list[str]](), tried.translator.translate

    def noting(texts: list[str], **settings: Any) -> list[Translation]:
        read.append(texts)
        return translate(texts, **settings)

    monkeypatch.setattr(tried.translator, "translate", noting)
    monkeypatch.setattr(TextWriter, "_has_fewer", lambda *_: True)
    tried.answer("One 1 2 3. Two 4 5.")
    assert read == [["One 1 2 3.", "Two 4 5."]]


def test_a_run_of_the_built_in_corpus_brings_examples_that_suit_it(tmp_path: Path) -> None:
    data = {"built_in": "pronouns", "train": [{"file": "a.tsv"}], "dev": {"file": "b.tsv"}}
    run = digits_run(tmp_path / "run", data=data, target_language="es")
    assert TriedModel.load(str(run.folder), device="cpu").examples == PRONOUN_EXAMPLES
    assert TriedModel.load(str(GOLDEN), device="cpu").examples == ()


def test_a_model_of_many_languages_is_told_which(tmp_path: Path, tried: TriedModel) -> None:
    folder = str(nllb(tmp_path / "nllb"))
    with pytest.raises(ModelError, match="source"):
        TriedModel.load(folder, device="cpu")
    found = TriedModel.load(folder, languages=("en", "de"), device="cpu")
    assert found.tags == ("en", "de")
    reading = found.answer("the robot was slow").attention.examples[0].readings[0]
    assert reading.text("translation").pieces[1] == "deu_Latn"
    alone = TriedModel.load(str(GOLDEN), languages=("en", "de"), device="cpu")
    assert as_json(alone.answer("1 2")) == as_json(tried.answer("1 2")), "it knows one pair"


def test_an_output_that_does_not_end_is_shown_piece_by_piece_as_it_was_written(
    tmp_path: Path,
) -> None:
    """Its text, cut anew, would be other pieces, and more of them than the model can write."""
    folder = opus_mt(tmp_path / "opus")
    answer = TriedModel.load(str(folder), device="cpu").answer("the robot was slow")
    assert "1 output cut off at the length limit" in answer.remarks[0]
    translation = answer.attention.examples[0].readings[0].text("translation")
    assert "".join(translation.pieces[1:]).replace("▁", " ").split() == answer.translation.split()


def test_what_a_model_is_told_in_front_of_a_text_is_seen(tried: TriedModel) -> None:
    class Prefixed:
        """The digits' tokenizer, whose texts begin with the name of a task."""

        def __getattr__(self, name: str) -> object:
            return getattr(tried.translator.tokenizer, name)

        def lead(self, text: str) -> str:
            return "7 8 "

    told = TriedModel.load(str(GOLDEN), device="cpu")
    told.translator.tokenizer = Prefixed()  # type: ignore[assignment]
    (example,) = told.answer("1 2").attention.examples
    assert example.title == "7 8 1 2"
    (again,) = told.answer("7 8 1 2").attention.examples
    assert again.title == "7 8 1 2", "and once, where it stands there already"


def test_a_model_that_writes_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = SimpleNamespace(kind="encoder")
    monkeypatch.setattr(StockModel, "load", lambda where, *, device: opened)
    with pytest.raises(ModelError, match="me/x: of kind 'encoder', needed an encoder-decoder"):
        TriedModel.load("me/x")
