"""From characters to pieces: which pieces of a tokenizer stand for a word of a text.

A probe that is off by one piece reads the attention of the wrong word and cannot see that it does.
So places come from the tokenizer's own book-keeping where it keeps one, and are found by spelling
the text again from the pieces where it does not; what neither can show is refused, not guessed.
"""

import unicodedata
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from seq2seq.context import SideFormat
from seq2seq.errors import SpanError
from seq2seq.probe.items.case import Span
from seq2seq.probe.items.spelling import spell_out

Side = Literal["source", "target"]
Rows = tuple[int, ...]
"""Positions of pieces in a text, in order."""

_MARKERS = "▁Ġ"


@dataclass(frozen=True)
class Pieces:
    """A text as a model reads it.

    ``spans`` holds the characters that each piece stands for, white space around them excluded:
    None for a special piece; an empty span for a piece that stands for no character, such as the
    mark of a word's beginning. Pieces may share a character, as the bytes of an emoji do.
    """

    text: str
    ids: tuple[int, ...]
    spans: tuple[Span | None, ...]

    @cached_property
    def _shown(self) -> tuple[list[tuple[int, int, int]], int]:
        """Start, end and row of every piece with characters, in order; the longest one's length."""
        spans = [(*span, row) for row, span in enumerate(self.spans) if span and span[0] < span[1]]
        return sorted(spans), max((end - start for start, end, _ in spans), default=0)

    def over(self, start: int, end: int) -> list[tuple[int, int, int]]:
        """Start, end and row of every piece that stands for one of some characters, in order."""
        shown, longest = self._shown
        near = slice(bisect_left(shown, (start - longest + 1,)), bisect_left(shown, (end,)))
        return [piece for piece in shown[near] if piece[1] > start]


def pieces_of(tokenizer: Any, text: str, *, side: Side = "source") -> Pieces:
    """Cut a text into pieces and say which characters each stands for.

    Args:
        tokenizer: One of the transformers library, of either kind, or one of ours.
        text: The text as it is written; nothing needs to be prepared.
        side: Which side of a translation the text is; some tokenizers cut the sides differently.

    Returns:
        The pieces, in the tokenizer's order, with the special ones that the model expects.

    Raises:
        SpanError: The tokenizer does not say where its pieces stand, and the text cannot be
            spelt from them; or what it says cannot be.
    """
    if not _is_stock(tokenizer) or tokenizer.is_fast:
        names, ids, offsets, added = _encoded(tokenizer, text, side)
        places = [
            None if is_added else _trimmed(text, offset)
            for is_added, offset in zip(added, offsets, strict=True)
        ]
        _check_order(text, places)
        machine = tokenizer.backend_tokenizer if _is_stock(tokenizer) else tokenizer.backend
        spans = [
            place and _checked(text, name, place, machine.normalizer)
            for name, place in zip(names, places, strict=True)
        ]
    else:
        ids, spans = spell_out(tokenizer, text, target=side == "target")
    return Pieces(text, tuple(ids), _with_lost_marks(text, spans))


def in_context(sentences: Sequence[Pieces], starts: Sequence[int], side: SideFormat) -> Pieces:
    """Join sentences as a model reads them: those before the last with a separator behind each.

    Args:
        sentences: Each by itself, special pieces included.
        starts: Where each begins in their common text; between them is one space.
        side: How context stands before a sentence.
    """
    *before, last = (
        [*zip(each.ids, moved(each.spans, start), strict=True)]
        for each, start in zip(sentences, starts, strict=True)
    )
    separator = [(piece, None) for piece in side.separator]
    rows = last[: side.head]
    for each in before:
        rows += [*each[side.head : -1], *separator]
    rows += last[side.head :]
    text = " ".join(each.text for each in sentences)
    return Pieces(text, tuple(piece for piece, _ in rows), tuple(span for _, span in rows))


def rows_of(pieces: Pieces, span: Span) -> Rows:
    """The pieces that stand for a word: every one that overlaps its characters, at least one.

    Raises:
        SpanError: The span is not in the text, or some of its characters are in no piece.
    """
    start, end = span
    if not 0 <= start < end <= len(pieces.text):
        raise SpanError(
            f"{_where(pieces, span)}: not within its {len(pieces.text)} characters; mend the span"
        )
    found = pieces.over(start, end)
    if not found:
        raise SpanError(
            f"{_where(pieces, span)}: {pieces.text[start:end]!r} stands in no piece; mend the span"
        )
    lost, at = "", start
    for piece_start, piece_end, _ in (*found, (end, end, 0)):
        lost += pieces.text[at:piece_start]
        at = max(at, piece_end)
    lost = "".join(c for c in lost if not (c.isspace() or _invisible(c)))
    if lost:
        raise SpanError(
            f"{_where(pieces, span)}: {lost[0]!r} of {pieces.text[start:end]!r} stands in no "
            "piece, needed all of it; the tokenizer drops this character"
        )
    return tuple(sorted(row for *_, row in found))


