"""Where words begin, so that pieces can be shown joined to words."""

import re
import unicodedata
from collections.abc import Sequence

from seq2seq.languages import UNSPACED_LETTER

INSIDE = "'’-"  # part of a word between two letters


def number_words(text: str, spans: Sequence[tuple[int, int] | None]) -> tuple[int, ...]:
    """The word of each piece, counted from 0 without a gap.

    A piece belongs to the word of the piece before it when its first character is in the same word
    as that one's last. Pieces without characters of their own are words of their own.

    Args:
        text: as it is written.
        spans: characters of each piece; None or an empty span where it stands for none.
    """
    word_of = _word_of_characters(text)
    numbers: list[int] = []
    last: int | None = None
    for span in spans:
        start, end = span or (0, 0)
        joins = start < end and word_of[start] == last
        numbers.append((numbers[-1] if numbers else -1) + (not joins))
        last = word_of[end - 1] if start < end else None
    return tuple(numbers)


def _word_of_characters(text: str) -> list[int]:
    """A number for each character; neighbours with the same one are in the same word."""
    inside = [_is_inside(text, index) for index in range(len(text))]
    numbers, number = [], 0
    for index in range(len(text)):
        number += not (index and inside[index] and inside[index - 1])
        numbers.append(number)
    return numbers


def _is_inside(text: str, index: int) -> bool:
    """Whether a character can have others of its word beside it."""
    if text[index] in INSIDE and 0 < index < len(text) - 1:
        return _is_letter(text[index - 1]) and _is_letter(text[index + 1])
    return _is_letter(text[index])


def _is_letter(character: str) -> bool:
    """Whether it is part of a word that blanks set apart; in other scripts a piece is a word."""
    return unicodedata.category(character)[0] in "LMN" and not re.match(UNSPACED_LETTER, character)
