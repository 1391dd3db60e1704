"""A whole probe: choose on one set, report once on another, then ask what the model really uses."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float

from seq2seq.errors import DataError, SpanError
from seq2seq.probe.causes.experiment import Experiment
from seq2seq.probe.causes.free_translation import (
    UNTOUCHED,
    FreeTranslations,
    translate_items,
)
from seq2seq.probe.causes.search import (
    Causes,
    find_causes,
    knock_outs_while_translating,
)
from seq2seq.probe.head_controls.baselines import (
    baseline_scores,
    blind_answers,
    learnt_baselines,
    plain_baselines,
    that_apply,
)
from seq2seq.probe.head_controls.head import HeadControls, control_head
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.placement import (
    PlacedCase,
    Placement,
    place_case,
    place_cases,
    place_whole,
)
from seq2seq.probe.measures.accuracy import answers_right
from seq2seq.probe.measures.routes import score_routes
from seq2seq.probe.measures.scores import Measure, Scores
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.report.item_record import Record
from seq2seq.probe.report.provenance import provenance_of
from seq2seq.probe.report.result import Parts, Study, StudySpec
from seq2seq.probe.report.verdict import Verdict
from seq2seq.probe.statistics.by_tag import by_tag
from seq2seq.probe.statistics.choosing_set import ChoosingSet
from seq2seq.probe.statistics.enough import too_few
from seq2seq.probe.statistics.gap_score import gap_scores
from seq2seq.probe.statistics.scored_sets import ScoredSets, right_of
from seq2seq.probe.statistics.selection import Finding, findings, row_of
from seq2seq.probe.statistics.two_way import Dependence, shares
from seq2seq.probe.statistics.visible import Visible, visible
from seq2seq.pronouns.items import Item


def probe_model(
    model: StockModel,
    select_on: Sequence[Case] | ChoosingSet,
    items: Sequence[Case],
    *,
    spec: StudySpec,
    left_out: Sequence[str] = (),
    unrelated: Sequence[Case] = (),
    corpus: Mapping[str, Item] | None = None,
    controls: Mapping[str, Sequence[Case]] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Study:
    """Run the whole protocol.

    Args:
        model: any stock model that attends.
        select_on: cases to choose the head on, never reported; or such a set that was scored for
            another probe of the same model.
        items: cases to report.
        spec: names and sizes.
        left_out: what the readers of both sets say of lines that are no case.
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
    choosing = select_on
    if not isinstance(choosing, ChoosingSet):
        choosing = ChoosingSet(model, choosing, contributions=spec.contributions)
    scored, problems = _scored(choosing, items, spec, say)
    placed_unrelated, lost = _place_unrelated(model, unrelated)
    experiment = None
    if scored.scores.preference is not None and spec.causal:
        say("knocking out rows and edges")
        experiment = Experiment(model, scored.test)
    causes = find_causes(experiment, scored, placed_unrelated) if experiment else Causes()
    say("translating freely")
    own = _free_translations(scored, corpus or {}, experiment)
    say("baselines, controls and models with random weights")
    on_head = control_head(scored, controls or {})
    rules = rules_of(scored, on_head)
    blind = blind_answers(rules)
    random, part = _random(choosing, scored, spec, blind)
    return Study(
        spec=spec,
        model=model.name,
        kind=model.kind,
        items=(len(scored.dev), len(scored.test)),
        problems=(*left_out, *problems, *lost, *_unjudged(own), *on_head.problems, *part),
        verdict=_verdict(scored, spec, causes, on_head, blind, random),
        chosen=scored.chosen,
        finding=scored.finding,
        by_route=tuple(scored.report(choice) for choice in scored.by_route),
        table=scored.table,
        baselines=_findings(rules, spec),
        faithfulness=scored.faithfulness,
        head=scored.head,
        wrong_queries=on_head.wrong_queries,
        controls=on_head.controls,
        generated=own.generated if own else (),
        provenance=provenance_of(model, choosing.cases, items, seeds=_seeds(spec)),
        parts=_parts(scored, items, spec, own),
        record=_record(scored, causes, own),
        placed=tuple(scored.test),
        seconds=time.perf_counter() - start,
    )


def _scored(
    choosing: ChoosingSet, items: Sequence[Case], spec: StudySpec, say: Callable[[str], None]
) -> tuple[ScoredSets, tuple[str, ...]]:
    """Both sets with every measure scored, and what was left out of them."""
    items, twice = _without_asked(items, choosing.cases)
    dev, test = choosing.placement, place_cases(choosing.model, items)
    say(f"{len(dev.placed):,} items to choose on, {len(test.placed):,} to report")
    scored = ScoredSets(
        choosing.model, dev.placed, test.placed, dev_scores=choosing.scores, only=spec.only,
        contributions=spec.contributions, resamples=spec.resamples, seed=spec.seed,
    )  # fmt: skip
    say(f"{len(scored.scores.scores.measures):,} measures scored")
    for problem in scored.problems:
        say(problem)
    return scored, (*twice, *_problems(dev, test, scored))


