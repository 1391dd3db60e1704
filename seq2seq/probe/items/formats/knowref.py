"""Reader of KnowRef (Emami et al. 2019): one JSON array, the pronoun in square brackets."""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.files import parse_json
from seq2seq.lines import read_lines
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.question import (
    GENDERS,
    Question,
    Unusable,
    with_phrases,
)

SENTENCE = "sentence_with_pronoun"
FIELDS = (SENTENCE, "candidate0", "candidate1", "correct_candidate")
_BRACKET = re.compile(r"\[\s*([^\[\]]+?)\s*\]")


def read_knowref(path: Path) -> Iterator[Question]:
    """Items with ``sentence_with_pronoun``, ``candidate0``, ``candidate1``, ``correct_candidate``.

    Their number in the file is their id, since sentences recur. The gender of the pronoun becomes
    a tag.

    Raises:
        DataError: The file is no array of such objects, or a right candidate is neither of the two.
    """
    try:
        items = parse_json("\n".join(read_lines(path)))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}), needed KnowRef's one array") from error
    if not isinstance(items, list):
        raise DataError(f"{path}: a {type(items).__name__}, needed KnowRef's array of items")
    for number, item in enumerate(items, start=1):
        fields = item if isinstance(item, dict) else {}
        missing = [name for name in FIELDS if not isinstance(fields.get(name), str)]
        if missing:
            raise DataError(
                f"{path}: item {number} has no text in {missing}, needed {', '.join(FIELDS)}"
            )
        names = fields["candidate0"], fields["candidate1"]
        told = fields["correct_candidate"]
        right = [told in (name, f"candidate{n}", f"candidate_{n}") for n, name in enumerate(names)]
        if sum(right) != 1:
            raise DataError(
                f"{path}: item {number}: right is {told!r} of {names}, needed one of the two"
            )
        name = f"{path.name}:{number}"
        yield Question(f"item {number}", partial(_case, name, fields, right.index(True)))


def _case(name: str, fields: Mapping[str, Any], right: int) -> Case:
    marked = fields[SENTENCE]
    found = list(_BRACKET.finditer(marked))
    if len(found) != 1:
        raise Unusable("not one word stands in brackets")
    (bracket,) = found
    word = bracket[1]
    text = marked[: bracket.start()] + word + marked[bracket.end() :]
    pronoun = (bracket.start(), bracket.start() + len(word))
    gender = GENDERS.get(word.lower())
    tags = (f"gender={gender}",) if gender else ()
    names = fields["candidate0"], fields["candidate1"]
    return with_phrases(Case(name, text, pronoun, tags=tags), names, right)
