"""``items.jsonl``: what a probe saw in every item, for whoever wants to count it another way.

One object a line, in the order of the reported set. Beside the item's own names it holds what the
chosen measures give the two nouns, what the model prefers untouched and with every knock-out, and
what it wrote by itself. Differences of two models, other intervals, or other splits of the items
need nothing else.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from seq2seq.errors import DataError
from seq2seq.lines import iterate_objects
from seq2seq.probe.causes.experiment import Trial
from seq2seq.probe.items.case import Case
from seq2seq.probe.measures.accuracy import answers_right
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.statistics.selection import Sign

ITEMS_SCHEMA = 1
ITEMS_FILE = "items.jsonl"
DIGITS = 7  # that are kept of a figure: what 32 bits hold


@dataclass(frozen=True)
class Record:
    """Every item of the reported set.

    Attributes:
        cases: what was asked.
        chosen: the measure that was chosen on other items.
        sign: of the choice.
        scores: by measure what it gives the gold noun and the other one.
        preference: for the good translation, in nats; None without translations.
        trials: of all knock-outs.
        written: free translations by what was knocked out, then by case; cases that could not be
            judged are not there.
        shown: in the same way, 1 where the free translation shows the right noun.
    """

    cases: tuple[Case, ...]
    chosen: Measure
    sign: Sign
    scores: Mapping[Measure, tuple[Float[np.ndarray, " items"], Float[np.ndarray, " items"]]]
    preference: Float[np.ndarray, " items"] | None
    trials: tuple[Trial, ...]
    written: Mapping[str, Mapping[str, str]]
    shown: Mapping[str, Mapping[str, float]]

    @property
    def right(self) -> Float[np.ndarray, " items"]:
        """Where the chosen measure is right, as its sign says; a tie is a half."""
        gold, other = self.scores[self.chosen]
        return answers_right(self.sign * (gold - other))


def item_fields(record: Record) -> Iterator[dict[str, Any]]:
    """The objects of ``items.jsonl``, one for each item."""
    right = record.right
    for number, case in enumerate(record.cases):
        assert case.gold is not None  # such cases are scored
        nouns = [case.candidates[place].text for place in (case.gold, 1 - case.gold)]
        yield {
            "items_schema": ITEMS_SCHEMA,
            "id": case.id,
            "text": case.text,
            "quad": case.quad,
            "pair": case.pair,
            "cluster": case.cluster,
            "gold": nouns[0],
            "distractor": nouns[1],
            "gold_first": case.gold == 0,
            "right": float(right[number]),
            "scores": {
                measure.name: [_short(side[number]) for side in sides]
                for measure, sides in record.scores.items()
            },
            "preference": None if record.preference is None else _short(record.preference[number]),
            "knock_outs": {one.name: _short(one.after[number]) for one in record.trials},
            "controls": {
                one.name: _short(one.control[number])
                for one in record.trials
                if one.control is not None and np.isfinite(one.control[number])
            },
            "written": {
                name: texts[case.id] for name, texts in record.written.items() if case.id in texts
            },
            "shown": {
                name: right[case.id] for name, right in record.shown.items() if case.id in right
            },
        }


def read_record(path: Path) -> list[dict[str, Any]]:
    """Read the objects of ``items.jsonl``.

    Raises:
        DataError: there is no such file, it is empty, or it is of another version.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: no such file, needed what seq2seq probe wrote; probe the model again"
        )
    found = [fields for _, fields in iterate_objects(path, needed="one object a line; probe again")]
    version = found[0].get("items_schema") if found else None
    if version != ITEMS_SCHEMA:
        raise DataError(
            f"{path}: items schema {version!r}, needed {ITEMS_SCHEMA}; "
            "probe the model again with this version"
        )
    return found


def _short(value: float) -> float:
    return float(f"{float(value):.{DIGITS}g}")
