"""A whole probe: choose on one set, report once on another, then ask what the model really uses."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.errors import DataError
from seq2seq.probe.access import StockModel
from seq2seq.probe.baselines import baseline_scores, plain_baselines
from seq2seq.probe.carrier import Effect, accuracy_of, search_carrier
from seq2seq.probe.cases import Case
from seq2seq.probe.causal import Verdict, judge
from seq2seq.probe.control_labels import control_accuracy
from seq2seq.probe.placed import Placed, Placing, place_cases
from seq2seq.probe.resampling import RESAMPLES, SEED, Estimate, spearman
from seq2seq.probe.routes import RouteScores, score_routes
from seq2seq.probe.selection import Choice, Finding, Measure, choose, evaluate, findings

RANDOM_TWINS = 5


@dataclass(frozen=True)
class StudySpec:
    """What is measured.

    Attributes:
        name: of the set that is reported.
        selected_on: of the set that the head is chosen on.
        resamples: of intervals and permutations.
        random_twins: models of the same shape with random weights, as controls.
        causal: whether to search the carrier and take the chosen head apart.
        seed: of all draws.
    """

    name: str
    selected_on: str
    resamples: int = RESAMPLES
    random_twins: int = RANDOM_TWINS
    causal: bool = True
    seed: int = SEED


@dataclass(frozen=True)
class Study:
    """What a probe has found.

    Attributes:
        spec: what was measured.
        model: its name.
        kind: encoder, decoder or encoder-decoder.
        items: how many were scored, on the set for the choice and on the reported one.
        problems: what was left out and why, of both sets.
        chosen: what was chosen on the first set, over all routes.
        finding: the same on the second set.
        by_route: for each route its own choice on the first set, reported on the second.
        table: every measure on the second set.
        baselines: rules that look at no attention, on the second set.
        random: what a choice reaches on the second set for each model with random weights.
        contrastive: share of items in which the good translation is preferred; None without.
        faithfulness: rank correlation of the chosen measure's margin with the preference.
        effects: the carrier search, the costliest knock-out first; empty if there was none.
        verdict: of the chosen head; None if nothing was taken apart.
        seconds: time spent.
    """

    spec: StudySpec
    model: str
    kind: str
    items: tuple[int, int]
    problems: tuple[str, ...]
    chosen: Choice
    finding: Finding
    by_route: tuple[Finding, ...]
    table: tuple[Finding, ...]
    baselines: tuple[Finding, ...]
    random: tuple[Finding, ...]
    contrastive: Estimate | None
    faithfulness: Estimate | None
    effects: tuple[Effect, ...]
    verdict: Verdict | None
    seconds: float

    @property
    def carrier(self) -> Effect | None:
        """The single word whose loss costs most; sets of words at once do not name one."""
        single = [one for one in self.effects if "clause" not in one.name]
        return single[0] if single else None


def probe_model(
    model: StockModel,
    select_on: Sequence[Case],
    items: Sequence[Case],
    *,
    spec: StudySpec,
    unrelated: Sequence[Case] = (),
    say: Callable[[str], None] = lambda _: None,
) -> Study:
    """Run the whole protocol.

    Args:
        model: any stock model that attends.
        select_on: cases to choose the head on; never reported.
        items: cases to report.
        spec: names and sizes.
        unrelated: cases on which ablating the head should cost nothing.
        say: receives a line for each stage.

    Returns:
        The findings.

    Raises:
        DataError: a set has no case that can be scored, or both share cases.
    """
    start = time.perf_counter()
    shared = {case.id for case in select_on} & {case.id for case in items}
    if shared:
        raise DataError(
            f"probe: {len(shared)} cases stand in both sets (first {min(shared)}), needed none; "
            "choose on other items than those that are reported"
        )
    before, after = place_cases(model, select_on), place_cases(model, items)
    dev, test = before.placed, after.placed
    say(f"{len(dev):,} items to choose on, {len(test):,} to report")
    dev_scores, scores = score_routes(model, dev), score_routes(model, test)
    say(f"{len(scores.scores.measures):,} measures scored")
    chosen = choose(dev_scores.scores)
    finding = _report(chosen, dev, dev_scores, test, scores, spec)
    clusters = scores.scores.layout.clusters
    contrastive = faithfulness = None
    effects: tuple[Effect, ...] = ()
    verdict = None
    if scores.preference is not None:
        contrastive = accuracy_of(scores.preference, clusters, seed=spec.seed)
        faithfulness = _faithfulness(chosen, scores, spec)
        if spec.causal:
            say("knocking out rows and edges")
            _, effects = search_carrier(model, test, seed=spec.seed)
            verdict = _verdict(model, test, dev_scores, unrelated, spec)
    say("models with random weights")
    random = [
        _random(model.random_twin(spec.seed + number), dev, test, spec)
        for number in range(spec.random_twins)
    ]
    return Study(
        spec=spec,
        model=model.name,
        kind=model.kind,
        items=(len(dev), len(test)),
        problems=_problems(before, after, scores),
        chosen=chosen,
        finding=finding,
        by_route=_by_route(dev_scores, scores, spec),
        table=findings(scores.scores, resamples=spec.resamples, seed=spec.seed),
        baselines=_baselines(test, spec),
        random=tuple(random),
        contrastive=contrastive,
        faithfulness=faithfulness,
        effects=effects,
        verdict=verdict,
        seconds=time.perf_counter() - start,
    )


def _report(
    chosen: Choice,
    dev: Sequence[Placed],
    dev_scores: RouteScores,
    test: Sequence[Placed],
    scores: RouteScores,
    spec: StudySpec,
) -> Finding:
    control = control_accuracy(
        ([one.case for one in dev], dev_scores.scores),
        ([one.case for one in test], scores.scores),
        seed=spec.seed,
    )
    return evaluate(
        chosen, scores.scores, control=control, resamples=spec.resamples, seed=spec.seed
    )


def _restricted(scores: RouteScores, keep: Callable[[Measure], bool]) -> RouteScores:
    whole = scores.scores
    rows = [number for number, one in enumerate(whole.measures) if keep(one)]
    part = type(whole)(
        tuple(whole.measures[row] for row in rows),
        whole.layout,
        whole.gold[rows],
        whole.distractor[rows],
    )
    return RouteScores(part, scores.preference, scores.skipped)


def _by_route(dev: RouteScores, test: RouteScores, spec: StudySpec) -> tuple[Finding, ...]:
    found = []
    for route in dict.fromkeys(one.route for one in dev.scores.measures):
        part = _restricted(dev, lambda one, route=route: one.route == route)  # type: ignore[misc]
        choice = choose(part.scores)
        found.append(evaluate(choice, test.scores, resamples=spec.resamples, seed=spec.seed))
    return tuple(found)


def _verdict(
    model: StockModel,
    test: Sequence[Placed],
    dev: RouteScores,
    unrelated: Sequence[Case],
    spec: StudySpec,
) -> Verdict:
    """Take the best single head apart, which is not the best measure if that is a chain."""
    heads = _restricted(dev, lambda one: one.head is not None and one.variant == "raw")
    aside = place_cases(model, unrelated).placed if unrelated else ()
    measure = choose(heads.scores).measure
    return judge(model, test, measure, unrelated=aside, seed=spec.seed)


def _faithfulness(chosen: Choice, scores: RouteScores, spec: StudySpec) -> Estimate:
    row = scores.scores.measures.index(chosen.measure)
    margin = (scores.scores.gold - scores.scores.distractor)[row] * chosen.sign
    assert scores.preference is not None  # the caller has looked
    return spearman(
        margin,
        np.asarray(scores.preference, dtype=float),
        scores.scores.layout.clusters,
        resamples=min(spec.resamples, 1000),
        seed=spec.seed,
    )


def _random(
    twin: StockModel, dev: Sequence[Placed], test: Sequence[Placed], spec: StudySpec
) -> Finding:
    before = score_routes(twin, dev, gradients=False)
    after = score_routes(twin, test, gradients=False)
    return evaluate(choose(before.scores), after.scores, resamples=spec.resamples, seed=spec.seed)


def _baselines(test: Sequence[Placed], spec: StudySpec) -> tuple[Finding, ...]:
    cases = [one.case for one in test]
    lengths = {}
    for one in test:
        gold = one.case.gold
        sizes = [len(rows) for rows in one.nouns]
        lengths[one.case.id] = sizes if gold == 0 else sizes[::-1]
    rules = plain_baselines(lengths, seed=spec.seed)
    return findings(baseline_scores(cases, rules), resamples=spec.resamples, seed=spec.seed)


def _problems(before: Placing, after: Placing, scores: RouteScores) -> tuple[str, ...]:
    layout = scores.scores.layout
    broken = [
        f"{count:,} {what} are incomplete and in no figure"
        for count, what in ((layout.broken_pairs, "pairs"), (layout.broken_quads, "quads"))
        if count
    ]
    return (*before.problems, *after.problems, *scores.skipped, *broken)
