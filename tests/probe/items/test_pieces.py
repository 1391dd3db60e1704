"""Pieces of a word: all of it, and nothing else, whatever the tokenizer does to the text."""

import random
from functools import cache
from typing import Any

import pytest
import tokenizers
from tokenizers import Regex, models, normalizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

from seq2seq.errors import SpanError
from seq2seq.probe.items.pieces import Pieces, Rows, Span, pieces_of, rows_of
from tests.probe.tokenizer_kinds import FAST, byte_level, words

KINDS = pytest.mark.parametrize("kind", FAST)


@cache
def tokenizer(kind: str) -> Any:
    return FAST[kind]()


def backend(kind: str) -> Any:
    found = tokenizer(kind)
    return getattr(found, "backend_tokenizer", None) or found.backend


def sentence(seed: int) -> tuple[str, list[tuple[int, int]]]:
    """Random words and white space, and where each word stands."""
    drawn = random.Random(seed)
    text, spans = drawn.choice(["", " "]), []
    for word in words(8, seed=seed):
        spans.append((len(text), len(text) + len(word)))
        text += word + drawn.choice([" ", " ", "  ", "\t", "\u00a0"])
    return text, spans


def reach_beyond(pieces: Pieces, rows: Rows, span: Span) -> int:
    """How many of a word's pieces also stand for characters outside it."""
    places = [pieces.spans[row] or span for row in rows]
    return sum(not (span[0] <= place[0] and place[1] <= span[1]) for place in places)


@KINDS
def test_the_pieces_of_any_word_hold_it_and_nothing_outside_it(kind: str) -> None:
    straddling = 0
    for seed in range(60):
        text, spans = sentence(seed)
        pieces = pieces_of(tokenizer(kind), text)
        for start, end in spans:
            rows = rows_of(pieces, (start, end))
            places = [pieces.spans[row] for row in rows]
            covered = {at for place in places if place for at in range(*place)}
            assert covered >= set(range(start, end))
            straddling += reach_beyond(pieces, rows, (start, end))
    assert straddling <= 4, "words stand alone, so only a tokenizer without word bounds can fail"


@KINDS
def test_the_pieces_of_a_word_decode_to_its_normal_form(kind: str) -> None:
    machine = backend(kind)
    compared = 0
    for seed in range(60):
        text, spans = sentence(seed)
        pieces = pieces_of(tokenizer(kind), text)
        for span in spans:
            rows = rows_of(pieces, span)
            names = [machine.id_to_token(pieces.ids[row]) for row in rows]
            if "<unk>" in names or "[UNK]" in names or reach_beyond(pieces, rows, span):
                continue
            word = text[slice(*span)]
            normal = machine.normalizer.normalize_str(word) if machine.normalizer else word
            decoded = machine.decode([pieces.ids[row] for row in rows])
            if kind == "bert":
                decoded = decoded.replace(" ##", "").replace(" ", "")
                normal = normal.replace(" ", "")
            assert decoded.strip() == normal.strip(" ▁")
            compared += 1
    assert compared > 200


@KINDS
def test_special_pieces_stand_for_no_text(kind: str) -> None:
    added = {"bert": 2, "gpt2": 2, "roberta": 2, "llama": 0}.get(kind, 1)
    assert pieces_of(tokenizer(kind), "the robot").spans.count(None) == added


@pytest.mark.parametrize("kind", ["our bpe", "our unigram"])
def test_our_tokenizer_has_the_same_places_when_transformers_loads_it(kind, tmp_path) -> None:
    tokenizer(kind).save(tmp_path)
    loaded = AutoTokenizer.from_pretrained(tmp_path)
    for seed in range(10):
        text, _ = sentence(seed)
        assert pieces_of(loaded, text) == pieces_of(tokenizer(kind), text)


def test_white_space_is_never_part_of_a_piece() -> None:
    for trim in (True, False):
        pieces = pieces_of(byte_level(prefix=False, trim=trim), "zz the\tzz")
        assert all(p is None or pieces.text[slice(*p)].strip() == pieces.text[slice(*p)]
                   for p in pieces.spans)  # fmt: skip
        assert rows_of(pieces, (3, 6))[0] > max(rows_of(pieces, (0, 2)))


@pytest.mark.parametrize("kind", ["t5", "llama", "our unigram"])
def test_a_mark_of_the_beginning_is_not_taken_for_the_first_letter(kind: str) -> None:
    text = "日本 robot"
    pieces = pieces_of(tokenizer(kind), text)
    names = [backend(kind).id_to_token(number) for number in pieces.ids]
    assert names[0] == "▁"
    assert pieces.spans[0] == (0, 0)
    assert 0 not in rows_of(pieces, (0, 1))


