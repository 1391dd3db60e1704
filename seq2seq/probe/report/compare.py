"""Two probes, or several seeds of one: is the difference larger than chance, and what is the mean?

Everything is counted again from ``items.jsonl``, so no model is needed. Items of two probes are the
same if their texts are: the corpora of two languages name the same sentence differently.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from seq2seq.errors import DataError
from seq2seq.probe.causes.free_translation import UNTOUCHED
from seq2seq.probe.report.item_record import ITEMS_FILE, read_record
from seq2seq.probe.statistics.bootstrap import (
    SEED,
    Estimate,
    mean_of,
    seed_bootstrap,
    unpaired_bootstrap,
)
from seq2seq.probe.statistics.permutation import exact_mcnemar

Answers = Mapping[str, float]
"""By text, 1 where an item is right."""

QUESTIONS = {
    "attention": "the chosen measure prefers the noun its sign says",
    "preferred": "the good one of two translations is preferred",
    "written": "the free translation shows the right gender",
}


@dataclass(frozen=True)
class Difference:
    """Two probes on one question.

    Attributes:
        question: a key of `QUESTIONS`.
        one: accuracy of the first.
        other: accuracy of the second.
        difference: first less second.
        items: how many of each.
        left_out: how many answers of each are not counted, because the other has none to their
            texts.
        paired: whether they are the same items.
        p: exact McNemar over items; None for other items.
        p_pairs: the same over whole pairs, which are less dependent; None without pairs.
    """

    question: str
    one: float
    other: float
    difference: Estimate
    items: tuple[int, int]
    left_out: tuple[int, int]
    paired: bool
    p: float | None
    p_pairs: float | None

    @property
    def sample(self) -> str:
        """What was compared with what, in a few words."""
        if not self.paired:
            return f"none shared, {self.items[0]:,} and {self.items[1]:,} independent"
        ours, theirs = self.left_out
        return f"{self.items[0]:,} shared, {ours:,} and {theirs:,} left out"


@dataclass(frozen=True)
class SeedsRow:
    """Several training seeds on one question.

    Attributes:
        question: a key of `QUESTIONS`, or the name of a knock-out, after which the good
            translation is still preferred.
        values: accuracy of each seed.
        mean: with an interval over seeds and clusters of items.
        deviation: of the values, with one degree of freedom less.
    """

    question: str
    values: tuple[float, ...]
    mean: Estimate
    deviation: float


def compare_probes(one: Path, other: Path, *, seed: int = SEED) -> tuple[Difference, ...]:
    """Compare two probes on every question that both answer.

    Args:
        one: folder of the first.
        other: folder of the second.
        seed: of the draws.

    Returns:
        The differences. Where at least half of the smaller set stands in the other, on what they
        share; where nothing does, the sets count as independent.

    Raises:
        DataError: a folder holds no items of this version, or a text twice; or the two share
            some texts, but fewer than half of the smaller set.
    """
    sets = [_by_text(folder) for folder in (one, other)]
    shared = [text for text in sets[0] if text in sets[1]]
    if 0 < 2 * len(shared) < min(map(len, sets)):
        raise DataError(
            f"{one / ITEMS_FILE}: {len(shared)} of {len(sets[0])} texts are shared with the "
            f"{len(sets[1])} of {other / ITEMS_FILE}, needed half of the smaller set, to pair "
            "them, or none, to count as independent; probe both on one set"
        )
    found = []
    for question in QUESTIONS:
        answers = [_answers(items, question) for items in sets]
        if shared:
            texts = [text for text in shared if all(text in given for given in answers)]
            if texts:
                found.append(_paired(question, texts, answers, sets[0], seed))
        elif all(answers):
            found.append(_unpaired(question, answers, sets, seed))
    return tuple(found)


def seeds_table(folders: Sequence[Path], *, seed: int = SEED) -> tuple[SeedsRow, ...]:
    """Mean and spread over the probes of several training seeds.

    Args:
        folders: of probes on the same items.
        seed: of the draws.

    Returns:
        A row for each question that all answer, and for each knock-out that all tried.

    Raises:
        DataError: fewer than two folders, or their items differ.
    """
    if len(folders) < 2:
        raise DataError(
            f"seeds: {len(folders)} probe folders, needed two or more; one seed has no spread"
        )
    sets = [_by_text(folder) for folder in folders]
    for folder, items in zip(folders, sets, strict=True):
        if items.keys() != sets[0].keys():
            raise DataError(
                f"{folder / ITEMS_FILE}: {len(items)} items, needed the {len(sets[0])} of "
                f"{folders[0] / ITEMS_FILE}; probe all seeds on one set"
            )
    rows = [(question, [_answers(items, question) for items in sets]) for question in QUESTIONS]
    names = [name for name in next(iter(sets[0].values()))["knock_outs"]]
    rows += [(name, [_after(items, name) for items in sets]) for name in names]
    return tuple(
        _seeds_row(question, answers, sets[0], seed)
        for question, answers in rows
        if all(given.keys() == answers[0].keys() and given for given in answers)
    )


def _by_text(folder: Path) -> dict[str, dict[str, Any]]:
    path = folder / ITEMS_FILE
    items = read_record(path)
    found = {item["text"]: item for item in items}
    if len(found) < len(items):
        raise DataError(
            f"{path}: {len(items) - len(found)} texts stand twice, needed each once, to know "
            "items of two probes as the same; probe a set without repetitions"
        )
    return found


def _answers(items: Mapping[str, Mapping[str, Any]], question: str) -> Answers:
    """By text, what the items answer; those without the answer are not there."""
    match question:
        case "attention":
            return {text: item["right"] for text, item in items.items()}
        case "preferred":
            given = {text: item["preference"] for text, item in items.items()}
            return {text: _right(value) for text, value in given.items() if value is not None}
        case _:
            shown = {text: item["shown"].get(UNTOUCHED) for text, item in items.items()}
            return {text: value for text, value in shown.items() if value is not None}


def _after(items: Mapping[str, Mapping[str, Any]], name: str) -> Answers:
    """By text, whether the good translation is still preferred with something knocked out."""
    return {
        text: _right(item["knock_outs"][name])
        for text, item in items.items()
        if name in item["knock_outs"]
    }


def _right(preference: float) -> float:
    return 0.5 if preference == 0 else float(preference > 0)


def _paired(
    question: str,
    texts: Sequence[str],
    answers: Sequence[Answers],
    items: Mapping[str, Mapping[str, Any]],
    seed: int,
) -> Difference:
    one, other = (np.array([given[text] for text in texts]) for given in answers)
    clusters = [items[text]["cluster"] for text in texts]
    pairs: dict[str, list[int]] = {}
    for place, text in enumerate(texts):
        pairs.setdefault(items[text]["pair"], []).append(place)
    whole = [places for name, places in pairs.items() if name and len(places) == 2]
    p_pairs = None
    if whole:
        ours, theirs = ((side[whole] == 1).all(axis=1) for side in (one, other))
        p_pairs = exact_mcnemar(ours, theirs)
    return Difference(
        question,
        float(one.mean()),
        float(other.mean()),
        mean_of(one - other, clusters, seed=seed),
        (len(texts), len(texts)),
        (len(answers[0]) - len(texts), len(answers[1]) - len(texts)),
        paired=True,
        p=exact_mcnemar(one == 1, other == 1),
        p_pairs=p_pairs,
    )


def _unpaired(
    question: str,
    answers: Sequence[Answers],
    sets: Sequence[Mapping[str, Mapping[str, Any]]],
    seed: int,
) -> Difference:
    sides = [
        (_values(given), [items[text]["cluster"] for text in given])
        for given, items in zip(answers, sets, strict=True)
    ]
    return Difference(
        question,
        float(sides[0][0].mean()),
        float(sides[1][0].mean()),
        unpaired_bootstrap(sides[0], sides[1], seed=seed),
        (len(answers[0]), len(answers[1])),
        (0, 0),
        paired=False,
        p=None,
        p_pairs=None,
    )


def _seeds_row(
    question: str,
    answers: Sequence[Answers],
    items: Mapping[str, Mapping[str, Any]],
    seed: int,
) -> SeedsRow:
    texts = list(answers[0])
    values = np.array([[given[text] for text in texts] for given in answers])
    clusters = [items[text]["cluster"] for text in texts]
    each = values.mean(axis=1)
    return SeedsRow(
        question,
        tuple(map(float, each)),
        seed_bootstrap(values, clusters, seed=seed),
        float(each.std(ddof=1)),
    )


def _values(given: Answers) -> Float[np.ndarray, " items"]:
    return np.array(list(given.values()), dtype=float)
