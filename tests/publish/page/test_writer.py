"""What the page shows is what the model writes and reads, as other programs see it."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

from seq2seq.probe.model.stock_model import StockModel
from seq2seq.publish.page.settings import Settings
from seq2seq.publish.page.writer import AXES, Stack, Writer
from seq2seq.translate import Translator
from tests.publish.small_models import random_text, small_folder

STACKS: tuple[Stack, ...] = ("cross", "encoder", "decoder")


@pytest.fixture(scope="module")
def digits(root: Path) -> Writer:
    """A model that reverses digits."""
    return Writer.load(str(root / "tests" / "golden" / "digits"))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of four heads, which all read differently."""
    return small_folder("marian", tmp_path_factory.mktemp("small"))


def test_the_output_is_that_of_the_stock_engine(digits: Writer, root: Path) -> None:
    texts = ["1 2", "9 8 7 6 5", "0 0 4"]
    translator = Translator.load(root / "tests" / "golden" / "digits", engine="transformers")
    shown = [digits.write(text) for text in texts]
    assert [one.text for one in shown if one] == [one.text for one in translator.translate(texts)]


def test_weights_are_those_that_the_probe_reads(small: Path) -> None:
    writer, probe = Writer.load(str(small)), StockModel.load(small)
    written = writer.write(random_text(1, seed=9)[0])
    assert written is not None
    reading = probe.read(probe.inputs([written.parts[0].source], [written.parts[0].output[:-1]]))
    assert writer.shape == dict.fromkeys(STACKS, (2, 4))
    for stack in STACKS:
        rows, columns = writer.labels(written, stack)
        for layer in range(2):
            found = writer.read(written, stack, layer)
            torch.testing.assert_close(found, reading.maps[stack][layer][0], rtol=0, atol=1e-6)
            assert found.shape == (4, len(rows), len(columns))


def test_rows_and_columns_are_named_after_what_they_are(digits: Writer) -> None:
    written = digits.write("1 2 3")
    assert written is not None
    text, output = ["1", "2", "3", "</s>"], ["3", "2", "1", "</s>"]
    assert written.text == "3 2 1"
    assert written.notes == ()
    assert digits.labels(written, "cross") == (output, text)
    assert digits.labels(written, "encoder") == (text, text)
    assert digits.labels(written, "decoder") == (output, ["</s>", *output[:-1]])
    assert set(AXES) == set(STACKS)


def test_a_head_that_reverses_is_seen_to_read_backwards(digits: Writer) -> None:
    written = digits.write("3 1 4 2")
    assert written is not None
    weights = digits.read(written, "cross", 0).mean(dim=0)
    assert weights.argmax(dim=1).tolist() == [3, 2, 1, 0, 4]


def test_what_is_too_long_is_cut_and_said(digits: Writer) -> None:
    assert digits.most == 64
    written = digits.write("1 " * 70)
    assert written is not None
    assert len(written.parts[0].source) == 64
    assert written.parts[0].source[-1] == digits.tokenizer.eos_token_id
    assert written.notes[0].startswith("The text has 7 pieces more than the model can read")
    just = digits.write("1 " * 63)
    assert just is not None
    assert not any("more than the model can read" in note for note in just.notes)


def test_unknown_pieces_are_counted(digits: Writer) -> None:
    written = digits.write("1 x 2")
    assert written is not None
    unknown = list(written.parts[0].source).count(digits.tokenizer.unk_token_id)
    assert unknown >= 1
    assert written.notes == (
        f"{unknown} of {len(written.parts[0].source)} pieces are unknown to the model.",
    )


def test_an_output_that_did_not_end_is_said(
    digits: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digits.model.generation_config, "max_length", 3)
    written = digits.write("1 2 3 4")
    assert written is not None
    assert written.notes == ("The output was stopped after 2 pieces, before it came to an end.",)


def test_sentences_are_read_one_by_one_and_drawn_one_after_another(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings("", "", sentences_in="de", joint="|")
    writer, whole = Writer.load(str(small), settings), Writer.load(str(small))
    sentences = [f"{text.capitalize()}." for text in random_text(2, seed=9)]
    apart = [whole.write(one) for one in sentences]
    written = writer.write(" \n".join(sentences) + " ")
    assert written is not None
    assert written.parts == tuple(part for one in apart if one for part in one.parts)
    assert written.text == "|".join(one.text for one in apart if one)
    assert written.notes[0].startswith("The text has 2 sentences, and each was read by itself")
    for stack in STACKS:
        maps = writer.read(written, stack, 1)
        rows, columns = writer.labels(written, stack)
        assert maps.shape == (4, len(rows), len(columns))
        torch.testing.assert_close(maps.sum(-1), torch.ones(4, len(rows)))
        first = whole.read(apart[0], stack, 1)  # type: ignore[arg-type]
        height, width = first.shape[1:]
        assert torch.equal(maps[:, :height, :width], first)
        assert not maps[:, :height, width:].any()
        assert not maps[:, height:, :width].any()
    monkeypatch.setattr(writer.model.generation_config, "max_length", 3)
    cut = writer.write(" ".join(sentences))
    assert cut is not None
    assert cut.notes[-1] == (
        "The output of sentence 2 was stopped after 2 pieces, before it came to an end."
    )


def test_sentences_are_those_of_translating(small: Path) -> None:
    writer = Writer.load(str(small), Settings("", "", sentences_in="vi"))
    for text, count in (("Ann ở TP. Hồ Chí Minh.", 1), ("Ann ở đây. Bob ngủ.", 2)):
        written = writer.write(text)
        assert written is not None
        assert len(written.parts) == count, text


def test_a_text_whose_output_has_fewer_sentences_is_read_anew_sentence_by_sentence(
    small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    writer = Writer.load(str(small), Settings("", "", sentences_in="de", whole_first=True))
    text = " ".join(f"{text.capitalize()}." for text in random_text(2, seed=9))
    written = writer.write(text)
    assert written is not None
    assert len(written.parts) == 2
    decode = writer.tokenizer.batch_decode
    monkeypatch.setattr(
        writer.tokenizer,
        "batch_decode",
        lambda *a, **b: [f"{row}. Ja. So." for row in decode(*a, **b)],
    )
    whole = writer.write(text)
    assert whole is not None
    assert len(whole.parts) == 1


@pytest.mark.parametrize("text", ["", " \n\t "])
def test_of_nothing_nothing_is_made(digits: Writer, text: str) -> None:
    assert digits.write(text) is None


def test_pieces_of_bytes_are_shown_as_letters() -> None:
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {piece: number for number, piece in enumerate([*alphabet, "Ã±", "ĠÃ±", "</s>"])}
    backend = Tokenizer(models.BPE(vocabulary, [("Ã", "±"), ("Ġ", "Ã±")]))
    backend.decoder = decoders.ByteLevel()
    tokenizer: Any = PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="</s>")
    writer = Writer.__new__(Writer)
    writer.tokenizer = tokenizer
    pieces = ("Ã±", "ĠÃ±", "a", "Ã", "Ġ", "</s>")
    assert [writer._label(vocabulary[piece]) for piece in pieces] == [
        "·ñ", "ñ", "·a", "Ã", "␣", "</s>",
    ]  # fmt: skip
