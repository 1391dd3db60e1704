"""What is chosen on dev is found on test if it is there, and is not if it is not."""

from dataclasses import replace

import numpy as np
import pytest

from seq2seq.errors import DataError
from seq2seq.probe.measures.accuracy import items_right
from seq2seq.probe.measures.scores import Measure, Scores, relabelled
from seq2seq.probe.statistics.selection import Choice, choose, evaluate, findings
from tests.probe.planted_scores import CLUSTER, confirmed, heads, layout, scores

PLANTED = 5
NULL = (0.5,) * 48
REPETITIONS = 200


def planted(accuracy: float, count: int = 24) -> list[float]:
    return [accuracy if head == PLANTED else 0.5 for head in range(count)]


def exchanged(given: Scores, rng: np.random.Generator) -> Scores:
    """The shuffled twin: in each cluster both nouns are exchanged, or not."""
    keep = np.repeat(rng.integers(2, size=len(given.layout.ids) // CLUSTER) == 1, CLUSTER)
    return relabelled(given, keep)


@pytest.mark.parametrize(("accuracy", "sign"), [(0.7, 1), (0.3, -1)])
def test_a_planted_head_is_chosen_and_confirmed_nearly_always(accuracy: float, sign: int) -> None:
    rng = np.random.default_rng(0)
    finds = 0
    for _ in range(REPETITIONS // 2):
        dev, test = (scores(rng, accuracies=planted(accuracy), prefix=p) for p in ("dev", "test"))
        choice = choose(dev)
        finding = evaluate(choice, test, resamples=199)
        right_one = choice.measure == heads(24)[PLANTED] and choice.sign == sign
        finds += right_one and confirmed(finding) and finding.interval.low > 0.5
    assert finds / (REPETITIONS // 2) >= 0.95


def test_the_shuffled_twin_is_found_at_the_nominal_rate() -> None:
    rng = np.random.default_rng(1)
    alone = finds = 0
    for _ in range(REPETITIONS):
        dev, test = (
            exchanged(scores(rng, accuracies=planted(0.7), prefix=p), rng) for p in ("dev", "test")
        )
        finding = evaluate(choose(dev), test, resamples=199)
        alone += finding.p <= 0.05
        finds += confirmed(finding)
    # 99.8 % of Binomial(200, .05) lies between 2 and 20, and of (200, .025) below 14: a choice was
    # frozen before, so its p counts no other head, and half of what chance does is the wrong way.
    assert 2 <= alone <= 20
    assert finds <= 13


def test_the_choice_is_the_measure_furthest_from_half_on_either_side() -> None:
    given = scores(np.random.default_rng(3), accuracies=[0.5, 0.62, 0.25, 0.5, 0.5, 0.5])
    choice = choose(given)
    accuracy = items_right(given.gold, given.distractor).mean(axis=1)
    assert choice == Choice(given.measures[2], -1, pytest.approx(1 - accuracy[2]))


def test_the_choice_is_the_same_in_32_bits() -> None:
    given = scores(np.random.default_rng(3), accuracies=[0.5, 0.62, 0.25, 0.5])
    narrow = replace(
        given,
        gold=given.gold.astype(np.float32),
        distractor=given.distractor.astype(np.float32),
    )
    assert choose(narrow).measure == choose(given).measure == given.measures[2]


def test_of_equals_the_first_is_chosen() -> None:
    right = np.ones((3, 16))
    same = Scores(heads(3), layout(2), np.stack([0 * right[0], *right[1:]]), 1 - right)
    assert choose(replace(same, gold=1 + same.gold)).measure == heads(3)[0]
    assert choose(same) == Choice(heads(3)[1], 1, 1)


def test_every_figure_of_a_finding_worked_by_hand() -> None:
    gold = np.array([[0.75] * 8 + [0.75, 0.25] * 4])  # all right, then always the first noun
    given = Scores(heads(1), layout(2), gold, 1 - gold)
    (found,) = findings(given)
    assert (found.items, found.pairs, found.quads, found.clusters) == (16, 8, 4, 2)
    assert (found.accuracy, found.pair, found.quad, found.swap) == (0.75, 0.5, 0.5, 0.5)
    assert (found.interval.low, found.interval.high) == (0.5, 1)
    assert found.pair_interval is not None
    assert (found.pair_interval.low, found.pair_interval.high) == (0, 1)
    assert found.margin == pytest.approx(0.25)
    assert found.mass == pytest.approx(0.625)
    assert found.auc == pytest.approx(0.75)
    assert found.p == found.p_fwer == found.q_bh == pytest.approx(1, abs=0.01)
    assert found.selectivity is None


def test_with_the_other_sign_the_other_noun_counts_as_right() -> None:
    given = scores(np.random.default_rng(4), accuracies=planted(0.25, count=12))
    plain = findings(given)[PLANTED]
    turned = evaluate(Choice(plain.measure, -1, 0.7), given)
    assert turned.accuracy == pytest.approx(1 - plain.accuracy)
    assert turned.interval.low == pytest.approx(1 - plain.interval.high)
    assert turned.margin == pytest.approx(-plain.margin)
    assert turned.auc == pytest.approx(1 - (plain.auc or 0))
    assert turned.p == plain.p
    assert (turned.p_fwer, turned.q_bh) == (None, None), "it was fixed before"
    assert turned.swap == plain.swap
    assert turned.pair == pytest.approx(
        (1 - items_right(given.gold, given.distractor)[PLANTED])[given.layout.pairs]
        .all(axis=1)
        .mean()
    )
    assert confirmed(turned)
    assert not confirmed(plain)


def test_a_frozen_choice_is_confirmed_by_its_own_p_which_agrees_with_its_interval() -> None:
    given = scores(np.random.default_rng(4), accuracies=planted(0.6))
    among = findings(given)[PLANTED]
    alone = evaluate(Choice(among.measure, 1, 0.6), given)
    assert (alone.p, alone.interval) == (among.p, among.interval)
    assert among.p_fwer is not None
    assert alone.p < 0.05 < among.p_fwer
    assert alone.interval.low > 0.5
    assert confirmed(alone)
    assert not confirmed(replace(alone, p=0.06))


def test_a_new_label_moves_gold_and_leaves_every_noun_its_score() -> None:
    given = scores(np.random.default_rng(11), accuracies=NULL, clusters=2)
    keep = np.arange(16) % 3 == 0
    turned = relabelled(given, keep)
    assert (turned.gold[:, keep] == given.gold[:, keep]).all()
    assert (turned.gold[:, ~keep] == given.distractor[:, ~keep]).all()
    ours, theirs = (
        np.where(each.layout.gold_first, each.gold, each.distractor) for each in (given, turned)
    )
    assert (ours == theirs).all()


def test_a_head_that_only_likes_a_place_has_half_the_items_and_no_pair() -> None:
    found = findings(scores(np.random.default_rng(5), accuracies=NULL))[-3]
    assert (found.accuracy, found.pair, found.quad, found.swap) == (0.5, 0, 0, 0)
    assert found.p == found.p_fwer == 1


@pytest.mark.parametrize("control", [0.6, 0.4])
def test_selectivity_is_what_a_control_does_not_reach_on_either_side(control: float) -> None:
    given = scores(np.random.default_rng(6), accuracies=planted(0.7, count=12))
    found = evaluate(choose(given), given, control=control)
    assert found.selectivity == pytest.approx(found.accuracy - 0.6)


def test_a_choice_that_test_does_not_hold_is_refused() -> None:
    given = scores(np.random.default_rng(7), accuracies=NULL)
    message = r"variant='norm'.* was chosen on dev and is not among the 48 measures of test"
    with pytest.raises(DataError, match=message):
        evaluate(Choice(Measure("E→", "norm"), 1, 0.7), given)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gold": np.zeros((2, 16)), "distractor": np.zeros((2, 16))},
         r"\(2, 16\) and \(2, 16\) for 3 measures of 16 items, needed as many"),
        ({"measures": heads(2) + heads(1)}, r"head=0\) stands twice, needed each measure once"),
        ({"gold": np.where(np.arange(48).reshape(3, 16) == 20, np.nan, 0.0)},
         r"1 of 3 measures have scores that are no numbers \(first: .*layer=0, head=1"),
    ],
)  # fmt: skip
def test_scores_that_would_be_misread_are_refused(
    change: dict[str, np.ndarray], message: str
) -> None:
    given = Scores(heads(3), layout(2), np.zeros((3, 16)), np.zeros((3, 16)))
    with pytest.raises(DataError, match=message):
        replace(given, **change)


def test_sets_without_pairs_have_no_pair_figures() -> None:
    given = scores(np.random.default_rng(10), accuracies=NULL)
    none = np.zeros((0, 2), dtype=int)
    alone = replace(given, layout=replace(given.layout, pairs=none, quads=none.reshape(0, 4)))
    found = findings(alone)[0]
    assert (found.pair, found.pair_interval, found.quad, found.swap) == (None, None, None, None)


def test_pairs_of_one_cluster_have_no_share_and_stop_nothing() -> None:
    given = scores(np.random.default_rng(10), accuracies=NULL)
    one = replace(given.layout, pairs=given.layout.pairs[:2], quads=given.layout.quads[:1])
    found = findings(replace(given, layout=one))[0]
    assert (found.pairs, found.pair, found.pair_interval, found.quad) == (2, None, None, None)
    two = replace(given.layout, pairs=given.layout.pairs[[0, -1]])
    assert findings(replace(given, layout=two))[0].pair is not None
