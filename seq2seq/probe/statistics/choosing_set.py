"""The set that measures are chosen on, placed and scored once for all sets that are reported."""

from collections.abc import Sequence
from functools import cached_property

from seq2seq.probe.items.case import Case
from seq2seq.probe.items.placement import PlacedCase, part_of, place_cases
from seq2seq.probe.measures.routes import RouteScores, score_routes
from seq2seq.probe.measures.scores import Scores
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import SEED
from seq2seq.probe.statistics.scored_sets import in_common
from seq2seq.probe.statistics.selection import Choice, choose

TWIN_PIECES = 4_000
"""Of each set a model with random weights reads no more: it is a control, not a result."""


class ChoosingSet:
    """A model's scores of the set that is never reported.

    Attributes:
        model: any stock model.
        cases: all that were given.
        placement: those that could be placed, and what became of the others.
        contributions: whether contributions are weighed, as in `score_routes`.

    Raises:
        DataError: no case could be placed.
    """

    def __init__(
        self, model: StockModel, cases: Sequence[Case], *, contributions: bool | None = None
    ):
        self.model = model
        self.cases = cases
        self.placement = place_cases(model, cases)
        self.contributions = contributions
        self._of_twins: dict[int, RouteScores] = {}

    @cached_property
    def scores(self) -> RouteScores:
        """What the model's measures give the nouns."""
        return score_routes(self.model, self.placement.placed, contributions=self.contributions)

    def random_choice(
        self, test: Sequence[PlacedCase], *, twin: int, seed: int = SEED
    ) -> tuple[Choice, Scores, str]:
        """Choose among the measures of a model with random weights, and score the reported set.

        ``twin`` is the seed of the weights, ``seed`` that of the part which is drawn of a long set;
        the last of what comes back says how many items that is, if not all.
        """
        network = self.model.random_twin(twin)
        if twin not in self._of_twins:
            mine, _ = part_of(self.placement.placed, TWIN_PIECES, seed=seed)
            self._of_twins[twin] = _plain_scores(network, mine)
        theirs, said = part_of(test, TWIN_PIECES, seed=seed)
        before, after = in_common(self._of_twins[twin], _plain_scores(network, theirs))
        return choose(before.scores), after.scores, said


def _plain_scores(model: StockModel, placed: Sequence[PlacedCase]) -> RouteScores:
    return score_routes(model, placed, gradients=False, contributions=False)
