"""What else would a head's accuracy look like? Its habit, another row, sentences without answer.

A head may seem to find the antecedent because it likes a distance, because every row of it looks
at that noun, or because it looks at nouns whatever is asked. So the chosen head is measured again:
with attention made of its *habit* alone (what it gives each distance on average) and with none
(uniform); from a *wrong query*, another word's row with the same keys; and on *control sets*, where
"it" means nothing, or either noun, or where the target does not show which.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from seq2seq.probe.head_controls.baselines import BASELINE
from seq2seq.probe.head_controls.habit import Habit, habit_of, habit_rows, uniform_rows
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.pieces import Rows
from seq2seq.probe.items.placement import PlacedCase, batches_with_inputs, part_of, place_cases
from seq2seq.probe.measures.accuracy import answers_right, layout_of
from seq2seq.probe.measures.routes import decision_rows
from seq2seq.probe.measures.scores import ROUTES_OF_HEADS, Measure, Scores, Way, stack_and_word
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.probe.statistics.bootstrap import SEED, Estimate, mean_of
from seq2seq.probe.statistics.scored_sets import ScoredSets
from seq2seq.probe.statistics.selection import Finding, findings

WRONG_QUERY = "wrong query"
PIECES = 10_000
"""Of each set the maps of a head are kept of texts with no more pieces."""


@dataclass(frozen=True)
class ControlFigure:
    """What the chosen head does on a set.

    Attributes:
        name: of the set.
        items: how many.
        left_out: how many could not be placed in pieces.
        mass: how much the head's row gives both nouns.
        first: share of items in which it prefers the noun that stands first.
        accuracy: share in which it prefers the one that is meant; None where none is.
    """

    name: str
    items: int
    left_out: int
    mass: Estimate
    first: Estimate
    accuracy: Estimate | None


@dataclass(frozen=True)
class HeadMaps:
    """A head's map of each of some cases.

    Attributes:
        maps: rows look, columns are looked at; padded on both sides with nothing.
        lengths: how many columns of each are real.
    """

    maps: Float[np.ndarray, "items queries keys"]
    lengths: Int[np.ndarray, " items"]

    def rows(self, queries: Sequence[Rows]) -> Float[np.ndarray, "items keys"]:
        """What a word of each case gives each column, mean over the word's pieces."""
        found = [one[list(rows)].mean(0) for one, rows in zip(self.maps, queries, strict=True)]
        rows: Float[np.ndarray, "items keys"] = np.stack(found)
        return rows


def head_maps(model: StockModel, placed: Sequence[PlacedCase], measure: Measure) -> HeadMaps:
    """Read the head that a measure names in some cases."""
    own = stack_and_word(measure)[0]
    stack = own if model.kind == "encoder-decoder" else next(iter(model.depth))
    assert measure.layer is not None  # of a head
    assert measure.head is not None
    layers = measure.layer + 1 if stack == next(iter(model.depth)) else None
    found = list[tuple[list[int], Float[np.ndarray, "batch query key"]]]()
    lengths = np.zeros(len(placed), dtype=int)
    for numbers, batch, inputs in batches_with_inputs(model, placed):
        rows = decision_rows(batch) if all(one.decision for one in batch) else None
        reading = model.read(inputs, stacks=(stack,), layers=layers, rows=rows)
        found.append((numbers, reading.maps[stack][measure.layer, :, measure.head].numpy()))
        targets = stack == "decoder" and inputs.target_mask is not None
        real = inputs.target_mask if targets else inputs.source_mask
        assert real is not None  # of encoder-decoders
        lengths[numbers] = real.sum(1).numpy()
    sizes = [max(part.shape[side] for _, part in found) for side in (1, 2)]
    maps = np.zeros((len(placed), *sizes), dtype=np.float32)
    for numbers, part in found:
        maps[numbers, : part.shape[1], : part.shape[2]] = part
    return HeadMaps(maps, lengths)


def habit_scores(
    dev: tuple[Sequence[PlacedCase], HeadMaps], test: Sequence[PlacedCase], measure: Measure
) -> Scores:
    """What the head's habit on dev, and attention that has none, give the nouns of test."""
    placed, maps = dev
    likings: dict[Way, Habit] = {}
    # One habit of both nouns: which of them is meant, no habit knows.
    stack, word = stack_and_word(measure)
    nouns = [[one.nouns_in(stack)[noun] for one in placed] for noun in (0, 1)]
    for way in ROUTES_OF_HEADS[measure.route][-1]:
        queries = nouns if way == "back" else [[one.rows_of(word) for one in placed]]
        likings[way] = habit_of(
            np.concatenate([maps.rows(each) for each in queries])[None],
            np.concatenate([_places(each) for each in queries]),
            np.tile(maps.lengths, len(queries)),
        )
    lengths = np.array([_length(one, measure) for one in test])
    even = uniform_rows(lengths)
    asked = [one.rows_of(word) for one in test]

    def habitual(way: Way, queries: Sequence[Rows]) -> Float[np.ndarray, "items keys"]:
        (rows,) = habit_rows(likings[way], _places(queries), lengths)
        return np.asarray(rows)

    found = {
        Measure(BASELINE, "the head's habit"): _given(test, measure, habitual, asked),
        Measure(BASELINE, "uniform"): _given(test, measure, lambda *_: even, asked),
    }
    return _scores(test, found)


