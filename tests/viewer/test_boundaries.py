"""Pieces join to the words that a reader sees."""

import pytest

from seq2seq.viewer.boundaries import number_words


def spans_of(text: str, *pieces: str) -> list[tuple[int, int] | None]:
    """Where each piece stands; "" is a special piece, "▁" one without characters."""
    spans: list[tuple[int, int] | None] = []
    end = 0
    for piece in pieces:
        if piece in ("", "▁"):
            spans.append(None if not piece else (end, end))
            continue
        start = text.index(piece, end)
        end = start + len(piece)
        spans.append((start, end))
    return spans


@pytest.mark.parametrize(
    ("text", "pieces", "words"),
    [
        ("the wrench.", ["", "the", "wren", "ch", ".", ""], (0, 1, 2, 2, 3, 4)),
        ("the wrench", ["the", "▁", "wrench"], (0, 1, 2)),
        ("it was", ["it", " was"], (0, 1)),
        ("can't re-use", ["can", "'", "t", "re", "-", "use"], (0, 0, 0, 1, 1, 1)),
        ("a- b", ["a", "-", "b"], (0, 1, 2)),
        ("heavy.It", ["heavy.", "It"], (0, 1)),
        ("1,000", ["1", ",", "000"], (0, 1, 2)),
        ("भारी था", ["भ", "ा", "री", "था"], (0, 0, 0, 1)),
        ("很重的", ["很", "重的"], (0, 1)),
        ("nó nặng", ["nó", "n", "ặ", "ng"], (0, 1, 1, 1)),
        ("...", ["..", "."], (0, 1)),
    ],
)
def test_words_end_where_a_reader_sees_them_end(
    text: str, pieces: list[str], words: tuple[int, ...]
) -> None:
    assert number_words(text, spans_of(text, *pieces)) == words


def test_bytes_of_one_character_are_one_word() -> None:
    assert number_words("a 🔧!", [(0, 1), (2, 3), (2, 3), (2, 3), (3, 4)]) == (0, 1, 1, 1, 2)