def _parts(
    scored: ScoredSets, items: Sequence[Case], spec: StudySpec, own: FreeTranslations | None
) -> Parts:
    """The chosen measure by tag and by the model's answers, and for GAP as its own scorer counts.

    A measure that is right as often where the answer is wrong shows what it does not hang on.
    """
    cases = [
        replace(one.case, tags=(*one.case.tags, *tags))
        for one, tags in zip(scored.test, _answer_tags(scored, own), strict=True)
    ]
    right = scored.right(scored.chosen)
    figures, differences = by_tag(cases, right, resamples=spec.resamples, seed=spec.seed)
    if spec.kind != "gap":
        return Parts(figures, differences)
    answers = _gap_answers(scored, items)
    return Parts(figures, differences, gap_scores(items, answers), answers)


def _without_asked(
    items: Sequence[Case], chosen_on: Sequence[Case]
) -> tuple[Sequence[Case], tuple[str, ...]]:
    """The items that the set to choose on does not ask, and how many it does.

    Published sets share sentences under different ids; the same file twice is refused.
    """
    shared = {case.id for case in chosen_on} & {case.id for case in items}
    if shared:
        raise DataError(
            f"probe: {len(shared)} cases stand in both sets (first {min(shared)}), needed none; "
            "choose on other items than those that are reported"
        )
    asked = {(case.text, case.pronoun) for case in chosen_on}
    kept = [case for case in items if (case.text, case.pronoun) not in asked]
    lost = len(items) - len(kept)
    what = f"{lost:,} items left out: the set to choose on asks the same of the same text"
    if not kept:
        raise DataError(f"probe: all {what}; choose on another set")
    return kept, (what,) if lost else ()


def _gap_answers(scored: ScoredSets, items: Sequence[Case]) -> dict[str, str]:
    """Which of two names the chosen measure prefers, in cases of GAP that mean neither, too."""
    gold, other = scored.sides(scored.chosen.measure)
    answers = _preferred(scored.test, gold - other, scored.chosen.sign)
    undecided = [
        replace(case, correct=frozenset({0}))  # to be placed like the others
        for case in items
        if not case.decided and len(case.candidates) == 2
    ]
    if not undecided:
        return answers
    placed = place_cases(scored.model, undecided).placed
    measure = scored.chosen.measure
    scores = score_routes(
        scored.model,
        placed,
        gradients=False,
        contributions=measure.variant == "alti",
        layers=None if measure.layer is None else measure.layer + 1,
    ).scores
    row = row_of(scored.chosen, scores)
    return answers | _preferred(
        placed, scores.gold[row] - scores.distractor[row], scored.chosen.sign
    )


def _preferred(
    placed: Sequence[PlacedCase], margins: Float[np.ndarray, " items"], sign: int
) -> dict[str, str]:
    """The roles of the candidates that are preferred; the first where both are alike."""
    found = {}
    for one, margin in zip(placed, margins * sign, strict=True):
        gold = one.case.gold or 0
        place = 0 if margin == 0 else gold if margin > 0 else 1 - gold
        found[one.case.id] = one.case.candidates[place].role
    return found


def _free_translations(
    scored: ScoredSets, corpus: Mapping[str, Item], experiment: Experiment | None
) -> FreeTranslations | None:
    """Free translations, with knock-outs if there are any, where there is something to judge."""
    if scored.scores.preference is None or not corpus:
        return None
    knock_outs = (
        () if experiment is None else knock_outs_while_translating(experiment, scored.head.measure)
    )
    return translate_items(scored.model, scored.test, corpus, knock_outs, seed=scored.seed)


def _place_unrelated(
    model: StockModel, cases: Sequence[Case]
) -> tuple[list[PlacedCase], tuple[str, ...]]:
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


def _verdict(
    scored: ScoredSets,
    spec: StudySpec,
    causes: Causes,
    on_head: HeadControls,
    blind: Mapping[str, Float[np.ndarray, " items"]],
    random: tuple[Visible, ...],
) -> Verdict:
    dependence = Dependence.of([one.case for one in scored.test])
    translated = None
    if scored.scores.preference is not None:
        (translated,) = shares(answers_right(scored.scores.preference)[None], dependence)
    figures = {one.name: one for one in on_head.controls}
    heads = [scored.chosen.measure, *([scored.head.measure] if causes.by_head else [])]
    return Verdict(
        visible=visible(scored.chosen, scored.right(scored.chosen), blind, dependence),
        supervised=any(_was_told(head, spec) for head in heads),
        random=random,
        chosen_on=spec.selected_on,
        reported_on=spec.name,
        translated=translated,
        causes=causes,
        meaningless=figures.get("pleonastic"),
        meaningful=figures.get("reported"),
        too_few=too_few(*([one.case for one in some] for some in (scored.dev, scored.test))),
    )


