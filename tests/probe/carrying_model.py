"""A translator whose answer hangs on rows that are named, and on nothing else.

A row carries the antecedent if it sees the nouns and the decision row sees it; "gold" is the row of
the antecedent itself. The answer is right as long as one of the carrying rows does; without any,
"er" is said, which is right half of the time. Everything else is the planted model's.
"""

from typing import Any

from torch import Tensor

from seq2seq.probe.model.interventions import BlockedEdges
from seq2seq.probe.model.reading import Inputs, Reading
from tests.probe.planted_model import CUE, FIRST, IT, SECOND, WORDS, PlantedModel, planted_model

ROWS = {"it": IT, "was": IT + 1, "cue": CUE}
ER, SIE = WORDS.index("er"), WORDS.index("sie")


class CarryingModel(PlantedModel):
    """Carries the answer in each of some rows, or, as the twin, knows it without any."""

    carriers: tuple[str, ...] = ()
    knows = False

    def read(self, inputs: Inputs, **given: Any) -> Reading:
        reading = super().read(inputs, **given)
        if reading.logits is None:
            return reading
        cuts = [one for one in given.get("interventions", ()) if isinstance(one, BlockedEdges)]
        for number, ids in enumerate(inputs.source_ids.tolist()):
            gold = FIRST if ids[CUE] == WORDS.index("big") else SECOND
            right = ER if int(WORDS[ids[gold]].removeprefix("noun")) % 2 == 0 else SIE
            rows = ROWS | {"gold": gold}
            known = self.knows or any(
                _carries(rows[name], number, cuts, given.get("rows")) for name in self.carriers
            )
            reading.logits[number, :, [ER, SIE]] = 0.0
            reading.logits[number, :, right if known else ER] = 2.0
        return reading


def carrying_model(*carriers: str, knows: bool = False) -> CarryingModel:
    """Build it, the same each time."""
    plain = planted_model()
    model = CarryingModel(plain.model, plain.tokenizer, name="carrying")
    model.carriers, model.knows = carriers, knows
    return model


def _carries(row: int, number: int, cuts: list[BlockedEdges], rows: list[int] | None) -> bool:
    for cut in cuts:
        if cut.heads is not None and not cut.heads.all():
            continue  # other heads do the same work
        edges = cut.edges[number]
        if cut.stack == "encoder" and edges[row, [FIRST, SECOND]].any():
            return False
        if cut.stack == "cross" and rows is not None and _cut_at(edges, rows[number], row):
            return False
    return True


def _cut_at(edges: Tensor, decision: int, row: int) -> bool:
    return bool(edges[decision, row])
