"""Reader of the English side of WinoMT (Stanovsky et al. 2019)."""

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from seq2seq.evaluate.suites.winomt import read_lines_of_winomt
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.question import (
    Question,
    Unusable,
    only_pronoun,
    places_of,
    with_persons,
    without_article,
)


def read_winomt(path: Path) -> Iterator[Question]:
    """Columns: the gender, the number of the word at which the person stands (from 0), the
    sentence, and the person.

    Raises:
        DataError: A line has other columns or values.
    """
    rows = list(read_lines_of_winomt(path))
    persons = {without_article(person).lower() for *_, person in rows}
    for row in rows:
        yield Question(f"line {row[0]}", partial(_case, f"{path.name}:{row[0]}", row, persons))


def _case(name: str, row: tuple[int, str, int, str, str], persons: set[str]) -> Case:
    _, gender, word, text, person = row
    pronoun = only_pronoun(text, gender)
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    noun = without_article(person)
    spans = [span for span in places_of(text, noun) if span[0] in starts[word:][:1]]
    if not spans:
        raise Unusable("the person does not stand at the numbered word")
    case = Case(name, text, pronoun, tags=(f"gender={gender}",))
    return with_persons(case, spans[0], persons)
