"""Addresses and placeholders that a translation changed, put back as the source has them.

A model copies them piece by piece, and now and then one comes out with a letter too many or too
few: ``{{name}`` for ``{{name}}``, ``/200`` for ``/2000``. None of that is ever right. What of the
source (`seq2seq.placeables`) the output lacks is looked for in the rest of the output, in two ways:

1. *By its spelling.* The stretch of the output from which it can be made with the fewest letters
   deleted and inserted is taken for it, if these are at most a third of its length. A stretch that
   is a word, that begins or ends inside one, or that the source holds elsewhere is no copy of it.
2. *By exclusion.* If one placeholder of some form is still lacking and the output holds just one of
   that form that the source does not hold, a name that was translated for instance
   (``{nombre}`` for ``{name}``), they are the same.

What is found in neither way is put nowhere: where it belongs only a translator could say. It counts
as missing.

Why a third: between two unlike strings of letters the fewest deletions and insertions are about two
thirds of the longer one (the longest common subsequence of random strings of 20 to 30 letters takes
up about a third of them, Chvátal and Sankoff 1975), and a copy with every tenth letter wrong has a
fifth. Replacing a letter counts as deleting and inserting, so that a full stop behind a copy that
lost its last letter is not taken for that letter.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from seq2seq.languages import UNSPACED_LETTER
from seq2seq.placeables import OPEN_ENDED, Placeable, placeables_in

# Of the length of an address or placeholder, the share that may have to be deleted or inserted.
MOST_CHANGED = 1 / 3


@dataclass(frozen=True, slots=True)
class Restored:
    """An output and what became of its source's addresses and placeholders.

    Attributes:
        text: The output, changed ones as the source has them.
        restored: How many were changed and are put back.
        missing: How many the text lacks.
    """

    text: str
    restored: int = 0
    missing: int = 0


@dataclass(frozen=True, slots=True)
class _Copy:
    """A stretch of an output, and what of the source it is a copy of."""

    start: int
    end: int
    original: str

    def overlaps(self, others: Iterable["_Copy | Placeable"]) -> bool:
        return any(self.start < one.end and one.start < self.end for one in others)


@dataclass(frozen=True, slots=True)
class _Pair:
    """A source, its output, and the addresses and placeholders in that."""

    source: str
    output: str
    written: Sequence[Placeable]


def restore(source: str, output: str) -> Restored:
    """Put changed addresses and placeholders of the source back into an output.

    Args:
        source: What was translated, in its normal form.
        output: What became of it.

    Returns:
        The output itself where nothing is lacking.
    """
    wanted = placeables_in(source)
    if not wanted:
        return Restored(output)
    pair = _Pair(source, output, placeables_in(output))
    kept = _unchanged({one.text for one in wanted}, pair)
    missing = _less(Counter(one.text for one in wanted), kept)
    if not missing:
        return Restored(output)
    changed = _by_spelling(missing, _without(wanted, source), pair, kept)
    missing = _less(missing, changed)
    forms = {one.text: one.form for one in wanted}
    guessed = _by_exclusion(missing, forms, pair, [*kept, *changed])
    missing = _less(missing, guessed)
    text = output
    for copy in sorted([*changed, *guessed], key=lambda one: one.start, reverse=True):
        text = text[: copy.start] + copy.original + text[copy.end :]
    return Restored(text, restored=len(changed) + len(guessed), missing=missing.total())


def _less(wanted: Counter[str], copies: Iterable[_Copy]) -> Counter[str]:
    return wanted - Counter(copy.original for copy in copies)


def _without(placeables: Sequence[Placeable], source: str) -> str:
    for one in reversed(placeables):
        source = f"{source[: one.start]}\n{source[one.end :]}"
    return source


def _unchanged(texts: Iterable[str], pair: _Pair) -> list[_Copy]:
    """All exact copies in an output, more than the source has included; the longest come first."""
    found: list[_Copy] = []
    for text in sorted(texts, key=len, reverse=True):
        start = pair.output.find(text)
        while start >= 0:
            copy = _Copy(start, start + len(text), text)
            if _to_its_ends(copy, pair) == copy and not copy.overlaps(found):
                found.append(copy)
            start = pair.output.find(text, start + len(text))
    return found


def _by_spelling(
    missing: Counter[str], rest: str, pair: _Pair, kept: Sequence[_Copy]
) -> list[_Copy]:
    """The stretches of an output that are changed copies, none of them overlapping."""
    output = pair.output
    edges = [0, *(edge for copy in sorted(kept, key=lambda one: one.start)
                  for edge in (copy.start, copy.end)), len(output)]  # fmt: skip
    free = [(start, end) for start, end in zip(edges[::2], edges[1::2], strict=True) if start < end]
    offers: list[tuple[float, int, _Copy]] = []
    for text in missing:
        most = int(MOST_CHANGED * len(text))
        for start, end in free:
            for first, last, changes in _closest(text, output[start:end], most):
                near = _Copy(start + first, start + last, text)
                copy = _to_its_ends(_to_address_ends(near, pair), pair)
                changes += near.start - copy.start + copy.end - near.end
                spelled = output[copy.start : copy.end]
                is_word = "".join(spelled.split()).isalnum()
                if changes <= most and not is_word and spelled not in rest:
                    offers.append((changes / len(text), copy.start, copy))
    left, found = Counter(missing), list[_Copy]()
    for _, _, copy in sorted(offers, key=lambda offer: offer[:2]):
        if left[copy.original] and not copy.overlaps([*kept, *found]):
            left[copy.original] -= 1
            found.append(copy)
    return found


def _closest(text: str, searched: str, most: int) -> Iterator[tuple[int, int, int]]:
    """Start, end and changes of every stretch that a text is made from with at most so many.

    Of those with one end only the one with the fewest letters deleted and inserted, and of several
    the shortest.

    Source: Sellers 1980, "The theory and computation of evolutionary distances: pattern
    recognition", without replacements.
    """
    # changes and, negative, the start of the best stretch for each beginning of the text
    column = [(changes, 0) for changes in range(len(text) + 1)]
    for end, letter in enumerate(searched, start=1):
        before, column = column, [(0, -end)]
        for place, wanted in enumerate(text, start=1):
            (inserted, start), (deleted, late) = before[place], column[place - 1]
            best = min((inserted + 1, start), (deleted + 1, late))
            column.append(min(best, before[place - 1]) if wanted == letter else best)
        changes, start = column[-1]
        if changes <= most and -start < end:
            yield -start, end, changes


def _to_its_ends(copy: _Copy, pair: _Pair) -> _Copy:
    """A stretch widened to the ends of the words, brackets or placeholder that it lies in.

    What also stands beside the original in the source is no part of it.
    """
    source, output = pair.source, pair.output
    start, end, text = copy.start, copy.end, copy.original
    for one in pair.written:  # {x} is not what stands in ${x}
        if one.start <= start and end <= one.end and one.form not in OPEN_ENDED:
            start, end = one.start, one.end
    while start and _joined(output[start - 1 : start + 1]):
        if output[start - 1 : copy.start] + text in source:
            break
        start -= 1
    while end < len(output) and _joined(output[end - 1 : end + 1]):
        if text + output[copy.end : end + 1] in source:
            break
        end += 1
    return _Copy(start, end, text)


def _to_address_ends(copy: _Copy, pair: _Pair) -> _Copy:
    """A stretch widened to the ends of the addresses of the output that it begins or ends in."""
    beside = [one for one in pair.written if one.form in OPEN_ENDED and copy.overlaps([one])]
    start = min([copy.start, *(one.start for one in beside)])
    end = max([copy.end, *(one.end for one in beside)])
    return _Copy(start, end, copy.original)


def _joined(pair: str) -> bool:
    """Whether two characters are of one word, or twice the same bracket."""
    if pair in ("{{", "}}", "[[", "]]"):
        return True
    return all(one.isalnum() or one == "_" for one in pair) and not re.search(UNSPACED_LETTER, pair)


def _by_exclusion(
    missing: Counter[str],
    forms: Mapping[str, str],
    pair: _Pair,
    taken: Sequence[_Copy],
) -> list[_Copy]:
    """The only placeholder of a form that the source does not hold, for the only one lacking."""
    strange = [
        one
        for one in pair.written
        if one.text not in pair.source
        and one.form not in OPEN_ENDED
        and not any(copy.overlaps([one]) for copy in taken)
    ]
    lacking = Counter(forms[text] for text in missing.elements())
    present = Counter(one.form for one in strange)
    originals = {forms[text]: text for text in missing}
    return [
        _Copy(one.start, one.end, originals[one.form])
        for one in strange
        if lacking[one.form] == present[one.form] == 1
    ]
