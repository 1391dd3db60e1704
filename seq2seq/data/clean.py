"""Cleaning that counts: doubtful pairs are kept, dropped or refused as the recipe says.

Each kind of doubt is a finding with a number and examples, also where the number is zero: nothing
leaves the training data unsaid. What needs only text (empty sides, length ratio, duplicates,
overlap with held-out data, sides of so many characters that they must be over-long) is judged
before the vocabulary is trained; what needs pieces (over-long sides) after it.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from seq2seq.data.columns import Pair
from seq2seq.data.corpus import iterate_chunks, iterate_pairs, to_dataset, with_columns_of
from seq2seq.data.findings import EXAMPLES, Finding
from seq2seq.errors import DataError
from seq2seq.languages import length_in_letters
from seq2seq.normalization import normalize
from seq2seq.recipe import CleaningSpec

Mask = Bool[np.ndarray, " rows"]
Numbers = Int[np.ndarray, " rows"]
RATIO_FREE_LETTERS = 20  # short sides differ much by nature: "Nein!" and "Certainly not!"
# No text has pieces of so many characters on average; a word of 20,000 would stall what makes them.
CHARACTERS_PER_PIECE = 32
JOINERS = "\u200c\u200d"  # seen only in what they join; a line of them alone is empty


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
    corpora: Mapping[str, Any], held_out: Mapping[str, Any], spec: CleaningSpec
) -> list[Doubt]:
    """Judge training pairs by their text.

    Args:
        corpora: Training datasets by name.
        held_out: Dev and test datasets by name, which training must not have seen.
        spec: What to do with each kind.

    Returns:
        One doubt for each kind; overlap has one for each held-out set.
    """
    empty, ratio, duplicate = [], [], []
    long = OverLong.of(spec)
    seen: set[bytes] = set()
    overlaps = [Overlap.of(name, dataset) for name, dataset in held_out.items()]
    for source, target in _all_pairs(corpora):
        long.judge(source, target)
        empty.append(_is_empty(source) or _is_empty(target))
        ratio.append(_ratio(source, target) > spec.max_length_ratio)
        key = _digest(source, target)
        duplicate.append(key in seen)
        seen.add(key)
        left, right = fold(source), fold(target)
        for overlap in overlaps:
            overlap.judge(left, right)
    longer = f"one side over {spec.max_length_ratio:g} times the other"
    return [
        long.doubt(spec.long),
        Doubt("empty side", spec.empty, np.array(empty)),
        Doubt(longer, spec.ratio, np.array(ratio) & ~np.array(empty)),
        Doubt("duplicates", spec.duplicates, np.array(duplicate)),
        *(overlap.doubt(spec.overlap) for overlap in overlaps),
    ]


@dataclass
class OverLong:
    """Counts pairs with more characters on a side than the pieces allowed can ever hold."""

    limits: tuple[int, int]
    """Most characters of source and target, runs of white space counted once."""
    found: list[bool]
    lost: int = 0
    """Characters beyond the limits."""

    @classmethod
    def of(cls, spec: CleaningSpec) -> "OverLong":
        """Nothing found yet."""
        pieces = (spec.max_source_pieces, spec.max_target_pieces)
        return cls((pieces[0] * CHARACTERS_PER_PIECE, pieces[1] * CHARACTERS_PER_PIECE), [])

    def judge(self, source: str, target: str) -> None:
        """Count one training pair."""
        over = sum(map(_over, (source, target), self.limits))
        self.found.append(over > 0)
        self.lost += over

    def doubt(self, action: str) -> "Doubt":
        """What was found."""
        what = f"over {self.limits[0]:,} source or {self.limits[1]:,} target characters"
        detail = f"{self.lost:,} characters cut off" if action == "truncate" and self.lost else ""
        return Doubt(what, action, np.array(self.found), detail)


def cut_over_long(corpora: Mapping[str, Any], spec: CleaningSpec) -> dict[str, Any]:
    """The corpora with every side cut to the characters that its pieces allowed can hold."""
    limits = OverLong.of(spec).limits

    def cut(dataset: Any) -> Iterator[Pair]:
        for columns in iterate_chunks(dataset):
            yield from zip(*map(_cut, columns, limits), strict=True)

    return {
        name: with_columns_of(dataset, to_dataset(cut(dataset), name))
        for name, dataset in corpora.items()
    }


@dataclass
class Overlap:
    """Counts training pairs that one held-out set also holds; texts are compared folded."""

    name: str
    sources: set[str]
    targets: set[str]
    pairs: set[Pair]
    found: list[bool]
    source_alone: int = 0
    target_alone: int = 0

    @classmethod
    def of(cls, name: str, held_out: Any) -> "Overlap":
        """Remember what the held-out set holds."""
        pairs = {(fold(source), fold(target)) for source, target in iterate_pairs(held_out)}
        sources, targets = ({pair[side] for pair in pairs} for side in (0, 1))
        return cls(name, sources, targets, pairs, [])

    def judge(self, source: str, target: str) -> None:
        """Count one folded training pair."""
        both = (source, target) in self.pairs
        self.found.append(both)
        self.source_alone += source in self.sources and not both
        self.target_alone += target in self.targets and not both

    def doubt(self, action: str) -> Doubt:
        """What was found."""
        detail = (
            f"{self.source_alone:,} more share the source alone, {self.target_alone:,} the "
            "target, all kept"
        )
        return Doubt(f"overlap with {self.name}", action, np.array(self.found), detail)


def row_numbers(corpora: Mapping[str, int]) -> Numbers:
    """Place of each row in its own corpus, counted from 0, for all corpora one after another."""
    return np.concatenate([np.arange(rows) for rows in corpora.values()])


def settle(
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


def fold(text: str) -> str:
    """A text without regard to case, white space, Unicode composition and what is invisible."""
    return " ".join(normalize(text).casefold().split())


def _all_pairs(corpora: Mapping[str, Any]) -> Iterator[Pair]:
    for dataset in corpora.values():
        yield from iterate_pairs(dataset)


def _ratio(source: str, target: str) -> float:
    short, long = sorted((length_in_letters(source), length_in_letters(target)))
    return long / max(short, 1) if long > RATIO_FREE_LETTERS else 1.0


def _is_empty(text: str) -> bool:
    return not text.strip() or not text.translate(dict.fromkeys(map(ord, JOINERS))).strip()


def _over(text: str, limit: int) -> int:
    """How many characters a text has beyond a limit, runs of white space counted once."""
    return max(0, len(" ".join(text.split())) - limit) if len(text) > limit else 0


def _cut(texts: Sequence[str], limit: int) -> list[str]:
    return [" ".join(text.split())[:limit] if _over(text, limit) else text for text in texts]


def _digest(source: str, target: str) -> bytes:
    """Sixteen bytes instead of two texts: millions of pairs fit in memory."""
    text = f"{len(source)} {source}{target}"
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()


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
