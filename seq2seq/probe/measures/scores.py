"""What is compared between the two nouns: measures, and what each gives both nouns of an item.

They are taken in ``routes.py``. What is no comparison of two nouns, such as how spread a row is, is
none: ``ControlFigure`` of ``probe/head_controls/head.py`` has it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.errors import DataError
from seq2seq.probe.measures.accuracy import Layout
from seq2seq.probe.model.interventions import Stack
from seq2seq.probe.model.stock_model import StockModel

Way = Literal["forth", "back"]
"""A word looks at the nouns, or they look at it."""

ROUTES_OF_HEADS: Mapping[str, tuple[Stack, str, tuple[Way, ...]]] = {
    "E→": ("encoder", "it", ("forth",)),
    "Ec→": ("encoder", "cue", ("forth",)),
    "E←": ("encoder", "it", ("back",)),
    "E↔": ("encoder", "it", ("forth", "back")),
    "X": ("cross", "", ("forth",)),
    "D": ("decoder", "", ("forth",)),
}
"""Routes that are read off single heads: the stack, the word (none for the decision row), and who
looks at whom. A page shows their heads in this order."""


@dataclass(frozen=True)
class Measure:
    """What is compared between the two nouns.

    Attributes:
        route: "E→", "X", "CH via it".
        variant: "raw", "norm", "gradient", "rollout", "alti".
        stack: "encoder", "cross" or "decoder"; empty for a route through several.
        layer: from 0; None for all layers together.
        head: from 0; None for all heads together.
    """

    route: str
    variant: str
    stack: Stack | Literal[""] = ""
    layer: int | None = None
    head: int | None = None

    @property
    def place(self) -> str:
        """Where it is taken, layers and heads counted from 0: "encoder layer 1 head 0"."""
        layer = "" if self.layer is None else f"layer {self.layer}"
        head = "" if self.head is None else f"head {self.head}"
        return " ".join(part for part in (self.stack, layer, head) if part)

    @property
    def name(self) -> str:
        """All of it in one line: "E→ raw encoder layer 1 head 0"."""
        return " ".join(part for part in (self.route, self.variant, self.place) if part)


@dataclass(frozen=True)
class Scores:
    """What every measure gives the two nouns of every item of a set.

    Attributes:
        measures: the rows of the arrays, each one once.
        layout: the columns.
        gold: the score of the noun that is meant.
        distractor: the score of the other one.

    Raises:
        DataError: sizes differ, a measure stands twice, or a score is not a number.
    """

    measures: tuple[Measure, ...]
    layout: Layout
    gold: Float[np.ndarray, "measures items"]
    distractor: Float[np.ndarray, "measures items"]

    def __post_init__(self) -> None:
        shape = (len(self.measures), len(self.layout.ids))
        if not (self.gold.shape == self.distractor.shape == shape) or 0 in shape:
            raise DataError(
                f"probe scores: {self.gold.shape} and {self.distractor.shape} for {shape[0]} "
                f"measures of {shape[1]} items, needed as many and at least one of each"
            )
        if len(set(self.measures)) < len(self.measures):
            twice = next(m for n, m in enumerate(self.measures) if m in self.measures[:n])
            raise DataError(
                f"probe scores: {twice} stands twice, needed each measure once; "
                "tell them apart by route, variant, layer or head"
            )
        finite = (np.isfinite(self.gold) & np.isfinite(self.distractor)).all(axis=1)
        if not finite.all():
            first = self.measures[int(np.argmin(finite))]
            raise DataError(
                f"probe scores: {int((~finite).sum())} of {shape[0]} measures have scores that are "
                f"no numbers (first: {first}), needed numbers; leave such measures or items out"
            )


def only(scores: Scores, rows: Sequence[int]) -> Scores:
    """The scores of some measures, by their rows."""
    return Scores(
        tuple(scores.measures[row] for row in rows),
        scores.layout,
        scores.gold[rows],
        scores.distractor[rows],
    )


def relabelled(scores: Scores, keep: Bool[np.ndarray, " items"]) -> Scores:
    """Call the other noun gold wherever ``keep`` is false: for controls and null studies."""
    return Scores(
        scores.measures,
        replace(scores.layout, gold_first=scores.layout.gold_first == keep),
        np.where(keep, scores.gold, scores.distractor),
        np.where(keep, scores.distractor, scores.gold),
    )


def stack_and_word(measure: Measure) -> tuple[Stack, str]:
    """The stack of a route, and the word whose row it reads.

    Raises:
        DataError: it is read off several stacks, or off all heads at once.
    """
    if measure.route not in ROUTES_OF_HEADS:
        raise DataError(
            f"probe: route {measure.route!r} runs through several stacks, needed one of "
            f"{', '.join(ROUTES_OF_HEADS)}; judge one of its links"
        )
    stack, word, _ = ROUTES_OF_HEADS[measure.route]
    return stack, word


def reads_back(route: str) -> bool:
    """Whether a route is read in the rows of the nouns, in the column of its word."""
    return route in ROUTES_OF_HEADS and ROUTES_OF_HEADS[route][-1] == ("back",)


def heads_of(model: StockModel, measure: Measure, stack: Stack) -> Bool[Tensor, "layers heads"]:
    """The head of a measure, or all heads of its layer."""
    chosen = torch.zeros(model.depth[stack], model.heads[stack], dtype=torch.bool)
    layer = slice(None) if measure.layer is None else measure.layer
    chosen[layer, slice(None) if measure.head is None else measure.head] = True
    return chosen
