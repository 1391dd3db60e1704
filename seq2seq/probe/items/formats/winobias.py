"""Reader of WinoBias (Zhao et al. 2018): brackets around who is meant and pronouns."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.probe.items.case import Case, Span
from seq2seq.probe.items.formats.question import (
    PRONOUNS,
    Question,
    Unusable,
    with_persons,
    without_article,
)

_BRACKET = re.compile(r"\[([^\[\]]*)\]")
_NUMBER = re.compile(r"^\s*\d+\s+")
_FORMS = {form for forms in PRONOUNS.values() for form in forms}


def read_winobias(path: Path) -> Iterator[Question]:
    """Lines of text, which may begin with a number.

    Where several pronouns are marked, all mean the same person, and the first is taken. The other
    person is one that the file marks in some line.

    Raises:
        DataError: A line has no brackets.
    """
    lines = [
        (number, _NUMBER.sub("", line).strip())
        for number, line in enumerate(iterate_lines(path), start=1)
        if line.strip()
    ]
    for number, line in lines:
        if not _BRACKET.search(line):
            raise DataError(
                f"{path}:{number}: {line[:40]!r} has no brackets, needed them around the person "
                "and the pronoun"
            )
    persons = {
        without_article(phrase).lower() for _, line in lines for phrase in _BRACKET.findall(line)
    } - _FORMS
    for number, line in lines:
        case_id = f"{path.name}:{number}"
        yield Question(f"line {number}", partial(_case, case_id, line, persons))


def _case(name: str, line: str, persons: set[str]) -> Case:
    text, marked, end = "", list[Span](), 0
    for bracket in _BRACKET.finditer(line):
        text += line[end : bracket.start()]
        marked.append((len(text), len(text) + len(bracket[1])))
        text, end = text + bracket[1], bracket.end()
    text += line[end:]
    pronouns = [span for span in marked if text[slice(*span)].lower() in _FORMS]
    meant = [span for span in marked if span not in pronouns]
    if not pronouns:
        raise Unusable("no bracket holds a pronoun")
    if len(meant) != 1:
        raise Unusable("which bracket is meant is not said" if meant else "nobody is marked")
    return with_persons(Case(name, text, pronouns[0]), meant[0], persons)
