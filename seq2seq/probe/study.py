"""A whole probe: choose on one set, report once on another, then ask what the model really uses."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from seq2seq.errors import DataError, SpanError
from seq2seq.probe.access import StockModel
from seq2seq.probe.asked import Effect
from seq2seq.probe.baselines import baseline_scores, learnt_baselines, plain_baselines
from seq2seq.probe.cases import Case
from seq2seq.probe.causal import Verdict
from seq2seq.probe.causes import Causes, carrier_of, find_causes, kept_up, row_written
from seq2seq.probe.faithfulness import ByAnswer, by_answer
from seq2seq.probe.generation import UNTOUCHED, Generated, OwnWords, translate_items
from seq2seq.probe.head_controls import ControlFigure, control_head
from seq2seq.probe.measured import Measured, in_common
from seq2seq.probe.placed import Placed, Placing, place_case, place_cases, place_whole
from seq2seq.probe.provenance import Provenance, provenance_of
from seq2seq.probe.record import Record
from seq2seq.probe.resampling import RESAMPLES, SEED, Estimate
from seq2seq.probe.routes import score_routes
from seq2seq.probe.search import Joint
from seq2seq.probe.selection import ALPHA, Choice, Finding, choose, evaluate, findings
from seq2seq.pronouns.items import Item

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
        readers: of the costliest row that matters, whose sight of it matters; empty without one.
        joint: sets of knock-outs; None if a single one explains the answer, or none was tried.
        head: the best single head on the first set, which is taken apart and controlled.
        wrong_queries: what the same head gives from the rows of other words.
        controls: what it does where "it" means nothing, or the target does not tell.
        generated: what free translations show, untouched and with knock-outs.
        by_answer: accuracy of the chosen measure where the model is right and where it is wrong.
        provenance: what the figures hang on; None only in a study that was made by hand.
        record: every item; None in the same case. It is no part of ``probe.json``.
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
    readers: tuple[Effect, ...] = ()
    joint: Joint | None = None
    head: Choice | None = None
    wrong_queries: tuple[Finding, ...] = ()
    controls: tuple[ControlFigure, ...] = ()
    generated: tuple[Generated, ...] = ()
    by_answer: tuple[ByAnswer, ...] = ()
    provenance: Provenance | None = None
    record: Record | None = field(default=None, repr=False, compare=False)

    @property
    def knows(self) -> bool:
        """Whether the right translation is preferred more often than by chance.

        A model at chance may still mix the genders of both nouns. Hiding one then leaves it the
        other, which costs much and says nothing of how the antecedent is found.
        """
        return self.contrastive is not None and self.contrastive.interval.low > 0.5

    @property
    def carrier(self) -> Effect | None:
        """The single word whose loss costs most, of those that matter if any does."""
        return carrier_of(self.effects)

    @property
    def attends(self) -> bool:
        """Whether the head taken apart attends to the noun that its sign says, beyond chance."""
        if self.head is None:
            return False
        shown = next(one for one in self.table if one.measure == self.head.measure)
        return shown.p_fwer <= ALPHA and (shown.accuracy > 0.5) == (self.head.sign == 1)

    @property
    def written(self) -> Effect | None:
        """The costliest row that matters, if one does: there the antecedent is written."""
        return row_written(self.effects)


def probe_model(
    model: StockModel,
    select_on: Sequence[Case],
    items: Sequence[Case],
    *,
    spec: StudySpec,
    unrelated: Sequence[Case] = (),
    corpus: Mapping[str, Item] | None = None,
    controls: Mapping[str, Sequence[Case]] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Study:
    """Run the whole protocol.

    Args:
        model: any stock model that attends.
        select_on: cases to choose the head on; never reported.
        items: cases to report.
        spec: names and sizes.
        unrelated: cases on which ablating the head should cost nothing.
        corpus: items of the built-in corpus by id, whose free translations can be judged.
        controls: sets in which "it" means nothing, or the target does not tell, by name.
        say: receives a line for each stage.

    Returns:
        The findings.

    Raises:
        DataError: a set has no case that can be scored, or both share cases, or no measure.
    """
    start = time.perf_counter()
    _refuse_shared(select_on, items)
    before, after = place_cases(model, select_on), place_cases(model, items)
    say(f"{len(before.placed):,} items to choose on, {len(after.placed):,} to report")
    both = Measured(model, before.placed, after.placed, resamples=spec.resamples, seed=spec.seed)
    say(f"{len(both.scores.scores.measures):,} measures scored")
    for problem in both.problems:
        say(problem)
    causes = Causes()
    aside, lost = _aside(model, unrelated)
    if both.scores.preference is not None and spec.causal:
        say("knocking out rows and edges")
        causes = find_causes(both, aside)
    say("translating freely")
    own = _own_words(both, corpus or {}, causal=spec.causal)
    say("baselines, controls and models with random weights")
    beside = control_head(both, controls or {})
    problems = (*_problems(before, after, both), *lost, *_unjudged(own), *beside.problems)
    return Study(
        spec=spec,
        model=model.name,
        kind=model.kind,
        items=(len(both.dev), len(both.test)),
        problems=problems,
        chosen=both.chosen,
        finding=both.finding,
        by_route=tuple(both.report(choice) for choice in both.by_route),
        table=findings(both.scores.scores, resamples=spec.resamples, seed=spec.seed),
        baselines=(*_baselines(both), *beside.habits),
        random=tuple(_random(both, number) for number in range(spec.random_twins)),
        contrastive=both.contrastive,
        faithfulness=both.faithfulness,
        effects=causes.effects,
        verdict=causes.verdict,
        readers=causes.readers,
        joint=causes.joint,
        head=both.head,
        wrong_queries=beside.wrong_queries,
        controls=beside.controls,
        generated=own.generated if own else (),
        by_answer=_by_answers(both, own),
        provenance=provenance_of(
            model, select_on, items, seeds=_seeds(spec), caveats=_caveats(causes)
        ),
        record=_record(both, causes, own),
        seconds=time.perf_counter() - start,
    )


def _refuse_shared(select_on: Sequence[Case], items: Sequence[Case]) -> None:
    shared = {case.id for case in select_on} & {case.id for case in items}
    if shared:
        raise DataError(
            f"probe: {len(shared)} cases stand in both sets (first {min(shared)}), needed none; "
            "choose on other items than those that are reported"
        )


def _own_words(both: Measured, corpus: Mapping[str, Item], *, causal: bool) -> OwnWords | None:
    """Free translations, with knock-outs if there are any, where there is something to judge."""
    if both.scores.preference is None or not corpus:
        return None
    knocks = kept_up(both) if causal else ()
    return translate_items(both.model, both.test, corpus, knocks, seed=both.seed)


def _aside(model: StockModel, cases: Sequence[Case]) -> tuple[list[Placed], tuple[str, ...]]:
    """Unrelated sentences, with their question where they have one, and how many have no place."""
    placed, lost = [], []
    for case in cases:
        try:
            placed.append((place_case if case.decided else place_whole)(model, case))
        except SpanError as error:
            lost.append(f"{case.id}: {error}")
    if not lost:
        return placed, ()
    return placed, (f"{len(lost):,} unrelated sentences left out; first {lost[0]}",)


def _random(both: Measured, number: int) -> Finding:
    twin = both.model.random_twin(both.seed + number)
    before, after = in_common(
        score_routes(twin, both.dev, gradients=False),
        score_routes(twin, both.test, gradients=False),
    )
    choice = choose(before.scores)
    return evaluate(choice, after.scores, resamples=both.resamples, seed=both.seed)


def _baselines(both: Measured) -> tuple[Finding, ...]:
    lengths = {}
    for one in both.test:
        sizes = [len(rows) for rows in one.nouns]
        lengths[one.case.id] = sizes if one.case.gold == 0 else sizes[::-1]
    rules = plain_baselines(lengths, seed=both.seed)
    rules += learnt_baselines([one.case for one in both.dev])
    scores = baseline_scores([one.case for one in both.test], rules)
    return findings(scores, resamples=both.resamples, seed=both.seed)


def _by_answers(both: Measured, own: OwnWords | None) -> tuple[ByAnswer, ...]:
    preference = both.scores.preference
    if preference is None:
        return ()
    measured, clusters = both.right(both.chosen), both.scores.scores.layout.clusters
    found = [by_answer("preferred", measured, preference > 0, clusters, seed=both.seed)]
    if own is not None:
        shown = own.shown[UNTOUCHED]
        kept = [n for n, one in enumerate(both.test) if one.case.id in shown]
        right = np.array([shown[both.test[n].case.id] == 1 for n in kept])
        part = [clusters[n] for n in kept]
        found.append(by_answer("written", measured[kept], right, part, seed=both.seed))
    return tuple(found)


def _record(both: Measured, causes: Causes, own: OwnWords | None) -> Record:
    choices = (both.chosen, both.head, *both.by_route)
    measures = dict.fromkeys(choice.measure for choice in choices)
    return Record(
        cases=tuple(one.case for one in both.test),
        chosen=both.chosen.measure,
        sign=both.chosen.sign,
        scores={measure: both.sides(measure) for measure in measures},
        preference=both.scores.preference,
        trials=causes.trials,
        written=own.written if own else {},
        shown=own.shown if own else {},
    )


def _seeds(spec: StudySpec) -> dict[str, tuple[int, ...]]:
    twins = tuple(spec.seed + number for number in range(spec.random_twins))
    return {"draws": (spec.seed,), "random weights": twins}


def _caveats(causes: Causes) -> tuple[str, ...]:
    found = [
        "attention is not an explanation: what is used is said by knock-outs alone",
        "the items are made by rule or by hand for this question; other text may differ",
        "the model chooses between two given translations; only free translations show what it "
        "writes",
    ]
    if causes.effects:
        found.append(
            f"the carrier is the costliest of {len(causes.effects)} knock-outs on the reported "
            "set itself, those first that cost much more than other words do; heads and sets of "
            "knock-outs are chosen on the other set"
        )
    return tuple(found)


def _unjudged(own: OwnWords | None) -> tuple[str, ...]:
    if own is None or not own.left_out:
        return ()
    return (
        f"{own.left_out:,} items are in no figure of free translations: they show no gender, or "
        "their quad is not whole",
    )


def _problems(before: Placing, after: Placing, both: Measured) -> tuple[str, ...]:
    layout = both.scores.scores.layout
    broken = [
        f"{count:,} {what} are incomplete and in no figure"
        for count, what in ((layout.broken_pairs, "pairs"), (layout.broken_quads, "quads"))
        if count
    ]
    return (*before.problems, *after.problems, *both.scores.skipped, *both.problems, *broken)