def moved(spans: Sequence[Span | None], start: int) -> list[Span | None]:
    """The spans in a text that begins so many characters earlier."""
    return [span and (span[0] + start, span[1] + start) for span in spans]


def _where(pieces: Pieces, span: Span) -> str:
    return f"characters {span[0]} to {span[1]} of {pieces.text[:60]!r}"


def _is_stock(tokenizer: Any) -> bool:
    """Whether it is one of the transformers library; ours do not say how they are made."""
    return hasattr(tokenizer, "is_fast")


def _encoded(
    tokenizer: Any, text: str, side: Side
) -> tuple[list[str], list[int], list[Span], list[int]]:
    """Pieces, their ids, their places, and which of them were added as special ones."""
    if not _is_stock(tokenizer):
        found = tokenizer.backend.encode(text)
        return found.tokens, found.ids, found.offsets, found.special_tokens_mask
    found = tokenizer(
        **{"text" if side == "source" else "text_target": text},
        return_offsets_mapping=True,
        return_special_tokens_mask=True,
        verbose=False,
    )
    ids = found["input_ids"]
    names = tokenizer.convert_ids_to_tokens(ids)
    return names, ids, found["offset_mapping"], found["special_tokens_mask"]


def _trimmed(text: str, place: Sequence[int]) -> Span:
    """The place without white space at its ends; of white space alone, nothing."""
    start, end = int(place[0]), int(place[1])
    if not 0 <= start <= end <= len(text):
        raise SpanError(
            f"{text[:60]!r}: the tokenizer puts a piece at {start} to {end}, outside the text's "
            f"{len(text)} characters; use another tokenizer class"
        )
    word = text[start:end]
    bare = word.strip()
    if len(bare) == len(word):
        return start, end
    start += len(word) - len(word.lstrip())
    return start, start + len(bare)


def _check_order(text: str, places: Sequence[Span | None]) -> None:
    known = [place for place in places if place]
    for before, after in pairwise(known):
        if after[0] < before[0] or after[1] < before[1]:
            raise SpanError(
                f"{text[:60]!r}: the tokenizer puts a piece at {after} after one at {before}, "
                "needed places in the order of the text; use another tokenizer class"
            )


def _checked(text: str, name: str, place: Span, normalizer: Any) -> Span:
    """The place, if it can be: plain letters must be among the letters that stand there.

    A mark of a word's beginning that was put before a text counts as its first character to the
    tokenizer; it stands for none of it. Letters are compared because the tokenizers library
    shifts all places after a character that a vocabulary without an unknown piece drops.
    """
    there = text[slice(*place)]
    if name == there.lower():
        return place
    if name and not name.strip(_MARKERS) and there.strip(_MARKERS):
        return place[0], place[0]
    letters = name.strip(_MARKERS).removeprefix("##").removesuffix("</w>")
    if not (letters.isascii() and letters.isalpha()) or letters.lower() == there.lower():
        return place
    normal = normalizer.normalize_str(there) if normalizer else there
    if letters.lower() not in normal.lower():
        raise SpanError(
            f"{text[:60]!r}: the tokenizer puts the piece {name!r} at {there!r}, needed the "
            "letters of the piece; use another tokenizer class"
        )
    return place


def _with_lost_marks(text: str, places: Sequence[Span | None]) -> tuple[Span | None, ...]:
    """Accents and invisible characters that a tokenizer drops belong to what they follow."""
    if text.isascii() and text.isprintable():
        return tuple(places)  # there are none
    covered = {at for place in places if place for at in range(*place)}
    return tuple(place and _extended(text, place, covered) for place in places)


def _extended(text: str, place: Span, covered: set[int]) -> Span:
    start, end = place
    while start < end < len(text) and end not in covered and _invisible(text[end]):
        end += 1
    return start, end


def _invisible(character: str) -> bool:
    """Whether it is an accent, or takes no room; white space is neither."""
    return unicodedata.category(character)[0] in "MC" and not character.isspace()
