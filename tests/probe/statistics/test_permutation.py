"""Sign flips agree with every flip counted, false finds come at the nominal rate."""

from itertools import product

import numpy as np
import pytest

from seq2seq.errors import DataError
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.statistics.permutation import exact_mcnemar, max_t_sign_flip
from tests.probe.planted_scores import scores

EACH = [str(n) for n in range(8)]
ONE = np.array([0.3, -0.1, 0.5, 0.2, 0.4, -0.2, 0.6, 0.1])


def counted(effects: np.ndarray) -> tuple[list[float], list[float]]:
    """Both p-values from all flips of eight clusters, written out."""
    scaled = effects / np.sqrt((effects**2).sum(axis=1, keepdims=True))
    observed = [abs(sum(row)) for row in scaled]
    flips = [
        [abs(sum(s * x for s, x in zip(signs, row, strict=True))) for row in scaled]
        for signs in product([1, -1], repeat=8)
    ]
    alone = [np.mean([f[m] >= observed[m] - 1e-9 for f in flips]) for m in range(len(effects))]
    best = [np.mean([max(f) >= o - 1e-9 for f in flips]) for o in observed]
    return [float(p) for p in alone], [float(p) for p in best]


def test_p_values_are_those_of_all_flips_counted() -> None:
    effects = np.stack([ONE, -np.roll(ONE, 3) + 0.1, np.array([0.5, -0.5] * 4)])
    found = max_t_sign_flip(effects, EACH, flips=40_000)
    alone, best = counted(effects)
    # scipy.stats.permutation_test((ONE, zeros), mean difference, permutation_type="samples")
    assert alone[0] == 0.0859375
    assert found.p == pytest.approx(alone, abs=0.01)
    assert found.p_fwer == pytest.approx(best, abs=0.01)
    assert (found.p_fwer >= found.p).all()


def test_a_measure_that_is_always_wrong_is_found_and_one_without_effect_is_not() -> None:
    effects = np.stack([np.full(8, -0.5), np.zeros(8)])
    found = max_t_sign_flip(effects, EACH, flips=20_000)
    assert found.p[0] == pytest.approx(2 / 256, abs=0.003)
    assert found.p.tolist()[1] == found.p_fwer.tolist()[1] == 1


def test_signs_are_flipped_by_cluster_so_that_few_clusters_prove_little() -> None:
    effects = np.full((1, 400), 0.5)
    clusters = [str(row // 100) for row in range(400)]
    assert max_t_sign_flip(effects, clusters).p[0] == pytest.approx(2 / 2**4, abs=0.01)


def test_looking_at_a_copy_costs_nothing_and_looking_at_others_does() -> None:
    rng = np.random.default_rng(0)
    clusters = [str(row // 4) for row in range(400)]
    one = rng.choice([-0.5, 0.5], p=[0.45, 0.55], size=(1, 400))
    others = rng.choice([-0.5, 0.5], size=(50, 400))
    alone = max_t_sign_flip(one, clusters)
    copied = max_t_sign_flip(np.repeat(one, 51, axis=0), clusters)
    among = max_t_sign_flip(np.concatenate([one, others]), clusters)
    assert copied.p_fwer[0] == alone.p_fwer[0] == alone.p[0] == among.p[0]
    assert among.p_fwer[0] > 5 * alone.p[0]


def test_a_measure_in_few_items_is_not_drowned_by_one_in_many() -> None:
    rng = np.random.default_rng(1)
    small = np.where(np.arange(400) < 40, 0.5, 0)  # decided in a tenth of the items, always right
    loud = 100 * rng.choice([-1.0, 1.0], size=(5, 400))
    found = max_t_sign_flip(np.concatenate([small[None], loud]), [str(n) for n in range(400)])
    assert found.p_fwer[0] < 0.001


def test_a_seed_repeats() -> None:
    first, again, other = (max_t_sign_flip(ONE[None], EACH, flips=999, seed=s) for s in (1, 1, 2))
    assert first.p.tolist() == again.p.tolist() != other.p.tolist()


@pytest.mark.parametrize(("each", "low", "high"), [(8, 2, 20), (1, 60, 200)])
def test_false_finds_among_heads_at_chance_come_at_the_nominal_rate_if_clusters_are_known(
    each: int, low: int, high: int
) -> None:
    # 99.8 % of Binomial(200, .05) lies between 2 and 20; who ignores the clusters finds far more.
    rng = np.random.default_rng(2)
    found = 0
    for _ in range(200):
        given = scores(rng, accuracies=[0.5] * 24)
        effects = items_right(given.gold, given.distractor) - 0.5
        clusters = [str(row // each) for row in range(effects.shape[1])]
        found += max_t_sign_flip(effects, clusters, flips=199).p_fwer.min() <= 0.05
    assert low <= found <= high


def test_items_without_clusters_are_refused() -> None:
    with pytest.raises(DataError, match="8 of 8 items have none"):
        max_t_sign_flip(ONE[None], [""] * 8)


def test_mcnemar_is_the_binomial_test_of_the_units_that_differ() -> None:
    # By hand: 2 * (1 + 15 + 105 + 455) / 2 ** 15
    one = np.array([True] * 12 + [False] * 3 + [True] * 50)
    other = np.array([False] * 12 + [True] * 3 + [True] * 50)
    assert exact_mcnemar(one, other) == exact_mcnemar(other, one) == 0.03515625
    assert exact_mcnemar(one, one) == 1
    assert exact_mcnemar(np.arange(14) < 7, np.arange(14) >= 7) == 1
