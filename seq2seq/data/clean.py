"""Cleaning that counts: doubtful pairs are kept, dropped or refused as the recipe says.

Each kind of doubt is a finding with a number and examples, also where the number is zero: nothing
leaves the training data unsaid. What needs only text (empty sides, length ratio, duplicates,
overlap with held-out data, sides of so many characters that they must be over-long) is judged
before the vocabulary is trained; what needs pieces (over-long sides) after it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np
import pyarrow
from jaxtyping import Bool, Int

from seq2seq.data.findings import EXAMPLES, Finding
from seq2seq.data.judge import Judge, Judgement, Shared, character_limits, over_long, repeated
from seq2seq.data.pair_table import PairTable
from seq2seq.errors import DataError
from seq2seq.processes import map_in_order
from seq2seq.recipe import CleaningSpec

Mask = Bool[np.ndarray, " rows"]
Numbers = Int[np.ndarray, " rows"]


@dataclass(frozen=True)
class CleaningReport:
    """What cleaning found, kind by kind, and how many pairs are left."""

    read: int
    kept: int
    findings: tuple[Finding, ...]

    @property
    def dropped(self) -> int:
        """Pairs that are not trained on."""
        return self.read - self.kept

    @property
    def dropped_share(self) -> float:
        """Share of the pairs read that are not trained on."""
        return self.dropped / self.read

    def to_text(self) -> str:
        """A line with the sum and one for each finding."""
        head = (
            f"training data: {self.read:,} pairs read, {self.dropped:,} dropped "
            f"({100 * self.dropped_share:.2f} %), {self.kept:,} kept"
        )
        return "\n  ".join([head, *(finding.to_text() for finding in self.findings)])

    def to_json(self) -> dict[str, Any]:
        """The same for programs."""
        return asdict(self) | {"dropped": self.dropped, "dropped_share": self.dropped_share}


@dataclass(frozen=True)
class Doubt:
    """Findings in the making: which rows of the corpora, one after another, are doubtful."""

    what: str
    action: str
    rows: Mask
    detail: str = ""

    @property
    def drops(self) -> bool:
        """Whether these rows leave the training data."""
        return self.action in ("drop", "refuse")


def find_doubts(
    batches: Iterable[Any], held_out: Mapping[str, PairTable], spec: CleaningSpec
) -> list[Doubt]:
    """Judge training pairs by their text.

    Args:
        batches: Record batches of the training pairs, one corpus after another; read as they are
            needed.
        held_out: Dev and test sets by name, which training must not have seen.
        spec: What to do with each kind.

    Returns:
        One doubt for each kind; overlap has one for each held-out set.
    """
    judged = list(map_in_order(Judge.of(held_out, spec), batches))
    lost, limits = sum(one.lost for one in judged), character_limits(spec)
    overlaps = zip(held_out, zip(*(one.shared for one in judged), strict=True), strict=False)
    return [
        Doubt(
            f"over {limits[0]:,} source or {limits[1]:,} target characters",
            spec.long,
            _joined(judged, "long"),
            f"{lost:,} characters cut off" if spec.long == "truncate" and lost else "",
        ),
        Doubt("empty side", spec.empty, _joined(judged, "empty")),
        Doubt(
            f"one side over {spec.max_length_ratio:g} times the other",
            spec.ratio,
            _joined(judged, "ratio"),
        ),
        Doubt("duplicates", spec.duplicates, repeated([one.digests for one in judged])),
        *(_overlap(name, shared, spec.overlap) for name, shared in overlaps),
    ]


def _joined(judged: Sequence[Judgement], kind: Literal["long", "empty", "ratio"]) -> Mask:
    return np.concatenate([getattr(one, kind) for one in judged])


def _overlap(name: str, shared: Sequence[Shared], action: str) -> Doubt:
    detail = (
        f"{sum(one.source_alone for one in shared):,} more share the source alone, "
        f"{sum(one.target_alone for one in shared):,} the target, all kept"
    )
    pairs = np.concatenate([one.pairs for one in shared])
    return Doubt(f"overlap with {name}", action, pairs, detail)


def cut_over_long(table: PairTable, spec: CleaningSpec) -> PairTable:
    """The same with every side cut to the characters that its pieces allowed can hold."""
    limits = character_limits(spec)

    def cut() -> Iterator[Any]:
        for batch in table.batches():
            for place, (name, limit) in enumerate(zip(("source", "target"), limits, strict=True)):
                texts = [_cut(text, limit) for text in batch.column(name).to_pylist()]
                batch = batch.set_column(place, name, pyarrow.array(texts, pyarrow.string()))
            yield batch

    return PairTable.write(cut(), table.schema)


def row_numbers(corpora: Mapping[str, int]) -> Numbers:
    """Place of each row in its own corpus, counted from 0, for all corpora one after another."""
    return np.concatenate([np.arange(rows, dtype=np.int32) for rows in corpora.values()])


def apply_cleaning(
    doubts: Sequence[Doubt],
    corpora: Mapping[str, int],
    where: str = "training data",
    *,
    numbers: Numbers | None = None,
    noticed: Sequence[Finding] = (),
) -> tuple[Mask, CleaningReport]:
    """Decide which rows stay, or stop where the recipe refuses what was found.

    Args:
        doubts: About the rows of all corpora, one after another.
        corpora: Number of rows of each corpus by name, in that order.
        where: What messages call the data.
        numbers: What ``row_numbers`` gave each row when it was read, for examples that point
            there; None where no row has left since.
        noticed: What was found while the data was read, for the report.

    Returns:
        True for each row that stays, and the report.

    Raises:
        DataError: Something was found that the recipe refuses, or a corpus has no pair left.
    """
    numbers = row_numbers(corpora) if numbers is None else numbers
    findings = [_finding(doubt, corpora, numbers) for doubt in doubts]
    refused = [f for f in findings if f.action == "refused" and f.pairs]
    if refused:
        problems = "\n  ".join(finding.to_text() for finding in refused)
        raise DataError(
            f"{where}: pairs that data.cleaning refuses; mend the data, or set the key to "
            f"another choice\n  {problems}"
        )
    rows = sum(corpora.values())
    stay = np.ones(rows, dtype=bool)
    for doubt in doubts:
        if doubt.drops:
            stay &= ~doubt.rows
    report = CleaningReport(rows, int(stay.sum()), (*noticed, *findings))
    if not report.kept:
        raise DataError(f"{where}: no pair is left after cleaning\n{report.to_text()}")
    starts = np.cumsum([0, *corpora.values()])
    for name, start, end in zip(corpora, starts[:-1], starts[1:], strict=True):
        if not stay[start:end].any():
            raise DataError(
                f"{where}: {name}: no pair is left after cleaning; take it out of data.train, or "
                f"change data.cleaning\n{report.to_text()}"
            )
    return stay, report


def _cut(text: str, limit: int) -> str:
    return " ".join(text.split())[:limit] if over_long(text, limit) else text


def _finding(doubt: Doubt, corpora: Mapping[str, int], numbers: Numbers) -> Finding:
    done = {"drop": "dropped", "keep": "kept", "refuse": "refused", "truncate": "truncated",
            "text": "read as text"}  # fmt: skip
    first = np.flatnonzero(doubt.rows)[:EXAMPLES]
    examples = tuple(f"row {numbers[row] + 1}{_corpus(int(row), corpora)}" for row in first)
    count = int(doubt.rows.sum())
    return Finding(doubt.what, done[doubt.action], count, examples, doubt.detail)


def _corpus(row: int, corpora: Mapping[str, int]) -> str:
    for name, rows in corpora.items():
        if row < rows:
            return f" of {name}" if len(corpora) > 1 else ""
        row -= rows
    raise IndexError(row)