def test_all_bytes_of_one_character_are_its_pieces() -> None:
    pieces = pieces_of(tokenizer("llama"), "a 😀 b")
    names = [backend("llama").id_to_token(pieces.ids[row]) for row in rows_of(pieces, (2, 3))]
    assert names == ["<0xF0>", "<0x9F>", "<0x98>", "<0x80>"]


def test_an_accent_that_the_tokenizer_drops_belongs_to_its_letter() -> None:
    pieces = pieces_of(tokenizer("bert"), "cafe\u0301 it")
    assert max(place[1] for place in pieces.spans if place and place[0] < 5) == 5
    assert rows_of(pieces, (4, 5)) == rows_of(pieces, (3, 4))
    assert rows_of(pieces, (6, 8))[0] > rows_of(pieces, (4, 5))[-1]


def one_letter_pieces(normalizer: Any, vocabulary: str = "abkostxß ") -> Any:
    model = models.BPE(vocab={c: row for row, c in enumerate(vocabulary)}, merges=[])
    machine = tokenizers.Tokenizer(model)
    machine.normalizer = normalizer
    return PreTrainedTokenizerFast(tokenizer_object=machine)


def test_a_word_with_a_character_that_the_tokenizer_drops_is_refused() -> None:
    pieces = pieces_of(one_letter_pieces(normalizers.Replace("ss", "ß")), "boss bot")
    assert len(rows_of(pieces, (5, 8))) == 3
    with pytest.raises(SpanError, match=r"'s' of 'boss' stands in no piece, needed all of it"):
        rows_of(pieces, (0, 4))


def test_places_that_a_dropped_character_shifts_are_refused() -> None:
    assert pieces_of(one_letter_pieces(None), "bot").spans == ((0, 1), (1, 2), (2, 3))
    with pytest.raises(SpanError, match="the tokenizer puts the piece 't' at 'é'"):
        pieces_of(one_letter_pieces(None), "boét")


@pytest.mark.parametrize("span", [(3, 3), (-1, 2), (6, 10), (4, 2)])
def test_a_span_outside_the_text_is_refused(span: tuple[int, int]) -> None:
    with pytest.raises(SpanError, match="not within its 8 characters; mend the span"):
        rows_of(pieces_of(tokenizer("t5"), "boat bot"), span)


def test_a_span_of_white_space_stands_in_no_piece() -> None:
    with pytest.raises(SpanError, match="characters 4 to 5 of 'boat bot': ' ' stands in no piece"):
        rows_of(pieces_of(tokenizer("t5"), "boat bot"), (4, 5))


class Liar:
    """Says that it is a fast tokenizer, and is wrong about the places."""

    is_fast = True
    backend_tokenizer = tokenizers.Tokenizer(models.BPE())

    def __init__(self, *offsets: tuple[int, int]):
        self.offsets = offsets

    def __call__(self, text: str, **options: Any) -> dict[str, Any]:
        return {
            "input_ids": [0, 1],
            "offset_mapping": self.offsets,
            "special_tokens_mask": [0, 0],
        }

    def convert_ids_to_tokens(self, ids: list[int]) -> list[str]:
        return ["Ġboat", "Ġbot"]


@pytest.mark.parametrize(
    ("offsets", "message"),
    [
        (((0, 4), (4, 7)), "the piece 'Ġbot' at 'bo', needed the letters of the piece"),
        (((5, 8), (0, 4)), r"a piece at \(0, 4\) after one at \(5, 8\), needed places in the"),
        (((0, 4), (5, 9)), "a piece at 5 to 9, outside the text's 8 characters"),
    ],
)
def test_places_that_cannot_be_are_refused(offsets, message: str) -> None:
    assert pieces_of(Liar((0, 4), (4, 8)), "boat bot").spans == ((0, 4), (5, 8))
    with pytest.raises(SpanError, match=message):
        pieces_of(Liar(*offsets), "boat bot")


def test_letters_that_the_normaliser_rewrites_are_no_lie() -> None:
    steps = normalizers.Sequence([normalizers.Replace(Regex("x"), "ks")])
    pieces = pieces_of(one_letter_pieces(steps), "box at")
    assert pieces == Pieces(
        "box at", pieces.ids, ((0, 1), (1, 2), (2, 3), (2, 3), (4, 4), (4, 5), (5, 6))
    )
