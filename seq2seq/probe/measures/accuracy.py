"""How often a score points at the right noun: by item, by pair, by quad, and by how much.

A *score* is whatever a measure gives a noun: a head's attention, a norm, a gradient. An item is
right if the gold noun's score is the larger; a pair, or a quad, if all its items are. A rule that
does not read the cue has half of the items and no pair at all.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case

PAIR, QUAD = 2, 4


@dataclass(frozen=True)
class Layout:
    """How the items of a set belong together.

    Attributes:
        ids: of the items.
        clusters: what statistics draw; items of one cluster are not independent.
        pairs: rows of the two items of each whole pair.
        quads: rows of the four items of each whole quad.
        gold_first: whether the gold noun stands before the other one.
        broken_pairs: pairs of which items are missing; they are in no pair figure.
        broken_quads: the same of quads.
    """

    ids: tuple[str, ...]
    clusters: tuple[str, ...]
    pairs: Int[np.ndarray, "pairs 2"]
    quads: Int[np.ndarray, "quads 4"]
    gold_first: Bool[np.ndarray, " items"]
    broken_pairs: int = 0
    broken_quads: int = 0


def layout_of(cases: Sequence[Case]) -> Layout:
    """Find what belongs together among cases that have a gold noun and one other.

    Raises:
        DataError: a case has no gold noun or not two candidates, an id stands twice, or a pair or
            quad lies in several clusters, which would make intervals too narrow.
    """
    problems = _problems(cases)
    if problems:
        raise DataError(f"probe cases: {'; '.join(problems)}")
    pairs, broken_pairs = _whole([case.pair for case in cases], PAIR)
    quads, broken_quads = _whole([case.quad for case in cases], QUAD)
    return Layout(
        ids=tuple(case.id for case in cases),
        clusters=tuple(case.cluster for case in cases),
        pairs=pairs,
        quads=quads,
        gold_first=np.array([case.gold == 0 for case in cases], dtype=bool),
        broken_pairs=broken_pairs,
        broken_quads=broken_quads,
    )


def items_right(
    gold: Float[np.ndarray, "measures items"], distractor: Float[np.ndarray, "measures items"]
) -> Float[np.ndarray, "measures items"]:
    """Say which items a measure has right: 1, 0, or .5 where both nouns score the same."""
    right: Float[np.ndarray, "measures items"] = (np.sign(gold - distractor) + 1.0) / 2
    return right


def answers_right(preference: Float[np.ndarray, " items"]) -> Float[np.ndarray, " items"]:
    """Say in which items the good translation is preferred: 1, 0, or .5 for a tie."""
    right: Float[np.ndarray, " items"]
    (right,) = items_right(preference[None], np.zeros((1, len(preference))))
    return right


def groups_right(
    right: Float[np.ndarray, "measures items"], groups: Int[np.ndarray, "groups members"]
) -> Float[np.ndarray, "measures groups"]:
    """Say which pairs or quads have all items right; a tie is not right."""
    whole: Bool[np.ndarray, "measures groups"] = (right[:, groups] == 1).all(axis=2)
    return whole.astype(float)


def clusters_of(groups: Int[np.ndarray, "groups members"], layout: Layout) -> tuple[str, ...]:
    """The cluster that each pair or quad lies in."""
    return tuple(layout.clusters[first] for first in groups[:, 0])


def margins(
    gold: Float[np.ndarray, "measures items"], distractor: Float[np.ndarray, "measures items"]
) -> Float[np.ndarray, "measures items"]:
    """By how much the gold noun scores more, whatever both together have.

    (gold - distractor) / (|gold| + |distractor|), from -1 to 1; 0 where both are 0.
    """
    total = np.abs(gold) + np.abs(distractor)
    share: Float[np.ndarray, "measures items"] = np.divide(
        gold - distractor, total, out=np.zeros_like(total), where=total > 0
    )
    return share


def swap_consistency(
    right: Float[np.ndarray, "measures items"], layout: Layout
) -> Float[np.ndarray, " measures"] | None:
    """How often the preferred noun changes when nothing but the cue does, rightly or the wrong way.

    A share of the pairs whose gold noun changes; None if there is no such pair. Ties do not change.
    """
    first = layout.gold_first[layout.pairs]
    changing = layout.pairs[first[:, 0] != first[:, 1]]
    if not len(changing):
        return None
    one, other = right[:, changing[:, 0]], right[:, changing[:, 1]]
    share: Float[np.ndarray, " measures"] = ((one == other) & (one != 0.5)).mean(axis=1)
    return share


def _whole(names: Sequence[str], size: int) -> tuple[Int[np.ndarray, "groups size"], int]:
    """The rows of every group of that size, and how many groups of another size there are."""
    groups: dict[str, list[int]] = {}
    for row, name in enumerate(names):
        if name:
            groups.setdefault(name, []).append(row)
    whole = [rows for rows in groups.values() if len(rows) == size]
    return np.array(whole, dtype=np.int64).reshape(-1, size), len(groups) - len(whole)


def _problems(cases: Sequence[Case]) -> list[str]:
    found = []
    undecided = [case.id for case in cases if case.gold is None]
    if undecided:
        found.append(
            f"{len(undecided)} of {len(cases)} have not one gold noun of two (first: "
            f"{undecided[0]!r}), needed that; leave them out and count them"
        )
    counts = Counter(case.id for case in cases)
    twice = [name for name, times in counts.items() if times > 1]
    if twice:
        found.append(f"{len(twice)} ids stand twice (first: {twice[0]!r}), needed unique ones")
    for noun, names in (("pair", [c.pair for c in cases]), ("quad", [c.quad for c in cases])):
        homes: dict[str, set[str]] = {}
        for name, case in zip(names, cases, strict=True):
            homes.setdefault(name, set()).add(case.cluster)
        torn = [name for name, where in homes.items() if name and len(where) > 1]
        if torn:
            found.append(
                f"{len(torn)} {noun}s lie in several clusters (first: {torn[0]!r}), needed one; "
                "give all items of it the same cluster"
            )
    return found
