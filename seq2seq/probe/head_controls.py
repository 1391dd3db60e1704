"""What else would a head's accuracy look like? Its habit, another row, sentences without answer.

A head may seem to find the antecedent because it likes a distance, because every row of it looks
at that noun, or because it looks at nouns whatever is asked. So the chosen head is measured again:
with attention made of its *habit* alone (what it gives each distance on average) and with none
(uniform); from a *wrong query*, another word's row with the same keys; and on *control sets*, where
"it" means nothing, or either noun, or where the target does not show which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float, Int

from seq2seq.probe.access import StockModel
from seq2seq.probe.accuracy import layout_of
from seq2seq.probe.baselines import BASELINE
from seq2seq.probe.cases import Case
from seq2seq.probe.causal import looking
from seq2seq.probe.habits import habit_of, habit_rows, uniform_rows
from seq2seq.probe.intervention import Stack
from seq2seq.probe.measured import Measured
from seq2seq.probe.placed import Placed, batches_of, inputs_of, place_cases
from seq2seq.probe.resampling import SEED, Estimate, cluster_bootstrap
from seq2seq.probe.routes import BATCH, decision_rows
from seq2seq.probe.selection import Finding, Measure, Scores, findings
from seq2seq.probe.spans import Rows

WRONG_QUERY = "wrong query"
ROWS_OF_ONE_WORD = ("E→", "Ec→", "X", "X+", "D")
"""Routes that read one row; the others read the nouns' rows, or several."""


@dataclass(frozen=True)
class ControlFigure:
    """What the chosen head does on a set.

    Attributes:
        name: of the set.
        items: how many.
        mass: how much the head's row gives both nouns.
        first: share of items in which it prefers the noun that stands first.
        accuracy: share in which it prefers the one that is meant; None where none is.
    """

    name: str
    items: int
    mass: Estimate
    first: Estimate
    accuracy: Estimate | None


@dataclass(frozen=True)
class HeadRows:
    """A head's row in each of some cases.

    Attributes:
        rows: what it gives each key, mean over the query's pieces, padded on the right.
        queries: where the query stands.
        lengths: how many keys are real.
    """

    rows: Float[np.ndarray, "items keys"]
    queries: Int[np.ndarray, " items"]
    lengths: Int[np.ndarray, " items"]


def head_rows(
    model: StockModel, placed: Sequence[Placed], measure: Measure, queries: Sequence[Rows]
) -> HeadRows:
    """Read one head in one row of each case.

    Args:
        model: any stock model.
        placed: the cases.
        measure: names the stack, the layer and the head.
        queries: the pieces of the word whose row is read, for each case.

    Returns:
        The rows.
    """
    stack = looking(measure)[0] if model.kind == "encoder-decoder" else _only_stack(model)
    assert measure.layer is not None  # of a head
    assert measure.head is not None
    found = list[tuple[list[int], np.ndarray]]()
    lengths = np.zeros(len(placed), dtype=int)
    for numbers in batches_of(placed, BATCH):
        batch = [placed[number] for number in numbers]
        inputs = inputs_of(model, batch)
        rows = decision_rows(batch) if all(one.decision for one in batch) else None
        reading = model.read(inputs, stacks=(stack,), rows=rows)
        maps = reading.maps[stack][measure.layer, :, measure.head]
        seen = [maps[n, list(queries[number])].mean(0) for n, number in enumerate(numbers)]
        found.append((numbers, torch.stack(seen).numpy()))
        mask = inputs.target_mask if stack == "decoder" and inputs.target_mask is not None else None
        real = inputs.source_mask if mask is None else mask
        lengths[numbers] = real.sum(1).numpy()
    table = np.zeros((len(placed), int(lengths.max())))
    for numbers, part in found:
        table[numbers, : part.shape[1]] = part
    return HeadRows(table, np.array([rows[0] for rows in queries]), lengths)


def habit_scores(
    model: StockModel, dev: Sequence[Placed], test: Sequence[Placed], measure: Measure
) -> Scores:
    """What the head's habit, and attention that has none, give the nouns.

    Args:
        model: any stock model.
        dev: cases to take the habit from.
        test: cases to report.
        measure: a head and a route that reads one row.

    Returns:
        Scores as of two rules.
    """
    before = head_rows(model, dev, measure, _queries(dev, measure))
    after = head_rows(model, test, measure, _queries(test, measure))
    habit = habit_of(before.rows[None], before.queries, before.lengths)
    rows = {
        "the head's habit": habit_rows(habit, after.queries, after.lengths)[0],
        "uniform": uniform_rows(after.lengths),
    }
    return _scores(test, measure, {Measure(BASELINE, name): row for name, row in rows.items()})


def wrong_query_scores(
    model: StockModel, test: Sequence[Placed], measure: Measure
) -> Scores | None:
    """What the same head gives the nouns from other rows.

    Args:
        model: any stock model.
        test: cases to report.
        measure: a head and a route that reads one row.

    Returns:
        Scores by query: other words of the clause, or the row before the decision row; None where
        the cases have no other.
    """
    queries: dict[str, list[Rows]] = {}
    stack, word = looking(measure)
    if word:
        names = ("it", "conjunction", "was", "cue", "stop")
        for name in names:
            if name != word and all(name in one.words for one in test):
                queries[name] = [one.words[name] for one in test]
    elif all(one.decision is not None and one.decision.row > 0 for one in test):
        queries["row before"] = [(row[0] - 1,) for row in _queries(test, measure)]
    if not queries:
        return None
    rows = {
        Measure(WRONG_QUERY, name, stack, measure.layer, measure.head): head_rows(
            model, test, measure, query
        ).rows
        for name, query in queries.items()
    }
    return _scores(test, measure, rows)


