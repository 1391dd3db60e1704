"""Places found by spelling the text from the pieces, and refused where it cannot be spelt."""

import json
from pathlib import Path
from typing import Any

import pytest
from transformers import ByT5Tokenizer, M2M100Tokenizer, MarianTokenizer, T5Tokenizer

from seq2seq.errors import SpanError
from seq2seq.probe.items.pieces import pieces_of, rows_of
from seq2seq.probe.items.spelling import places_of
from tests.probe.tokenizer_kinds import sentencepiece_file, words


def slow(kind: str, folder: Path) -> Any:
    import sentencepiece

    model = sentencepiece_file(folder, byte_fallback=kind == "m2m with bytes")
    program = sentencepiece.SentencePieceProcessor(model_file=str(model))
    names = [program.id_to_piece(row) for row in range(program.get_piece_size())]
    vocabulary = {name: row for row, name in enumerate([*names, "<pad>"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary), encoding="utf-8")
    if kind == "marian":
        return MarianTokenizer(
            source_spm=str(model),
            target_spm=str(model),
            vocab=str(folder / "vocab.json"),
            source_lang="en",
            target_lang="de",
        )
    return M2M100Tokenizer(
        vocab_file=str(folder / "vocab.json"), spm_file=str(model), src_lang="en", tgt_lang="de"
    )


@pytest.mark.parametrize("kind", ["marian", "m2m", "m2m with bytes", "byt5"])
def test_the_pieces_of_any_word_hold_it_and_nothing_outside_it(kind: str, tmp_path) -> None:
    tokenizer = ByT5Tokenizer() if kind == "byt5" else slow(kind, tmp_path)
    assert not tokenizer.is_fast
    for seed in range(40):
        drawn = words(8, seed=seed)
        text = " ".join(drawn)
        pieces = pieces_of(tokenizer, text)
        assert len(pieces.ids) == len(pieces.spans)
        assert list(pieces.ids) == tokenizer(text)["input_ids"]
        at, seen = 0, 0
        for word in drawn:
            rows = rows_of(pieces, (at, at + len(word)))
            places = [pieces.spans[row] for row in rows]
            covered = [place for place in places if place]
            assert (covered[0][0], covered[-1][1]) == (at, at + len(word))
            assert rows[0] >= seen, "no piece belongs to two words"
            at, seen = at + len(word) + 1, rows[-1] + 1


def test_a_slow_tokenizer_has_the_places_of_its_fast_twin(tmp_path) -> None:
    model = sentencepiece_file(tmp_path)
    import sentencepiece

    program = sentencepiece.SentencePieceProcessor(model_file=str(model))
    scores = [(program.id_to_piece(n), program.get_score(n)) for n in range(len(program))]
    fast = T5Tokenizer(vocab=scores, extra_ids=0)
    for seed in range(30):
        text = " ".join(words(8, seed=seed))
        names = program.encode(text, out_type=str)
        pieces = pieces_of(fast, text)
        if fast.convert_ids_to_tokens(pieces.ids[:-1]) == names:
            assert [*places_of(names, text), None] == list(pieces.spans)


def test_the_target_of_a_translation_is_cut_as_one(tmp_path) -> None:
    tokenizer = slow("m2m", tmp_path)
    source, target = (pieces_of(tokenizer, "a b", side=side) for side in ("source", "target"))
    assert source.ids[0] == tokenizer.get_lang_id("en")
    assert target.ids[0] == tokenizer.get_lang_id("de")
    assert source.spans == target.spans
    assert source.spans[0] is None
    assert source.spans[-1] is None
    assert pieces_of(tokenizer, "a b") == source, "the tokenizer is left as it was"


def test_a_tokenizer_that_fails_on_a_target_is_left_as_it_was(tmp_path, monkeypatch) -> None:
    tokenizer = slow("m2m", tmp_path)
    before = list(tokenizer.prefix_tokens)

    def fail(text: str) -> list[str]:
        assert tokenizer.prefix_tokens != before
        raise RuntimeError("no such piece")

    monkeypatch.setattr(tokenizer, "tokenize", fail)
    with pytest.raises(RuntimeError, match="no such piece"):
        pieces_of(tokenizer, "a b", side="target")
    assert tokenizer.prefix_tokens == before


@pytest.mark.parametrize(
    ("names", "text", "places"),
    [
        (["the", "ro", "##bot"], "The robot", [(0, 3), (4, 6), (6, 9)]),
        (["the</w>", "ro", "bot</w>"], "the  robot", [(0, 3), (5, 7), (7, 10)]),
        (["the", "ro@@", "bot"], "the robot", [(0, 3), (4, 6), (6, 9)]),
        (["▁", "▁ﬁ", "ne"], " fine", [(0, 0), (1, 3), (3, 5)]),
        (["▁fi", "ne"], "ﬁne", [(0, 1), (1, 3)]),
        (["▁f", "ine"], "ﬁne", [(0, 1), (0, 3)]),
        (["▁\"", "so", "\""], "“so”", [(0, 1), (1, 3), (3, 4)]),
        (["cafe", "it"], "café it", [(0, 4), (5, 7)]),
        (["istanbul"], "İstanbul", [(0, 8)]),
        (["<0xC3>", "<0xA9>", "a"], "éa", [(0, 1), (0, 1), (1, 2)]),
        (["##", "1"], "##1", [(0, 2), (2, 3)]),
    ],
)  # fmt: skip
def test_pieces_are_read_as_their_kind_writes_them(names, text: str, places) -> None:
    assert places_of(names, text) == places


def test_byte_level_pieces_are_read_by_the_tokenizers_own_alphabet() -> None:
    class ByteLevel:
        byte_decoder = {"Ġ": 0x20, "a": 0x61, "Ã": 0xC3, "©": 0xA9}  # noqa: RUF012

    assert places_of(["a", "ĠÃ", "©"], "a é", ByteLevel()) == [(0, 1), (2, 3), (2, 3)]


@pytest.mark.parametrize(
    "names", [["the", "[UNK]"], ["the", "ro"], ["ro", "bot", "the"], ["the", "ro", "bot", "."]]
)
def test_pieces_that_do_not_spell_the_text_are_refused(names: list[str]) -> None:
    assert places_of(["the", "ro", "bot"], "the robot") == [(0, 3), (4, 6), (6, 9)]
    with pytest.raises(SpanError, match=r"pieces do not spell it .* needed to know where they"):
        places_of(names, "the robot")


def test_ids_that_are_not_those_of_the_pieces_are_refused(tmp_path, monkeypatch) -> None:
    marian = slow("marian", tmp_path)
    monkeypatch.setattr(marian, "tokenize", lambda text, **options: ["a", "b", "c"])
    assert pieces_of(marian, "abc").spans == ((0, 1), (1, 2), (2, 3), None)
    monkeypatch.setattr(marian, "_encode_plus", lambda **options: {"input_ids": [0, 1]})
    with pytest.raises(SpanError, match="2 ids that do not hold the 3 pieces of the text in a row"):
        pieces_of(marian, "abc")
