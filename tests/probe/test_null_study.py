"""Shuffled labels are found at the nominal rate, and a test that ignores clusters is caught."""

import numpy as np
import pytest

from scripts.shuffle_labels import NullStudy, Unit, null_study
from seq2seq.errors import DataError
from seq2seq.probe.items.placement import place_cases
from seq2seq.probe.measures.routes import score_routes
from seq2seq.probe.measures.scores import Scores
from seq2seq.probe.statistics.selection import choose, evaluate
from tests.probe.planted_model import cases, planted_model
from tests.probe.planted_scores import confirmed, items_as_clusters, scores

ACCURACIES = (0.9, 0.2, *[0.5] * 22)  # two heads that do resolve; shuffling must undo them


def real(spread: float = 0.2) -> tuple[Scores, Scores]:
    rng = np.random.default_rng(0)
    return (
        scores(rng, accuracies=ACCURACIES, spread=spread, prefix="dev"),
        scores(rng, accuracies=ACCURACIES, spread=spread, prefix="test"),
    )


def nominal(study: NullStudy) -> bool:
    """Whether both rates agree with alpha, as far as so many runs can tell."""
    spans = (study.any_interval, study.chosen_interval)
    return all(span.low <= study.alpha <= span.high for span in spans)


@pytest.mark.parametrize("unit", ["cluster", "quad", "pair"])
def test_shuffled_labels_are_found_at_the_nominal_rate(unit: Unit) -> None:
    dev, test = real()
    assert confirmed(evaluate(choose(dev), test))
    study = null_study(dev, test, unit=unit)
    assert study.runs == 200
    assert nominal(study)
    # 99.8 % of Binomial(200, .05) lies between 2 and 20.
    assert 2 <= study.any_measure <= 20
    assert 2 <= study.chosen <= 20
    assert study.confirmed <= study.any_measure
    assert 0.55 < study.best_dev < 0.65  # what looking at 24 heads makes of chance


def test_scores_of_a_model_with_a_planted_head_hold_nothing_once_labels_are_shuffled() -> None:
    model = planted_model()
    dev, test = (
        score_routes(model, place_cases(model, cases(start=start, count=count)).placed).scores
        for start, count in ((0, 30), (30, 40))
    )
    assert confirmed(evaluate(choose(dev), test), 0.001)  # before the shuffle it is found
    study = null_study(dev, test, runs=100, flips=199)
    assert study.any_measure <= 13  # 99.9 % of Binomial(100, .05)
    assert study.chosen <= 13
    assert study.confirmed <= study.any_measure


def test_a_test_that_takes_items_for_independent_is_caught() -> None:
    dev, test = (items_as_clusters(given) for given in real(spread=0.5))
    study = null_study(dev, test, unit="quad", runs=60)
    assert study.any_measure > 30
    assert not nominal(study)


def test_a_seed_repeats() -> None:
    dev, test = real()
    first, again, other = (null_study(dev, test, runs=5, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_dev_and_test_must_hold_the_same_measures() -> None:
    dev, test = real()
    fewer = Scores(test.measures[2:3], test.layout, test.gold[2:3], test.distractor[2:3])
    with pytest.raises(DataError, match="was chosen on dev and is not among the 1 measures"):
        null_study(dev, fewer, runs=20)
