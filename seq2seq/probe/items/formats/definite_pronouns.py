"""Reader of definite pronouns (DPR), the text form of sets in Winograd's manner.

Four lines a question and an empty one between: the sentence, its pronoun, the candidates with
commas between, and the right one. Rahman and Ng (2012) publish their collection so, and others
WSC273, PDP, Winogender and WinoBias, with ``[MASK]`` in the place of the pronoun.
"""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.probe.items.case import Case, Span
from seq2seq.probe.items.formats.question import (
    BLANK,
    Question,
    Unusable,
    places_of,
    with_phrases,
)

MASK = "[MASK]"
LINES = 4


def read_definite_pronouns(path: Path) -> Iterator[Question]:
    """Blocks of sentence, pronoun, candidates and the right candidate.

    A pronoun that stands several times in its sentence is meant where it stands first, as the
    collection says. ``[MASK]`` is read as the blank ``_``, and white space as one space.

    Raises:
        DataError: A block has another number of lines, or names a right candidate that is none of
            its candidates.
    """
    for first, block in _blocks(path):
        where = f"{path}:{first}"
        if len(block) != LINES:
            raise DataError(
                f"{where}: a block of {len(block)} lines (first {block[0][:40]!r}), needed four: "
                "sentence, pronoun, candidates and the right one, and an empty line after them"
            )
        text, pronoun, *_ = block
        candidates = [" ".join(each.split()) for each in block[2].split(",")]
        named = [each.casefold() for each in candidates]
        right = " ".join(block[3].split()).casefold()
        if named.count(right) != 1:
            raise DataError(
                f"{where}: the right candidate {block[3].strip()!r} stands {named.count(right)} "
                f"times among {candidates}, needed once; mend the block"
            )
        name = f"{path.name}:{first}"
        ask = partial(_case, name, text, pronoun, candidates, named.index(right))
        yield Question(f"line {first}", ask)


def is_block(lines: Sequence[str]) -> bool:
    """Whether the first lines of a file are one block of this form."""
    if len(lines) < LINES or any(line.strip() for line in lines[LINES : LINES + 1]):
        return False
    text, pronoun, candidates, right = (line.strip() for line in lines[:LINES])
    named = [each.strip().casefold() for each in candidates.split(",")]
    return pronoun in text and len(pronoun.split()) == 1 and right.casefold() in named


def _blocks(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Lines without an empty one between, and the number of the first of them."""
    block: list[str] = []
    number = 0
    for number, line in enumerate(iterate_lines(path), start=1):
        if line.strip():
            block.append(line)
        elif block:
            yield number - len(block), block
            block = []
    if block:
        yield number - len(block) + 1, block


def _case(name: str, sentence: str, given: str, candidates: Sequence[str], right: int) -> Case:
    masked = given.strip() == MASK
    text = " ".join(sentence.replace(MASK, f" {BLANK} ").split())
    pronoun = _first_place(text, BLANK if masked else given.strip(), masked=masked)
    return with_phrases(Case(name, text, pronoun, tags=("blank",) * masked), candidates, right)


def _first_place(text: str, word: str, *, masked: bool) -> Span:
    if masked:
        if text.split().count(BLANK) != 1:
            raise Unusable("there is not one blank")
        start = text.split(" ").index(BLANK)
        at = len(" ".join(text.split(" ")[:start])) + (start > 0)
        return at, at + len(BLANK)
    places = places_of(text, word)
    same = [span for span in places if text[slice(*span)] == word]
    if not places:
        raise Unusable("the pronoun does not stand in the text")
    return (same or places)[0]
