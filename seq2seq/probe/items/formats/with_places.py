"""Readers of sets that say where everything stands: our corpus, JSON Lines with candidates, GAP."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.files import parse_json
from seq2seq.lines import iterate_lines
from seq2seq.probe.items.case import Case, case_of_item
from seq2seq.probe.items.formats.question import (
    BLANK,
    PRONOUNS,
    Question,
    Unusable,
    in_text_order,
    mention_at,
    overlap,
)
from seq2seq.pronouns.items import read_items

GAP_COLUMNS = (
    "ID", "Text", "Pronoun", "Pronoun-offset", "A", "A-offset", "A-coref",
    "B", "B-offset", "B-coref", "URL",
)  # fmt: skip
_GENDER_TAGS = {form: kind[0].upper() for kind in ("male", "female") for form in PRONOUNS[kind]}


def read_corpus(path: Path) -> Iterator[Question]:
    """Items of the built-in corpus, as ``seq2seq corpus pronouns`` writes them.

    Raises:
        DataError: A line is not an item of this version, or the file is packed.
    """
    if path.suffix in (".gz", ".zst"):
        raise DataError(f"{path}: packed, needed the corpus as it was written; unpack it first")
    for number, item in enumerate(read_items(path), start=1):
        yield Question(f"item {number}", partial(case_of_item, item))


def read_candidates(path: Path) -> Iterator[Question]:
    """Lines of ``{"id", "lang", "text", "pronoun": {"text", "start"}, "candidates": [...]}``.

    A candidate is ``{"text", "start", "correct"}``; places count characters from 0. The pronoun
    may be a blank ``_``. ``url`` names the document; other plain fields become tags.

    Raises:
        DataError: A line is not such an object.
    """
    for number, line in enumerate(iterate_lines(path), start=1):
        if line.strip():
            fields = _fields(line, f"{path}:{number}")
            yield Question(f"line {number}", partial(_case_of_fields, fields))


def read_gap(path: Path) -> Iterator[Question]:
    """The tab-separated files of GAP (Webster et al. 2018), with their header.

    Raises:
        DataError: A column is missing, or a line has other columns or other values than it says.
    """
    header: list[str] = []
    for number, line in enumerate(iterate_lines(path), start=1):
        values = line.split("\t")
        if not header:
            header = values
            missing = [name for name in GAP_COLUMNS if name not in header]
            if missing:
                raise DataError(f"{path}:{number}: no column {missing}, needed {GAP_COLUMNS}")
        elif line.strip():
            if len(values) != len(header):
                raise DataError(
                    f"{path}:{number}: {len(values)} columns, needed the {len(header)} of the "
                    "first line; a text may hold a tab"
                )
            fields = _gap_fields(dict(zip(header, values, strict=True)), f"{path}:{number}")
            yield Question(f"line {number}", partial(_case_of_fields, fields))


def _fields(line: str, where: str) -> dict[str, Any]:
    """The object of a line, if it has the fields of a question."""
    try:
        fields = parse_json(line)
        pronoun, candidates = fields["pronoun"], fields["candidates"]
        stated = [fields["id"], fields["text"], pronoun["text"], *(c["text"] for c in candidates)]
        starts = [pronoun["start"], *(candidate["start"] for candidate in candidates)]
        right = [candidate["correct"] for candidate in candidates]
    except ValueError as error:
        raise DataError(
            f"{where}: {line[:40]!r} is not JSON ({error}), needed one object a line"
        ) from error
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
    return dict(fields)


def _gap_fields(row: dict[str, str], where: str) -> dict[str, Any]:
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


def _case_of_fields(fields: dict[str, Any]) -> Case:
    text = fields["text"]
    pronoun = mention_at(text, fields["pronoun"]["start"], fields["pronoun"]["text"], "pronoun")
    found = [
        replace(mention_at(text, c["start"], c["text"], "candidate"), role=str(c.get("role", "")))
        for c in fields["candidates"]
    ]
    if not found:
        raise Unusable("there is no candidate")
    if any(overlap(mention.span, pronoun.span) for mention in found):
        raise Unusable("the pronoun is a part of a candidate")
    candidates, correct = in_text_order(found, [c["correct"] for c in fields["candidates"]])
    structure = {"id", "text", "pronoun", "candidates", "url"}
    tags = [
        f"{name}={value}"
        for name, value in fields.items()
        if name not in structure and isinstance(value, str | int)
    ]
    if pronoun.text == BLANK:
        tags.append("blank")
    return Case(
        id=fields["id"],
        text=text,
        pronoun=pronoun.span,
        candidates=candidates,
        correct=correct,
        cluster=str(fields.get("url", "")),
        tags=tuple(tags),
    )
