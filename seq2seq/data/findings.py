"""What is found in data: of each kind how many, what was done about it, where the first are."""

from collections.abc import Mapping
from dataclasses import dataclass, field

EXAMPLES = 3


@dataclass(frozen=True)
class Finding:
    """How many pairs of a data set one kind of doubt applies to."""

    what: str
    action: str
    pairs: int
    examples: tuple[str, ...]
    """Row of the data as read, counted from 1, of the first such pairs, or line of its file where
    no pair was made; with the corpus where there are several."""
    detail: str = ""

    def to_text(self) -> str:
        """One line."""
        detail = f"; {self.detail}" if self.detail else ""
        if not self.pairs:
            return f"{self.what}: none{detail}"
        return f"{self.what}: {self.pairs:,} {self.action}{detail} (as {', '.join(self.examples)})"


@dataclass
class Noticed:
    """What readers meet and no pair shows any more, counted while they read."""

    count: dict[tuple[str, str], int] = field(default_factory=dict)
    """By kind and what was done."""
    first: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    """Places of the first of each kind."""

    def look_for(self, what: str, action: str) -> None:
        """Make a kind part of the report also where it is never met."""
        self.count.setdefault((what, action), 0)

    def add(self, what: str, action: str, place: str, count: int = 1) -> None:
        """Count one more of a kind, or several at one place.

        Args:
            what: The kind.
            action: What is done about it.
            place: Row or line.
            count: How many.
        """
        kind = (what, action)
        self.count[kind] = self.count.get(kind, 0) + count
        first = self.first.setdefault(kind, [])
        if len(first) < EXAMPLES:
            first.append(place)


def findings_of(noticed: Mapping[str, Noticed]) -> tuple[Finding, ...]:
    """One finding of each kind for several corpora together.

    Args:
        noticed: For each corpus by name what was noticed in it.
    """
    kinds = dict.fromkeys(kind for one in noticed.values() for kind in one.count)
    found = []
    for what, action in kinds:
        count = sum(one.count.get((what, action), 0) for one in noticed.values())
        places = [
            f"{place} of {name}" if len(noticed) > 1 else place
            for name, one in noticed.items()
            for place in one.first.get((what, action), ())
        ]
        found.append(Finding(what, action, count, tuple(places[:EXAMPLES])))
    return tuple(found)


def findings_in(held_out: Mapping[str, Noticed]) -> tuple[Finding, ...]:
    """The findings of each held-out set apart, its name before the kind; those with a number."""
    return tuple(
        Finding(f"{name}: {finding.what}", finding.action, finding.pairs, finding.examples)
        for name, one in held_out.items()
        for finding in findings_of({name: one})
        if finding.pairs
    )