def wrong_query_scores(
    placed: Sequence[PlacedCase], maps: HeadMaps, measure: Measure
) -> Scores | None:
    """What the same head gives the nouns from other rows, or gets of them in other columns.

    By word: other words of the clause, or the row before the decision row; None where the cases
    have no other.
    """
    queries: dict[str, list[Rows]] = {}
    stack, word = stack_and_word(measure)
    if word:
        for name in ("it", "conjunction", "was", "cue", "stop"):
            if name != word and all(name in one.words for one in placed):
                queries[name] = [one.words[name] for one in placed]
    elif all(one.decision is not None and one.decision.row > 0 for one in placed):
        queries["row before"] = [(row - 1,) for row in decision_rows(placed)]
    if not queries:
        return None
    found = {
        Measure(WRONG_QUERY, name, stack, measure.layer, measure.head): _given(
            placed, measure, lambda _, looking: maps.rows(looking), query
        )
        for name, query in queries.items()
    }
    return _scores(placed, found)


def control_figure(
    name: str, model: StockModel, cases: Sequence[Case], measure: Measure, *, seed: int = SEED
) -> ControlFigure:
    """Measure the head on a set that need not have answers, over the cases that can be placed.

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
    placing = place_cases(model, asked)
    placed = placing.placed
    maps = head_maps(model, placed, measure)
    words = [one.rows_of(stack_and_word(measure)[1]) for one in placed]
    gold, other = _given(placed, measure, lambda _, looking: maps.rows(looking), words)
    clusters = [one.case.cluster for one in placed]
    first = np.where([one.case.gold == 0 for one in placed], gold - other, other - gold)

    accuracy = None
    if all(one.case.id in meant for one in placed):
        accuracy = mean_of(answers_right(gold - other), clusters, share=True, seed=seed)
    return ControlFigure(
        name=name,
        items=len(placed),
        left_out=placing.left_out,
        mass=mean_of(gold + other, clusters, seed=seed),
        first=mean_of(answers_right(first), clusters, share=True, seed=seed),
        accuracy=accuracy,
    )


@dataclass(frozen=True)
class HeadControls:
    """Everything that stands beside a head's accuracy.

    Attributes:
        habits: what its habit and uniform attention would score; None where none was read.
        wrong_queries: what it scores from other rows.
        controls: what it does on control sets.
        problems: what could not be measured, and why.
    """

    habits: Scores | None = None
    wrong_queries: tuple[Finding, ...] = ()
    controls: tuple[ControlFigure, ...] = ()
    problems: tuple[str, ...] = ()


def control_head(scored: ScoredSets, sets: Mapping[str, Sequence[Case]]) -> HeadControls:
    """Measure the best single head where it should find nothing: other rows, and control sets."""
    measure = scored.head.measure
    (dev, _), (test, part) = (
        part_of(placed, PIECES, seed=scored.seed) for placed in (scored.dev, scored.test)
    )
    before, after = (head_maps(scored.model, placed, measure) for placed in (dev, test))
    habits = habit_scores((dev, before), scored.test, measure)
    wrong = wrong_query_scores(test, after, measure)
    given = {"resamples": scored.resamples, "seed": scored.seed}
    figures: tuple[ControlFigure, ...] = ()
    problems: tuple[str, ...] = (
        (f"the head's habit and its other rows were read on {part}",) if part else ()
    )
    if sets and not stack_and_word(measure)[1]:
        problems += (f"no control sets: route {measure.route} reads no row without an answer",)
    elif sets:
        asked = {"reported": [one.case for one in scored.test], **sets}
        figures = tuple(
            control_figure(name, scored.model, cases, measure, seed=scored.seed)
            for name, cases in asked.items()
        )
    return HeadControls(
        habits,
        () if wrong is None else findings(wrong, **given),
        figures,
        problems,
    )


def _places(queries: Sequence[Rows]) -> Int[np.ndarray, " items"]:
    """Where each query begins."""
    return np.array([rows[0] for rows in queries])


def _given(
    placed: Sequence[PlacedCase],
    measure: Measure,
    rows: Callable[[Way, Sequence[Rows]], Float[np.ndarray, "items keys"]],
    words: Sequence[Rows],
) -> tuple[Float[np.ndarray, " items"], Float[np.ndarray, " items"]]:
    """What a measure gives the gold noun and the other one, with some word in place of its own.

    Args:
        placed: the cases.
        measure: a head and its route.
        rows: says of pieces that look what they give each column.
        words: the pieces of that word.
    """

    def sums(way: Way, looking: Sequence[Rows], seen: Sequence[Rows]) -> list[float]:
        found = rows(way, looking)
        return [float(row[list(each)].sum()) for row, each in zip(found, seen, strict=True)]

    ways = []
    for noun in (0, 1):
        nouns = [one.nouns_in(stack_and_word(measure)[0])[noun] for one in placed]
        pairs = {"forth": (words, nouns), "back": (nouns, words)}
        both = [sums(way, *pairs[way]) for way in ROUTES_OF_HEADS[measure.route][-1]]
        ways.append(np.mean(both, axis=0))
    return ways[0], ways[1]


def _length(one: PlacedCase, measure: Measure) -> int:
    """How many columns a row of the head has."""
    if stack_and_word(measure)[0] == "decoder" and one.decision is not None:
        return len(one.decision.prefix)
    return len(one.source.ids)


def _scores(
    placed: Sequence[PlacedCase],
    found: Mapping[Measure, tuple[Float[np.ndarray, " items"], Float[np.ndarray, " items"]]],
) -> Scores:
    layout = layout_of([one.case for one in placed])
    gold, other = (np.stack([each[noun] for each in found.values()]) for noun in (0, 1))
    return Scores(tuple(found), layout, gold, other)
