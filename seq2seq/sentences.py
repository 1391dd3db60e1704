"""Cut a text that is too long for the model into sentences, and those that are too long into less.

The rules know no language. A sentence ends with one of ``. ! ? … ؟ ۔ ।``, perhaps with closing
quotes or brackets, before white space, unless the next word starts with a lower-case letter or the
mark is the full stop of a single letter ("J. Bach"); and with ``。！？｡`` wherever they stand. A
sentence that is too long is cut after commas, semicolons, colons and dashes, what is still too
long at white space, and then anywhere; such bits are packed into parts that are as long as the
model can read.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Literal

Long = Literal["split", "truncate", "refuse"]
"""What to do with a text that is longer than the model can read."""

CLOSING = r"[\"'”’»›)\]}」』）]*"
SENTENCE_END = re.compile(
    rf"(?:[.!?…؟۔।]+{CLOSING}(?=\s))|(?:[。！？｡]+{CLOSING})",  # the second needs no space
)
CLAUSE_END = re.compile(r"[,;:،؛—–](?=\s)|[，、；：]")
WORD_END = re.compile(r"(?<=\S)(?=\s)")
INITIAL = re.compile(r"(?:^|[\s.(])[^\W\d_]\.$")


def split_text(text: str, fits: Callable[[str], bool]) -> list[str]:
    """Split a text into sentences, and sentences that do not fit into less.

    Args:
        text: The text.
        fits: Whether the model can read a part at once. A single character always counts as
            fitting, so that the splitting ends.

    Returns:
        The parts without white space around them. Together they are the whole text.
    """
    parts: list[str] = []
    for sentence in _cut(text, _sentence_ends(text)):
        parts.extend(_split_long(sentence, fits))
    return [stripped for part in parts if (stripped := part.strip())]


def _split_long(text: str, fits: Callable[[str], bool]) -> list[str]:
    if fits(text):
        return [text]
    for ends in (CLAUSE_END, WORD_END):
        bits = _cut(text, [match.end() for match in ends.finditer(text)])
        if len(bits) > 1:
            packed = _pack(bits, fits)
            return [part for bit in packed for part in _split_long(bit, fits)]
    return _pack(_characters(text), fits)


def _cut(text: str, places: Iterable[int]) -> list[str]:
    edges = sorted({0, len(text), *places})
    return [text[start:end] for start, end in pairwise(edges)]


def _sentence_ends(text: str) -> Iterator[int]:
    for match in SENTENCE_END.finditer(text):
        following = text[match.end() :].lstrip()[:1]
        initial = INITIAL.search(text[max(0, match.end() - 4) : match.end()])
        if not following.islower() and not initial:
            yield match.end()


def _characters(text: str) -> list[str]:
    """Cut into characters, accents staying with their letters."""
    starts = [place for place, one in enumerate(text) if not unicodedata.combining(one)]
    return _cut(text, starts)


def _pack(bits: Sequence[str], fits: Callable[[str], bool]) -> list[str]:
    """Join neighbours into parts as long as fit; a bit that does not fit stays alone."""
    text = "".join(bits)
    edges = [0, *accumulate(map(len, bits))]
    packed: list[str] = []
    start = 0
    while start < len(bits):
        end = _furthest(text, edges, start, fits)
        packed.append(text[edges[start] : edges[end]])
        start = end
    return packed


def _furthest(text: str, edges: Sequence[int], start: int, fits: Callable[[str], bool]) -> int:
    """The last edge up to which the text from the edge ``start`` fits, at least the next.

    Found by doubling, then halving: what is tried is never over twice as many bits as fit, so a
    long text takes time in proportion to its length.
    """

    def reaches(end: int) -> bool:
        return fits(text[edges[start] : edges[end]])

    last, step = len(edges) - 1, 2
    while start + step <= last and reaches(start + step):
        step *= 2
    low, high = start + step // 2, min(start + step, last + 1)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if reaches(middle) else (low, middle)
    return low
