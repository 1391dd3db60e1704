"""Two sets that do not support the same routes are measured by what both of them have."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from seq2seq.errors import DataError
from seq2seq.probe.items.case import Case
from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.measures.routes import RouteScores, score_routes
from seq2seq.probe.measures.scores import Measure
from seq2seq.probe.report.result import StudySpec
from seq2seq.probe.report.text import to_text
from seq2seq.probe.statistics.scored_sets import ScoredSets, in_common
from seq2seq.probe.study import probe_model
from tests.probe.planted_model import cases, planted_model

MODEL = planted_model()
DEV, TEST = cases(start=0, count=4), cases(start=4, count=4)


def bare(some: Sequence[Case]) -> list[Case]:
    """The same texts without cue and translations."""
    return [replace(case, cue=None, good=None, bad=None) for case in some]


def measured(dev: Sequence[Case], test: Sequence[Case]) -> ScoredSets:
    placed = [place_cases(MODEL, some).placed for some in (dev, test)]
    return ScoredSets(MODEL, placed[0], placed[1], resamples=49, seed=1)


def test_sets_with_the_same_measures_keep_all_of_them() -> None:
    both = measured(DEV, TEST)
    assert both.problems == ()
    assert both.scores.scores.measures == both.dev_scores.scores.measures
    whole = score_routes(MODEL, both.test)
    assert both.scores.scores.measures == whole.scores.measures


@pytest.mark.parametrize("poor_dev", [False, True])
def test_what_only_one_set_has_is_left_out_of_both_and_counted(poor_dev: bool) -> None:
    both = measured(bare(DEV), TEST) if poor_dev else measured(DEV, bare(TEST))
    rich = score_routes(MODEL, both.test if poor_dev else both.dev).scores
    scored = score_routes(MODEL, both.dev if poor_dev else both.test)
    poor, skipped = scored.scores, scored.skipped
    ours, theirs = both.dev_scores.scores, both.scores.scores
    assert ours.measures == theirs.measures == poor.measures
    kept = theirs if poor_dev else ours
    rows = [rich.measures.index(one) for one in poor.measures]
    assert np.array_equal(kept.gold, rich.gold[rows])
    assert np.array_equal(kept.distractor, rich.distractor[rows])
    (line,) = both.problems
    name = "reported set" if poor_dev else "set to choose on"
    lost = len(rich.measures) - len(poor.measures)
    why = "; ".join(skipped)
    assert line == (
        f"{lost} measures left out, because only the {name} has them; of the other, {why}"
    )
    assert "8 cases have no two translations" in why
    assert "Ec→: some cases name no cue" in why


@pytest.mark.parametrize("poor_dev", [False, True])
def test_a_probe_of_sets_with_other_routes_comes_to_its_end_and_says_so(poor_dev: bool) -> None:
    dev, test = (bare(DEV), TEST) if poor_dev else (DEV, bare(TEST))
    said: list[str] = []
    spec = StudySpec("test", "dev", resamples=49, random_twins=1)
    found = probe_model(MODEL, dev, test, spec=spec, say=said.append)
    assert len(found.verdict.random) == 1
    (line,) = [line for line in found.problems if "measures left out" in line]
    assert line in to_text(found)
    assert said.index(line) == 2  # before anything slow
    assert {one.measure.route for one in found.by_route} == {"E→", "E←", "E↔"}


def test_sets_without_a_common_measure_are_refused() -> None:
    scores = score_routes(MODEL, place_cases(MODEL, DEV).placed)
    one, other = (
        RouteScores(
            replace(
                scores.scores,
                measures=(Measure(route, "raw"),),
                gold=scores.scores.gold[:1],
                distractor=scores.scores.distractor[:1],
            ),
            None,
            skipped,
        )
        for route, skipped in (("X", ()), ("E→", ("X: no translation",)))
    )
    refused = (
        r"1 measures .* and 1 of the reported one \(X: no translation\), none of them the same"
    )
    with pytest.raises(DataError, match=refused):
        in_common(one, other)
