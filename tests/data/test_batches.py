"""The plan of an epoch: every pair once, within budget, for any number of processes."""

import itertools

import numpy as np
import pytest

from seq2seq.data import batches
from seq2seq.data.batches import collate, plan_batches, worst_batches
from seq2seq.data.ragged import Ragged
from seq2seq.errors import DataError
from tests.data.padding import padding_share


def lengths(count: int, *, seed: int, longest: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Lengths like those of captions: most around fourteen, the sides alike, a long tail."""
    random = np.random.default_rng(seed)
    source = random.gamma(8, 1.8, count) + 2
    target = source * random.normal(1, 0.15, count) + random.normal(0, 1, count)
    clipped = (np.clip(side.round(), 2, longest).astype(np.int64) for side in (source, target))
    source, target = clipped
    return source, target


def whole_plan(source, target, *, world_size, **settings):
    return [
        plan_batches(source, target, world_size=world_size, rank=rank, **settings)
        for rank in range(world_size)
    ]


@pytest.mark.parametrize("case", range(60))
def test_every_pair_is_in_one_batch_of_one_process_within_the_budget(case):
    random = np.random.default_rng(case)
    world_size = 1 + case % 8
    # two pairs fit any batch, so that there is always one to halve
    count = 1 if case == 0 else int(random.integers(2 * world_size + 2, 400))
    longest = int(random.integers(3, 80))
    source, target = random.integers(1, longest + 1, (2, count))
    budget = int(random.integers(longest * min(world_size, 2), 10 * longest))
    plans = whole_plan(
        source, target, world_size=world_size, batch_tokens=budget, seed=case, epoch=0
    )
    assert len({len(plan) for plan in plans}) == 1
    batches = [batch for plan in plans for batch in plan]
    assert sorted(np.concatenate(batches).tolist()) == list(range(count))
    for batch in batches:
        assert len(batch) > 0
        assert len(batch) * max(source[batch].max(), target[batch].max()) <= budget


def same(one, other) -> bool:
    return len(one) == len(other) and all(map(np.array_equal, one, other))


def test_the_plan_depends_on_seed_and_epoch_and_nothing_else():
    source, target = lengths(2000, seed=1)
    plan = plan_batches(source, target, batch_tokens=512, seed=1, epoch=3)
    np.random.seed(123)  # the global generator must not matter
    again = plan_batches(source.copy(), target.copy(), batch_tokens=512, seed=1, epoch=3)
    assert same(plan, again)
    assert not same(plan, plan_batches(source, target, batch_tokens=512, seed=1, epoch=4))
    assert not same(plan, plan_batches(source, target, batch_tokens=512, seed=2, epoch=3))


def test_epochs_differ_in_the_company_of_a_pair_and_not_only_in_the_order_of_batches():
    source, target = lengths(2000, seed=1)
    company = []
    for epoch in range(4):
        plan = plan_batches(source, target, batch_tokens=512, seed=1, epoch=epoch)
        company.append({frozenset(batch.tolist()) for batch in plan})
    for one, other in itertools.combinations(company, 2):
        assert len(one & other) < len(one) / 4


def test_batches_are_not_ordered_by_length():
    source, target = lengths(5000, seed=1)
    plan = plan_batches(source, target, batch_tokens=512, seed=1, epoch=0)
    means = np.array([source[batch].mean() for batch in plan])
    assert abs(np.corrcoef(means, np.arange(len(plan)))[0, 1]) < 0.2


def test_two_processes_walk_through_the_batches_of_one_side_by_side():
    source, target = lengths(3000, seed=7)
    settings = {"batch_tokens": 512, "seed": 1, "epoch": 0}
    alone = plan_batches(source, target, **settings)
    assert len(alone) % 2 == 0, "choose other lengths: the plans are equal only for even numbers"
    first, second = whole_plan(source, target, world_size=2, **settings)
    woven = [batch for both in zip(first, second, strict=True) for batch in both]
    assert same(alone, woven)


def test_captions_lose_at_most_three_percent_to_padding():
    source, target = lengths(29_000, seed=1)
    plan = plan_batches(source, target, batch_tokens=2048, seed=1, epoch=0)
    assert padding_share(plan, source, target) < 0.03
    fill = [len(b) * max(source[b].max(), target[b].max()) / 2048 for b in plan]
    assert np.mean(fill) > 0.9


@pytest.mark.parametrize(("batch_tokens", "multiple"), [(2048, 16), (1024, 8), (512, 4)])
def test_batches_have_few_shapes_where_the_budget_leaves_a_choice(batch_tokens, multiple):
    """A tenth of 170 pairs always holds a multiple of 16, one of 85 of 8; the last is a rest."""
    source, target = lengths(29_000, seed=1)
    short = (source <= 12) & (target <= 12)
    plan = plan_batches(source[short], target[short], batch_tokens=batch_tokens, seed=1, epoch=0)
    assert sum(len(batch) % multiple != 0 for batch in plan) <= 1


def test_padding_share_of_a_hand_worked_plan():
    source, target = np.array([2, 4, 3]), np.array([1, 1, 3])
    # rectangles 2x4 + 2x1 and 1x3 + 1x3: sixteen places, fourteen filled
    share = padding_share([np.array([0, 1]), np.array([2])], source, target)
    assert share == pytest.approx(2 / 16)


def test_the_worst_batches_are_those_of_most_pieces_and_of_the_longest_sides():
    source, target = np.array([9, 2, 2, 5, 7, 7, 1]), np.array([1, 6, 6, 5, 7, 7, 9])
    plan = [np.array(rows) for rows in ([0], [1, 2], [3], [4, 5], [6])]
    areas, of_sources, of_targets = (list(batch) for batch in worst_batches(plan, source, target))
    assert areas == [4, 5]  # 28 pieces; the others 10, 16, 10 and 10
    assert of_sources == [4, 5]  # 98; the others 81, 8, 25 and 1
    assert of_targets == [4, 5]  # 196; the others 10, 96, 50 and 90
    del plan[3]
    found = [batch.tolist() for batch in worst_batches(plan, source, target)]
    assert found == [[1, 2], [0], [1, 2]]
    del plan[1]
    assert worst_batches(plan, source, target)[2].tolist() == [6]


def test_a_pair_larger_than_the_budget_is_named_with_its_lengths():
    message = r"pair 2 has 5 source and 40 target pieces, more than train.batch_tokens = 32.*1 such"
    with pytest.raises(DataError, match=message):
        plan_batches(np.array([3, 5]), np.array([3, 40]), batch_tokens=32, seed=1, epoch=0)


def test_fewer_pairs_than_processes_are_refused():
    with pytest.raises(DataError, match="2 pairs cannot feed 3 processes"):
        plan_batches(
            np.array([3, 5]), np.array([3, 4]), batch_tokens=32, seed=1, epoch=0, world_size=3
        )


def test_single_pairs_that_cannot_be_shared_evenly_are_refused():
    even = np.array([4, 4, 4, 4, 4])
    with pytest.raises(DataError, match=r"5 pairs, each a batch of its own.* by 3 processes"):
        plan_batches(even, even, batch_tokens=4, seed=1, epoch=0, world_size=3)


def test_pairs_are_sorted_by_both_lengths_and_ties_are_shuffled(monkeypatch):
    """Against a sort by two keys, few pairs at a time or all at once."""
    monkeypatch.setattr(batches, "ROWS_AT_ONCE", 7)
    for seed in range(20):
        source, target = lengths(50 + seed, seed=seed, longest=12)
        random = np.random.default_rng(seed)
        start = random.permutation(len(source))
        longer, difference = np.maximum(source, target)[start], (source - target)[start]
        signs = np.where((longer + random.integers(2)) % 2, 1, -1)
        expected = start[np.lexsort((signs * difference, longer))]
        order = batches._sort_with_noise(source, target, np.random.default_rng(seed))
        assert order.tolist() == expected.tolist()


def test_lengths_too_large_for_one_number_are_refused():
    most = np.full(2, 2**31 - 1, dtype=np.int32)
    with pytest.raises(DataError, match=r"2 pairs of up to 2,147,483,647 pieces are too many"):
        plan_batches(most, most, batch_tokens=2**31, seed=1, epoch=0)


def test_a_rank_outside_the_world_is_a_fault_of_the_caller():
    with pytest.raises(ValueError, match="rank 2 of 2"):
        plan_batches(
            np.array([3, 5]), np.array([3, 4]), batch_tokens=32, seed=1, epoch=0, world_size=2,
            rank=2,
        )  # fmt: skip


def test_collate_pads_on_the_right_and_counts_real_pieces():
    batch = collate(Ragged.of([[5, 6, 2], [8, 2]]), Ragged.of([[7, 2], [9, 9, 9, 2]]), 1)
    assert batch.source_ids.tolist() == [[5, 6, 2], [8, 2, 1]]
    assert batch.source_mask is not None
    assert batch.source_mask.tolist() == [[True, True, True], [True, True, False]]
    assert batch.target_ids.tolist() == [[7, 2, 1, 1], [9, 9, 9, 2]]
    assert (batch.source_tokens, batch.target_tokens, batch.padded_tokens) == (5, 6, 14)


def test_collate_leaves_the_mask_out_where_no_source_is_padded():
    batch = collate(Ragged.of([[5, 2], [1, 2]]), Ragged.of([[2], [7, 2]]), 1)
    assert batch.source_mask is None
