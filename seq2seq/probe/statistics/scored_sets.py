"""Both sets of a study with every measure scored, and what is chosen on the first of them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cached_property

import numpy as np
from jaxtyping import Float

from seq2seq.errors import DataError
from seq2seq.probe.items.placement import PlacedCase
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.measures.routes import RouteScores, score_routes
from seq2seq.probe.measures.scores import Measure, Scores, only
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import Estimate
from seq2seq.probe.statistics.ranks import spearman
from seq2seq.probe.statistics.selection import Choice, Finding, choose, evaluate, findings, row_of
from seq2seq.probe.statistics.selectivity import control_accuracy

RHO_RESAMPLES = 1000


class ScoredSets:
    """A model, the set to choose on and the set to report.

    Attributes:
        model: any stock model.
        dev: placed cases to choose on.
        test: placed cases to report.
        resamples: of intervals and permutations.
        seed: of all draws.
        only: route, layer and head to choose among; None for any of them.
        dev_scores: of every measure that both sets have, on the first set.
        scores: of the same measures on the second.
        problems: how many measures only one of the sets has, and why.

    Raises:
        DataError: the two sets have no measure in common.
    """

    def __init__(
        self,
        model: StockModel,
        dev: Sequence[PlacedCase],
        test: Sequence[PlacedCase],
        *,
        resamples: int,
        seed: int,
        dev_scores: RouteScores | None = None,
        contributions: bool | None = None,
        only: tuple[str | None, int | None, int | None] = (None, None, None),
    ):
        self.model = model
        self.dev = dev
        self.test = test
        self.resamples = resamples
        self.seed = seed
        self.only = only
        before = dev_scores or score_routes(model, dev, contributions=contributions)
        after = score_routes(model, test, contributions=contributions)
        self.dev_scores, self.scores = in_common(before, after)
        self.problems = (
            *_only_in("set to choose on", before, after),
            *_only_in("reported set", after, before),
        )

    @cached_property
    def chosen(self) -> Choice:
        """The best measure of the first set, of those that are asked for.

        Raises:
            DataError: There is none of them.
        """
        return self.best(self._asked_for)

    @cached_property
    def table(self) -> tuple[Finding, ...]:
        """Every measure on the second set."""
        return findings(self.scores.scores, resamples=self.resamples, seed=self.seed)

    @cached_property
    def finding(self) -> Finding:
        """The same measure on the second set, beside labels that mean nothing."""
        control = control_accuracy(
            ([one.case for one in self.dev], self.dev_scores.scores),
            ([one.case for one in self.test], self.scores.scores),
            seed=self.seed,
        )
        return self.report(self.chosen, control=control)

    @cached_property
    def by_route(self) -> tuple[Choice, ...]:
        """For each route its own choice on the first set."""
        routes = dict.fromkeys(one.route for one in self.dev_scores.scores.measures)
        return tuple(
            self.best(lambda one, route=route: one.route == route)  # type: ignore[misc]
            for route in routes
        )

    @cached_property
    def head(self) -> Choice:
        """The best single head of the first set, which is no chain through several stacks."""

        def plain(one: Measure) -> bool:
            return one.head is not None and one.variant == "raw"

        if any(plain(one) and self._asked_for(one) for one in self.dev_scores.scores.measures):
            return self.best(lambda one: plain(one) and self._asked_for(one))
        return self.best(plain)

    @property
    def faithfulness(self) -> Estimate | None:
        """Rank correlation of the chosen measure's margin with the preference."""
        preference = self.scores.preference
        if preference is None:
            return None
        gold, other = self.sides(self.chosen.measure)
        return spearman(
            (gold - other) * self.chosen.sign,
            np.asarray(preference, dtype=float),
            self.scores.scores.layout.clusters,
            resamples=min(self.resamples, RHO_RESAMPLES),
            seed=self.seed,
        )

    def best(self, keep: Callable[[Measure], bool]) -> Choice:
        """Choose among some measures on the first set."""
        scores = self.dev_scores.scores
        kept = [one for one in scores.measures if keep(one)]
        if not kept:
            route, layer, head = self.only
            asked = f"route {route}" if layer is None else f"head {layer}.{head}"
            raise DataError(
                f"probe: none of {len(scores.measures):,} measures is of {asked}, needed one; "
                f"there are routes {', '.join(dict.fromkeys(one.route for one in scores.measures))}"
            )
        return choose(_part(scores, kept))

    def _asked_for(self, measure: Measure) -> bool:
        """Whether the caller wants to choose it."""
        given = (measure.route, measure.layer, measure.head)
        return all(wanted in (None, each) for wanted, each in zip(self.only, given, strict=True))

    def report(self, choice: Choice, *, control: float | None = None) -> Finding:
        """Report a choice on the second set."""
        return evaluate(
            choice,
            self.scores.scores,
            among=self.table,
            control=control,
            resamples=self.resamples,
            seed=self.seed,
        )

    def sides(
        self, measure: Measure
    ) -> tuple[Float[np.ndarray, " items"], Float[np.ndarray, " items"]]:
        """What a measure gives the gold noun and the other one, on the second set."""
        scores = self.scores.scores
        row = scores.measures.index(measure)
        return scores.gold[row], scores.distractor[row]

    def right(self, choice: Choice) -> Float[np.ndarray, " items"]:
        """Where a choice is right on the second set, as its sign says; a tie is a half."""
        return right_of(choice, self.scores.scores)


def right_of(choice: Choice, scores: Scores) -> Float[np.ndarray, " items"]:
    """Where a choice is right in a set, as its sign says; a tie is a half."""
    row = [row_of(choice, scores)]
    found: Float[np.ndarray, " items"]
    (found,) = items_right(scores.gold[row], scores.distractor[row])
    return found if choice.sign == 1 else 1 - found


def in_common(one: RouteScores, other: RouteScores) -> tuple[RouteScores, RouteScores]:
    """Leave the measures that both of two sets have: what only one has cannot be reported.

    Raises:
        DataError: there is none.
    """
    theirs = set(other.scores.measures)
    both = [measure for measure in one.scores.measures if measure in theirs]
    if not both:
        skipped = "; ".join(dict.fromkeys((*one.skipped, *other.skipped)))
        raise DataError(
            f"probe: {len(one.scores.measures)} measures of the set to choose on and {len(theirs)} "
            f"of the reported one{f' ({skipped})' if skipped else ''}, none of them the same, "
            "needed one at least; choose on a set with the same words and translations"
        )
    first, second = (replace(each, scores=_part(each.scores, both)) for each in (one, other))
    return first, second


def _part(scores: Scores, measures: Sequence[Measure]) -> Scores:
    """The scores of some measures."""
    if tuple(measures) == scores.measures:
        return scores
    places = {measure: row for row, measure in enumerate(scores.measures)}
    return only(scores, [places[measure] for measure in measures])


def _only_in(name: str, one: RouteScores, other: RouteScores) -> tuple[str, ...]:
    """How many measures of a set the other does not have, and why; nothing without any."""
    theirs = set(other.scores.measures)
    lost = sum(measure not in theirs for measure in one.scores.measures)
    if not lost:
        return ()
    same = {reason.partition(":")[0] for reason in one.skipped}
    why = "; ".join(each for each in other.skipped if each.partition(":")[0] not in same)
    return (
        f"{lost:,} measures left out, because only the {name} has them"
        f"{f'; of the other, {why}' if why else ''}",
    )
