"""A head's liking for a distance is found, and gives back a head that has nothing else."""

import numpy as np
import pytest

from seq2seq.probe.head_controls.habit import Habit, habit_of, habit_rows, uniform_rows

QUERIES = np.array([3, 1])
LENGTHS = np.array([4, 3])


def test_the_habit_is_the_mean_at_each_distance_over_real_keys() -> None:
    rows = np.array([[[0.1, 0.2, 0.3, 0.4], [0.5, 0.3, 0.2, 9.0]]])  # the 9 is padding
    habit = habit_of(rows, QUERIES, LENGTHS)
    assert habit.offsets.tolist() == [-3, -2, -1, 0, 1]
    assert habit.means[0] == pytest.approx([0.1, 0.2, (0.3 + 0.5) / 2, (0.4 + 0.3) / 2, 0.2])


def test_distances_that_never_occurred_are_between_their_neighbours() -> None:
    habit = Habit(np.array([-3, -1, 0]), np.array([[0.2, 0.6, 0.1]]))
    rows = habit_rows(habit, np.array([4, 2]), np.array([6, 3]))
    assert rows[0, 0] == pytest.approx([0.2, 0.2, 0.4, 0.6, 0.1, 0.1])
    assert rows[0, 1] == pytest.approx([0.4, 0.6, 0.1, 0, 0, 0])


def test_a_head_of_habit_is_given_back_and_one_that_reads_words_is_not() -> None:
    rng = np.random.default_rng(0)
    items, keys = 300, 12
    lengths = rng.integers(8, keys + 1, size=items)
    queries = rng.integers(4, 8, size=items)
    place = np.arange(keys)
    real = place < lengths[:, None]
    noun = rng.integers(0, 4, size=items)  # what the second head looks at
    habitual = np.exp(-np.abs(place - queries[:, None] + 2.0)) * real
    reading = (place == noun[:, None]) * 0.9
    rows = np.stack([habitual, reading])
    found = habit_rows(habit_of(rows[:, :150], queries[:150], lengths[:150]), queries, lengths)
    assert found[0] == pytest.approx(habitual)
    assert np.abs(found[1] - reading).max() > 0.3


def test_uniform_attention_sums_to_one_over_real_keys() -> None:
    rows = uniform_rows(LENGTHS)
    assert rows.sum(axis=1) == pytest.approx([1, 1])
    assert rows[1] == pytest.approx([1 / 3, 1 / 3, 1 / 3, 0])