def control_figure(
    name: str, model: StockModel, cases: Sequence[Case], measure: Measure, *, seed: int = SEED
) -> ControlFigure:
    """Measure the head on a set that need not have answers.

    Args:
        name: of the set.
        model: any stock model.
        cases: with two nouns each; where none is meant, or the target does not tell, that is said.
        measure: a head whose route reads a row of the text.
        seed: of the intervals.

    Returns:
        The figure, over the cases that can be placed.

    Raises:
        DataError: not one can.
    """
    meant = {case.id for case in cases if case.gold is not None}
    # Where nothing is meant the first noun is called so, to be placed like the others.
    asked = [
        replace(
            case, correct=case.correct if case.id in meant else frozenset({0}), good=None, bad=None
        )
        for case in cases
    ]
    placed = place_cases(model, asked).placed
    rows = head_rows(model, placed, measure, _queries(placed, measure)).rows
    gold, other = _noun_sums(placed, measure, rows)
    clusters = [one.case.cluster for one in placed]
    first = np.where([one.case.gold == 0 for one in placed], gold - other, other - gold)

    def mean(values: Float[np.ndarray, " items"]) -> Estimate:
        (interval,) = cluster_bootstrap(values[None], clusters, seed=seed)
        return Estimate(float(values.mean()), interval)

    accuracy = None
    if all(one.case.id in meant for one in placed):
        accuracy = mean((np.sign(gold - other) + 1) / 2)
    return ControlFigure(
        name, len(placed), mean(gold + other), mean((np.sign(first) + 1) / 2), accuracy
    )


@dataclass(frozen=True)
class HeadControls:
    """Everything that stands beside a head's accuracy.

    Attributes:
        habits: what its habit and uniform attention would score.
        wrong_queries: what it scores from other rows.
        controls: what it does on control sets.
        problems: what could not be measured, and why.
    """

    habits: tuple[Finding, ...] = ()
    wrong_queries: tuple[Finding, ...] = ()
    controls: tuple[ControlFigure, ...] = ()
    problems: tuple[str, ...] = ()


def control_head(both: Measured, sets: Mapping[str, Sequence[Case]]) -> HeadControls:
    """Measure the best single head where it should find nothing.

    Args:
        both: a model's sets.
        sets: control sets by name.

    Returns:
        The figures; a head whose route reads no single row has none.
    """
    measure = both.head.measure
    if measure.route not in ROWS_OF_ONE_WORD:
        return HeadControls(
            problems=(f"no controls of the head: route {measure.route} reads no single row",)
        )
    habits = habit_scores(both.model, both.dev, both.test, measure)
    wrong = wrong_query_scores(both.model, both.test, measure)
    given = {"resamples": both.resamples, "seed": both.seed}
    figures: tuple[ControlFigure, ...] = ()
    problems: tuple[str, ...] = ()
    if sets and not looking(measure)[1]:
        problems = (f"no control sets: route {measure.route} has no row where there is no answer",)
    elif sets:
        asked = {"reported": [one.case for one in both.test], **sets}
        figures = tuple(
            control_figure(name, both.model, cases, measure, seed=both.seed)
            for name, cases in asked.items()
        )
    return HeadControls(
        findings(habits, **given),
        () if wrong is None else findings(wrong, **given),
        figures,
        problems,
    )


def _only_stack(model: StockModel) -> Stack:
    (stack,) = model.depth
    return stack


def _queries(placed: Sequence[Placed], measure: Measure) -> list[Rows]:
    word = looking(measure)[1]
    if word:
        return [one.words[word] for one in placed]
    after = measure.route == "X+"
    return [(row + after,) for row in decision_rows(placed)]


def _noun_sums(
    placed: Sequence[Placed], measure: Measure, rows: Float[np.ndarray, "items keys"]
) -> tuple[Float[np.ndarray, " items"], Float[np.ndarray, " items"]]:
    gold, other = np.zeros(len(placed)), np.zeros(len(placed))
    for number, one in enumerate(placed):
        nouns = one.nouns
        if measure.route == "D":
            assert one.decision is not None  # the route was measured
            assert one.decision.nouns is not None
            nouns = one.decision.nouns
        gold[number], other[number] = (rows[number, list(noun)].sum() for noun in nouns)
    return gold, other


def _scores(
    placed: Sequence[Placed],
    measure: Measure,
    rows: Mapping[Measure, Float[np.ndarray, "items keys"]],
) -> Scores:
    sums = [_noun_sums(placed, measure, each) for each in rows.values()]
    layout = layout_of([one.case for one in placed])
    return Scores(
        tuple(rows), layout, np.stack([g for g, _ in sums]), np.stack([d for _, d in sums])
    )
