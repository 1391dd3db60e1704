"""A translator whose answer hangs on links that are named, and on nothing else.

A link is a row that gives the two nouns, or the cue, shares of its attention. Interventions do to
them what they do to real attention: what is hidden leaves its share to the rest of the row, what is
exchanged changes places, a row alone sees nothing, and a row that the decision row does not see is
lost. The answer is a rule over what is left.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from seq2seq.probe.model.interventions import BlockedEdges, ExchangedColumns
from seq2seq.probe.model.reading import Inputs, Reading
from tests.probe.planted_model import (
    CUE,
    FIRST,
    HEAD,
    IT,
    LAYER,
    SECOND,
    WORDS,
    PlantedModel,
    planted_model,
)

ROWS = {"it": IT, "was": IT + 1, "cue": CUE, "before second noun": SECOND - 1}
ER, SIE = WORDS.index("er"), WORDS.index("sie")
POINTING, WORKING = (LAYER, HEAD), (0, 0)
"""The head whose map is planted, and one whose map is as the weights have drawn it."""

Seen = Mapping[str, tuple[float, float]]
"""By link, what its row gives the gold noun (or the cue) and the other one; zeros if it is lost."""


@dataclass(frozen=True)
class Link:
    """A row that looks at the nouns, or at the cue, in one head or in many.

    Attributes:
        row: of the text, or "decision".
        gold: share of its attention that it gives the gold noun, or the cue.
        other: what it gives the other noun.
        head: layer and head, both from 0; None where many heads do the same work.
        at_cue: whether it looks at the cue instead.
    """

    row: str
    gold: float = 0.9
    other: float = 0.05
    head: tuple[int, int] | None = None
    at_cue: bool = False


class LinkedModel(PlantedModel):
    """Prefers the right translation by what a rule makes of its links."""

    links: tuple[Link, ...] = ()
    rule: Callable[[Seen], float] = staticmethod(lambda seen: 1.0)

    def read(self, inputs: Inputs, **given: Any) -> Reading:
        if given.get("stacks") == () and inputs.target_ids is not None:
            rows = 1 if given.get("rows") is not None else inputs.target_ids.shape[1]
            logits = torch.zeros(len(inputs.source_ids), rows, len(WORDS))
            return self._answered(inputs, Reading(logits, {}), given)
        return self._answered(inputs, super().read(inputs, **given), given)

    def _answered(self, inputs: Inputs, reading: Reading, given: Mapping[str, Any]) -> Reading:
        """Say what the rule makes of the links."""
        if reading.logits is None:
            return reading
        for number, ids in enumerate(inputs.source_ids.tolist()):
            gold, other = nouns_of(ids)
            seen = {link.row: _seen(link, number, (gold, other), given) for link in self.links}
            preferred = self.rule(seen)
            er = int(WORDS[ids[gold]].removeprefix("noun")) % 2 == 0
            right, wrong = (ER, SIE) if er else (SIE, ER)
            said = ER if preferred == 0 else right if preferred > 0 else wrong
            reading.logits[number, :, [ER, SIE]] = 0.0
            reading.logits[number, :, said] = 2.0
        return reading

    def _planted(self, inputs: Inputs, reading: Reading) -> Reading:
        shown = [link for link in self.links if link.head == POINTING] or [Link("it")]
        for stack, maps in reading.maps.items():
            if stack == "encoder" and len(maps) > LAYER:
                for number, ids in enumerate(inputs.source_ids.tolist()):
                    gold, other = nouns_of(ids)
                    maps[LAYER, number, HEAD, IT, gold] = shown[0].gold
                    maps[LAYER, number, HEAD, IT, other] = shown[0].other
        return reading


def linked_model(*links: Link, rule: Callable[[Seen], float]) -> LinkedModel:
    """Build it, the same each time."""
    plain = planted_model()
    model = LinkedModel(plain.model, plain.tokenizer, name="linked")
    model.links, model.rule = links, rule
    return model


def carrying_model(*carriers: str, knows: bool = False) -> LinkedModel:
    """Carries the antecedent in each of some rows, or, as the twin, knows it without any."""

    def rule(seen: Seen) -> float:
        return float(knows or any(gold > other for gold, other in seen.values()))

    return linked_model(*(Link(row, 0.5, 0.1) for row in carriers), rule=rule)


def nouns_of(ids: Sequence[int]) -> tuple[int, int]:
    """Where the gold noun and the other one stand in a text of the planted model."""
    return (FIRST, SECOND) if ids[CUE] == WORDS.index("big") else (SECOND, FIRST)


def _seen(
    link: Link, number: int, nouns: tuple[int, int], given: Mapping[str, Any]
) -> tuple[float, float]:
    decision = given["rows"][number] if given.get("rows") is not None else -1
    row = decision if link.row == "decision" else ROWS[link.row]
    gold, other = (CUE, nouns[1]) if link.at_cue else nouns
    stack = "cross" if link.row == "decision" else "encoder"
    shares = {gold: link.gold, other: 0.0 if link.at_cue else link.other}
    rest = 1 - sum(shares.values())
    for one in given.get("interventions", ()):
        if not isinstance(one, BlockedEdges | ExchangedColumns):
            continue
        whole = one.heads is None or bool(one.heads.all())
        if not whole and (link.head is None or not one.heads[link.head]):
            continue  # other heads do the work
        if isinstance(one, ExchangedColumns):
            if one.stack != stack or link.at_cue or not one.rows[number, row]:
                continue
            if one.columns[number].any(0)[[gold, other]].all():
                shares = {gold: shares[other], other: shares[gold]}
            continue
        edges = one.edges[number]
        if stack == "encoder" and one.stack == "cross" and edges[decision, row]:
            return 0.0, 0.0
        if one.stack == stack:
            left = {
                column: 0.0 if edges[row, column] else share for column, share in shares.items()
            }
            if edges[row].sum() >= edges.shape[1] - 1:
                rest = 0.0  # the row is alone
            total = sum(left.values()) + rest
            shares = {column: share / total if total else 0.0 for column, share in left.items()}
            rest = rest / total if total else 0.0
    return shares[gold], shares[other]
