"""Reader of Winogender (Rudinger et al. 2018): sentences with an id that says it all."""

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.formats.question import (
    PRONOUNS,
    Question,
    only_place,
    only_pronoun,
    with_candidates,
)


def read_winogender(path: Path) -> Iterator[Question]:
    """Columns ``sentid`` and ``sentence``.

    The id: occupation, participant, which of them is meant (0 or 1), and gender.

    Raises:
        DataError: A line has other columns, or an id of another form.
    """
    for number, line in enumerate(iterate_lines(path), start=1):
        values = line.split("\t")
        if not line.strip() or (number == 1 and values[0] == "sentid"):
            continue
        name = values[0].removesuffix(".txt").split(".")
        if len(values) != 2 or len(name) != 4 or name[2] not in "01" or name[3] not in PRONOUNS:
            raise DataError(
                f"{path}:{number}: {line[:60]!r}, needed occupation.participant.0-or-1.gender.txt, "
                "a tab and the sentence"
            )
        yield Question(f"line {number}", partial(_case, values[0], name, values[1]))


def _case(name: str, parts: Sequence[str], text: str) -> Case:
    occupation, participant, right, gender = parts
    pronoun = only_pronoun(text, gender)
    words = {"occupation": occupation, "participant": participant}
    spans = [only_place(text, word, role, outside=pronoun) for role, word in words.items()]
    case = Case(
        name, text, pronoun, pair=f"{occupation}.{participant}.{gender}", cluster=occupation,
        tags=(f"gender={gender}",),
    )  # fmt: skip
    return with_candidates(case, spans, [right == "0", right == "1"], roles=list(words))
