"""Reader of XWINO (Tikhonov and Ryabinin 2021): Winograd schemas in six languages, cut in words."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.files import parse_json
from seq2seq.lines import iterate_lines
from seq2seq.probe.items.case import Case, Span
from seq2seq.probe.items.formats.question import Question, Unusable, with_candidates

COLUMNS = 7


def read_xwino(path: Path) -> Iterator[Question]:
    """Lines of language, collection, a column not used, text, words, pronoun and candidates.

    The last three are JSON: the words of the text; ``[text, [first, end], words]``; and a list of
    such with ``true`` or ``false`` in the end. Places count words from 0. Language and collection
    become tags.

    Raises:
        DataError: A line has other columns or other values in them.
    """
    for number, line in enumerate(iterate_lines(path), start=1):
        if not line.strip():
            continue
        values = line.split("\t")
        try:
            language, collection, _, text, *structures = values
            words, pronoun, candidates = map(parse_json, structures)
            places = [_place(pronoun), *map(_place, candidates)]
            right = [candidate[-1] for candidate in candidates]
            if not all(isinstance(one, bool) for one in right):
                raise ValueError("a candidate does not end in true or false")
            if not all(isinstance(word, str) for word in words):
                raise ValueError("the words are no texts")
        except (ValueError, TypeError, IndexError, KeyError) as error:
            raise DataError(
                f"{path}:{number}: {len(values)} columns ({error}), needed {COLUMNS}: language, "
                "collection, one not used, text, and as JSON words, pronoun and candidates"
            ) from error
        tags = (f"lang={language}", f"collection={collection}")
        name = f"{path.name}:{number}"
        yield Question(f"line {number}", partial(_case, name, text, words, places, right, tags))


def _place(mention: Any) -> Span:
    first, end = mention[1]
    if not 0 <= first < end:
        raise ValueError(f"words {first} to {end}")
    return int(first), int(end)


def _case(
    name: str,
    text: str,
    words: Sequence[str],
    places: Sequence[Span],
    right: Sequence[bool],
    tags: tuple[str, ...],
) -> Case:
    spans = spell(text, words)
    if any(end > len(spans) for _, end in places):
        raise Unusable("a place lies behind the last word")
    pronoun, *found = [(spans[first][0], spans[end - 1][1]) for first, end in places]
    return with_candidates(Case(name, text, pronoun, tags=tags), found, right)


def spell(text: str, words: Sequence[str]) -> list[Span]:
    """Where each word of a text stands; white space may stand between them.

    Raises:
        Unusable: The words do not spell the text.
    """
    spans, at = [], 0
    for word in words:
        while at < len(text) and text[at].isspace():
            at += 1
        if not word or not text.startswith(word, at):
            raise Unusable("the words do not spell the text")
        spans.append((at, at + len(word)))
        at += len(word)
    if text[at:].strip():
        raise Unusable("the words do not spell the text")
    return spans
