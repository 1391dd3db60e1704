"""Other words to do the same with: a control that draws as much attention in the same head and row.

A cost says something of a word only if another word, which the same rows of the same heads look at
about as much, costs less. Where no word is looked at about as much there is no control, and that is
said: a word that nobody looks at costs nothing, whatever the model does.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np
from jaxtyping import Bool, Float
from torch import Tensor

from seq2seq.probe.causes.knock_outs import KnockOut
from seq2seq.probe.items.pieces import Rows
from seq2seq.probe.items.placement import PlacedCase, batches_with_inputs
from seq2seq.probe.measures.routes import decision_rows
from seq2seq.probe.model.interventions import Stack
from seq2seq.probe.model.stock_model import StockModel

FACTOR = 1.5  # by which the attention that a control draws may differ

Heads = Bool[Tensor, "layers heads"] | None
Map = Float[np.ndarray, "query key"]


class MatchedWords:
    """Finds controls for the knock-outs of some cases.

    Attributes:
        model: that reads them.
        placed: the cases, each with a decision row.
    """

    def __init__(self, model: StockModel, placed: Sequence[PlacedCase]):
        self.model = model
        self.placed = placed
        self._maps: dict[tuple[Stack, bytes], dict[str, Map]] = {}

    def control(self, *knock_outs: KnockOut) -> list[KnockOut]:
        """Match other words to those of some knock-outs of one stack and the same heads.

        A case in which one of them has no match is left out of all (`has_words` says so); no row
        stands alone, and no column is hidden, for two of them.
        """
        matched: list[dict[str, tuple[Rows, tuple[Rows, ...]]]] = [{} for _ in knock_outs]
        for one in self.placed:
            taken: set[Rows] = set()
            found = []
            for knock_out in knock_outs:
                match = self._match(knock_out, one, taken)
                if match is None:
                    break
                found.append(match)
            if len(found) == len(knock_outs):
                for table, match in zip(matched, found, strict=True):
                    table[one.case.id] = match
        return [
            replace(
                knock_out,
                name=f"{knock_out.name}, control",
                look=lambda one, table=table: table.get(one.case.id, ((), ())),  # type: ignore[misc]
            )
            for knock_out, table in zip(knock_outs, matched, strict=True)
        ]

    def _match(
        self, knock_out: KnockOut, one: PlacedCase, taken: set[Rows]
    ) -> tuple[Rows, tuple[Rows, ...]] | None:
        rows, words = knock_out.look(one)
        if not rows or not (words or knock_out.how == "alone") or not all(words):
            return None
        attention = self._attention(knock_out)[one.case.id]
        asked = {*rows, *(row for word in words for row in word)}
        others = [
            each
            for each in _others(one, knock_out.stack)
            if each not in taken and not asked & set(each)
        ]
        if knock_out.how == "alone":  # what all rows see of the row is lost with it
            found = _nearest(attention.sum(0), (rows,), others)
        else:
            found = _nearest(attention[list(rows)].mean(0), words, others)
        if found is None:
            return None
        taken.update(found)
        return (found[0], ()) if knock_out.how == "alone" else (rows, found)

    def _attention(self, knock_out: KnockOut) -> dict[str, Map]:
        """What the heads of a knock-out look at, mean over them, by case."""
        heads = knock_out.heads
        key = knock_out.stack, b"" if heads is None else heads.numpy().tobytes()
        if key not in self._maps:
            self._maps[key] = attention_of(self.model, self.placed, knock_out.stack, heads)
        return self._maps[key]


def has_words(control: KnockOut, one: PlacedCase) -> bool:
    """Whether a control has a match in a case."""
    return bool(control.look(one)[0])


def attention_of(
    model: StockModel, placed: Sequence[PlacedCase], stack: Stack, heads: Heads
) -> dict[str, Map]:
    """Read what some heads look at, mean over them: a map by case id, padding included."""
    found = {}
    for _, batch, inputs in batches_with_inputs(model, placed):
        reading = model.read(inputs, stacks=(stack,), rows=decision_rows(batch))
        maps = reading.maps[stack].transpose(1, 2)
        mean = maps.flatten(0, 1).mean(0) if heads is None else maps[heads].mean(0)
        found.update({one.case.id: each.numpy() for one, each in zip(batch, mean, strict=True)})
    return found


def _others(one: PlacedCase, stack: Stack) -> list[Rows]:
    """Words that are neither asked about nor of the pronoun's clause; pieces, where written."""
    if stack != "decoder":
        return list(one.others)
    assert one.decision is not None  # only such cases are asked
    nouns = {row for rows in one.decision.nouns or () for row in rows}
    return [(row,) for row in range(1, one.decision.row) if row not in nouns]


def _nearest(
    drawn: Float[np.ndarray, " key"], words: Sequence[Rows], others: Sequence[Rows]
) -> tuple[Rows, ...] | None:
    """As many other words that draw together most nearly the same; None beyond the factor."""
    wanted = sum(float(drawn[list(rows)].sum()) for rows in words)
    draws = {rows: float(drawn[list(rows)].sum()) for rows in others}

    def distance(some: tuple[Rows, ...]) -> float:
        total = sum(draws[rows] for rows in some)
        return abs(math.log(total / wanted)) if total > 0 and wanted > 0 else math.inf

    best = min(combinations(draws, len(words)), key=distance, default=None)
    return None if best is None or distance(best) > math.log(FACTOR) else best
