"""Reader of WinoGrande (Sakaguchi et al. 2020): JSON Lines with a blank and two options."""

from collections.abc import Iterator, Mapping
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
    with_phrases,
)

FIELDS = ("qID", "sentence", "option1", "option2")


def read_winogrande(path: Path) -> Iterator[Question]:
    """Lines of ``qID``, ``sentence`` with a blank ``_``, ``option1``, ``option2``, ``answer``.

    Two lines whose qID differ in their last number alone are a pair.

    Raises:
        DataError: A line is no such object.
    """
    for number, fields in iterate_objects(path, needed="one object a line"):
        missing = [name for name in FIELDS if not isinstance(fields.get(name), str)]
        if missing:
            raise DataError(
                f"{path}:{number}: no text in {missing}, needed {', '.join(FIELDS)} and answer"
            )
        yield Question(f"line {number}", partial(_case, fields))


def _case(fields: Mapping[str, Any]) -> Case:
    answer = str(fields.get("answer", ""))
    if answer not in ("1", "2"):
        raise Unusable("the answer is not given")
    text = fields["sentence"]
    if text.count(BLANK) != 1:
        raise Unusable("there is not one blank")
    blank = text.index(BLANK)
    group = fields["qID"].rpartition("-")[0] or fields["qID"]
    case = Case(
        fields["qID"], text, (blank, blank + len(BLANK)), pair=group, cluster=group, tags=("blank",)
    )
    return with_phrases(case, (fields["option1"], fields["option2"]), int(answer) - 1)