def _was_told(measure: Measure, spec: StudySpec) -> bool:
    """Whether training told a head, or its whole layer, where to look."""
    return any(
        (measure.stack, measure.layer) == (stack, layer) and head in (None, measure.head)
        for stack, layer, head in spec.supervised
    )


def _random(
    choosing: ChoosingSet,
    scored: ScoredSets,
    spec: StudySpec,
    blind: Mapping[str, Float[np.ndarray, " items"]],
) -> tuple[tuple[Visible, ...], tuple[str, ...]]:
    """Models with random weights, judged as the model; how many items they read if not all."""
    found, parts = [], set[str]()
    places = {one.case.id: place for place, one in enumerate(scored.test)}
    for number in range(spec.random_twins):
        choice, scores, part = choosing.random_choice(
            scored.test, twin=spec.seed + number, seed=spec.seed
        )
        rows = [places[name] for name in scores.layout.ids]
        rules = {name: right[rows] for name, right in blind.items()}
        dependence = Dependence.of([scored.test[row].case for row in rows])
        found.append(visible(choice, right_of(choice, scores), rules, dependence))
        parts.add(part)
    parts.discard("")
    return tuple(found), tuple(f"models with random weights were read on {part}" for part in parts)


def rules_of(scored: ScoredSets, on_head: HeadControls) -> list[Scores]:
    """What rules that look at no attention, and a head's habit alone, give the nouns."""
    lengths = {}
    for one in scored.test:
        sizes = [len(rows) for rows in one.nouns]
        lengths[one.case.id] = sizes if one.case.gold == 0 else sizes[::-1]
    rules = plain_baselines(lengths)
    rules += learnt_baselines([one.case for one in scored.dev])
    found = [baseline_scores([one.case for one in scored.test], rules)]
    if on_head.habits is not None:
        found.append(on_head.habits)
    return [that_apply(scores) for scores in found]


def _findings(scores: Sequence[Scores], spec: StudySpec) -> tuple[Finding, ...]:
    """Report every measure, or rule, of each of some scores."""
    return tuple(
        one for each in scores for one in findings(each, resamples=spec.resamples, seed=spec.seed)
    )


def _answer_tags(scored: ScoredSets, own: FreeTranslations | None) -> list[tuple[str, ...]]:
    """Whether the model has each item right: of two given translations, and when it writes."""
    tags: list[tuple[str, ...]] = [() for _ in scored.test]
    if scored.scores.preference is not None:
        preferred = (_answer("preferred", right=each > 0) for each in scored.scores.preference)
        tags = [(tag,) for tag in preferred]
    shown = {} if own is None else own.shown[UNTOUCHED]
    return [
        (*some, _answer("written", right=shown[one.case.id] == 1)) if one.case.id in shown else some
        for one, some in zip(scored.test, tags, strict=True)
    ]


def _answer(what: str, *, right: bool) -> str:
    return f"{what} translation={'right' if right else 'not right'}"


def _record(scored: ScoredSets, causes: Causes, own: FreeTranslations | None) -> Record:
    choices = (scored.chosen, scored.head, *scored.by_route)
    measures = dict.fromkeys(choice.measure for choice in choices)
    return Record(
        cases=tuple(one.case for one in scored.test),
        chosen=scored.chosen.measure,
        sign=scored.chosen.sign,
        scores={measure: scored.sides(measure) for measure in measures},
        preference=scored.scores.preference,
        trials=causes.trials,
        written=own.written if own else {},
        shown=own.shown if own else {},
    )


def _seeds(spec: StudySpec) -> dict[str, tuple[int, ...]]:
    twins = tuple(spec.seed + number for number in range(spec.random_twins))
    return {"draws": (spec.seed,), "random weights": twins}


def _unjudged(own: FreeTranslations | None) -> tuple[str, ...]:
    if own is None or not own.left_out:
        return ()
    return (
        f"{own.left_out:,} items are in no figure of free translations: they show no gender, or "
        "their quad is not whole",
    )


def _problems(before: Placement, after: Placement, scored: ScoredSets) -> tuple[str, ...]:
    layout = scored.scores.scores.layout
    broken = [
        f"{count:,} {what} are incomplete and in no figure"
        for count, what in ((layout.broken_pairs, "pairs"), (layout.broken_quads, "quads"))
        if count
    ]
    return (*before.problems, *after.problems, *scored.scores.skipped, *scored.problems, *broken)
