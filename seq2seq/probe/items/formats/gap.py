"""Reader of GAP (Webster et al. 2018): a table with the offsets of a pronoun and two names."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.probe.items.formats.candidates import case_of_fields
from seq2seq.probe.items.formats.question import PRONOUNS, Question

COLUMNS = (
    "ID", "Text", "Pronoun", "Pronoun-offset", "A", "A-offset", "A-coref",
    "B", "B-offset", "B-coref", "URL",
)  # fmt: skip
_GENDER_TAGS = {form: kind[0].upper() for kind in ("male", "female") for form in PRONOUNS[kind]}


def read_gap(path: Path) -> Iterator[Question]:
    """The tab-separated files of GAP, with their header.

    Raises:
        DataError: A column is missing, or a line has other columns or other values than it says.
    """
    header: list[str] = []
    for number, line in enumerate(iterate_lines(path), start=1):
        values = line.split("\t")
        if not header:
            header = values
            missing = [name for name in COLUMNS if name not in header]
            if missing:
                raise DataError(f"{path}:{number}: no column {missing}, needed {COLUMNS}")
        elif line.strip():
            if len(values) != len(header):
                raise DataError(
                    f"{path}:{number}: {len(values)} columns, needed the {len(header)} of the "
                    "first line; a text may hold a tab"
                )
            fields = _fields(dict(zip(header, values, strict=True)), f"{path}:{number}")
            yield Question(f"line {number}", partial(case_of_fields, fields))


def _fields(row: dict[str, str], where: str) -> dict[str, Any]:
    truth = {"TRUE": True, "FALSE": False}
    try:
        candidates = [
            {
                "text": row[name],
                "start": int(row[f"{name}-offset"]),
                "correct": truth[row[f"{name}-coref"].upper()],
                "role": name,
            }
            for name in ("A", "B")
        ]
        pronoun = {"text": row["Pronoun"], "start": int(row["Pronoun-offset"])}
    except (ValueError, KeyError) as error:
        raise DataError(
            f"{where}: {error}, needed whole numbers as offsets, and TRUE or FALSE as coref"
        ) from error
    gender = _GENDER_TAGS.get(row["Pronoun"].lower())
    return {
        "id": row["ID"],
        "text": row["Text"],
        "pronoun": pronoun,
        "candidates": candidates,
        "url": row["URL"],
        **({"gender": gender} if gender else {}),
    }
