"""Reader of JSON Lines that say where the pronoun and the candidates stand."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.lines import iterate_objects
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.question import (
    BLANK,
    Question,
    Unusable,
    span_at,
    with_candidates,
)


def read_candidates(path: Path) -> Iterator[Question]:
    """Lines of ``{"id", "lang", "text", "pronoun": {"text", "start"}, "candidates": [...]}``.

    A candidate is ``{"text", "start", "correct"}``; places count characters from 0. The pronoun
    may be a blank ``_``. ``url`` names the document; other plain fields become tags.

    Raises:
        DataError: A line is not such an object.
    """
    for number, fields in iterate_objects(path, needed="one object a line"):
        _require_fields(fields, f"{path}:{number}")
        yield Question(f"line {number}", partial(case_of_fields, fields))


def case_of_fields(fields: dict[str, Any]) -> Case:
    """The case of an object whose places count characters, as in a line of candidates."""
    text = fields["text"]
    pronoun = span_at(text, fields["pronoun"]["start"], fields["pronoun"]["text"], "pronoun")
    named = fields["candidates"]
    spans = [span_at(text, c["start"], c["text"], "candidate") for c in named]
    if not spans:
        raise Unusable("there is no candidate")
    structure = {"id", "text", "pronoun", "candidates", "url"}
    tags = [
        f"{name}={value}"
        for name, value in fields.items()
        if name not in structure and isinstance(value, str | int)
    ]
    if text[slice(*pronoun)] == BLANK:
        tags.append("blank")
    case = Case(fields["id"], text, pronoun, cluster=str(fields.get("url", "")), tags=tuple(tags))
    roles = [str(c.get("role", "")) for c in named]
    return with_candidates(case, spans, [c["correct"] for c in named], roles=roles)


def _require_fields(fields: dict[str, Any], where: str) -> None:
    """Refuse an object that has not the fields of a question."""
    try:
        pronoun, candidates = fields["pronoun"], fields["candidates"]
        stated = [fields["id"], fields["text"], pronoun["text"], *(c["text"] for c in candidates)]
        starts = [pronoun["start"], *(candidate["start"] for candidate in candidates)]
        right = [candidate["correct"] for candidate in candidates]
    except (KeyError, TypeError) as error:
        raise DataError(
            f"{where}: no field {error} where it belongs, needed id, text, pronoun with text and "
            "start, and candidates with text, start and correct"
        ) from error
    wrong = [value for value in stated if not isinstance(value, str)]
    wrong += [value for value in starts if type(value) is not int]
    wrong += [value for value in right if not isinstance(value, bool)]
    if wrong:
        raise DataError(
            f"{where}: {wrong[0]!r} is of another type than its field, needed texts, whole "
            "numbers for start, and true or false for correct"
        )
