"""Reader of the English side of WinoMT (Stanovsky et al. 2019)."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.normalization import is_whole_number
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.question import (
    PRONOUNS,
    Question,
    Unusable,
    case_of_persons,
    only_pronoun,
    places_of,
    without_article,
)


def read_winomt(path: Path) -> Iterator[Question]:
    """Columns: the gender, the number of the word at which the person stands (from 0), the
    sentence, and the person.

    Raises:
        DataError: A line has other columns or values.
    """
    rows = []
    for number, line in enumerate(iterate_lines(path), start=1):
        if not line.strip():
            continue
        values = line.split("\t")
        if len(values) != 4 or values[0] not in PRONOUNS or not is_whole_number(values[1]):
            raise DataError(
                f"{path}:{number}: {line[:60]!r}, needed gender, number of a word, sentence and "
                "person, with tabs between"
            )
        rows.append((number, values))
    persons = {without_article(values[3]).lower() for _, values in rows}
    for number, values in rows:
        case_id = f"{path.name}:{number}"
        yield Question(f"line {number}", partial(_case, case_id, values, persons))


def _case(name: str, values: Sequence[str], persons: set[str]) -> Case:
    gender, word, text, person = values
    pronoun = only_pronoun(text, gender)
    starts = [match.start() for match in re.finditer(r"\S+", text)]
    noun = without_article(person)
    spans = [span for span in places_of(text, noun) if span[0] in starts[int(word) :][:1]]
    if not spans:
        raise Unusable("the person does not stand at the numbered word")
    return case_of_persons(name, text, pronoun, spans[0], persons, (f"gender={gender}",))
