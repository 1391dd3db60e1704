"""Rows of unequal length in flat arrays, in memory and on disk."""

import numpy as np
import pytest

from seq2seq.data.ragged import Ragged, RaggedFile, Rows, chained, concatenate

ROWS = [[1, 2, 3], [], [4], [5, 6]]


def lists(ragged: Rows) -> list[list[int]]:
    return [ragged[row].tolist() for row in range(len(ragged))]


def test_rows_come_back_as_they_went_in():
    ragged = Ragged.of(ROWS)
    assert lists(ragged) == ROWS
    assert ragged.lengths.tolist() == [3, 0, 1, 2]
    assert lists(Ragged.of([])) == []


def test_taking_rows_follows_the_order_asked_for_and_repeats():
    assert lists(Ragged.of(ROWS).take(np.array([3, 1, 0, 3]))) == [[5, 6], [], [1, 2, 3], [5, 6]]


def test_cutting_shortens_long_rows_alone():
    assert lists(Ragged.of(ROWS).cut(2)) == [[1, 2], [], [4], [5, 6]]


def test_concatenated_parts_stand_one_after_another():
    part = Ragged.of(ROWS)
    assert lists(concatenate([part, part.cut(1)])) == [*ROWS, [1], [], [4], [5]]


def test_a_view_shows_rows_that_stay_where_they_are():
    base = Ragged.of(ROWS)
    view = base.view(np.array([3, 0, 0, 1]))
    assert lists(view) == [[5, 6], [1, 2, 3], [1, 2, 3], []]
    assert view.lengths.tolist() == [2, 3, 3, 0]
    assert lists(view.view(np.array([2, 0]))) == [[1, 2, 3], [5, 6]]
    assert lists(view.take(np.array([3, 1]))) == [[], [1, 2, 3]]


def test_a_view_ends_rows_over_its_limit_and_leaves_the_others_and_the_base_alone():
    base = Ragged.of(ROWS)
    view = base.view(np.array([0, 3, 2]), 2, 9)
    assert lists(view) == lists(view.take(np.arange(3))) == [[1, 9], [5, 6], [4]]
    assert view.lengths.tolist() == [2, 2, 1]
    assert lists(view.view(np.array([1, 0]))) == [[5, 6], [1, 9]]
    assert lists(base) == ROWS


def test_chained_parts_stand_one_after_another_and_one_alone_is_itself():
    part = Ragged.of(ROWS)
    both = chained([part, Ragged.of([]), part.view(np.array([2, 0])), part])
    assert lists(both) == [*ROWS, [4], [1, 2, 3], *ROWS]
    assert both.lengths.tolist() == [3, 0, 1, 2, 1, 3, 3, 0, 1, 2]
    assert lists(both.take(np.array([9, 0, 4, 5, 9, 1]))) == [
        [5, 6],
        [1, 2, 3],
        [4],
        [1, 2, 3],
        [5, 6],
        [],
    ]
    assert chained([part]) is part


@pytest.mark.parametrize("rows", [ROWS, [[1, 2], [3]], [[], []], []])
def test_rows_written_in_parts_are_read_from_a_file(rows):
    file = RaggedFile()
    for start in range(0, len(rows), 3):
        file.write(Ragged.of(rows[start : start + 3]))
    found = file.rows()
    assert lists(found) == lists(found.take(np.arange(len(rows)))) == rows
    assert found.lengths.tolist() == [len(row) for row in rows]
    assert np.asarray(found.offsets).flags.aligned


def test_rows_are_read_from_a_file_in_any_order():
    """Against the same rows in memory: runs, runs backwards, repeated, none."""
    random = np.random.default_rng(4)
    written = Ragged.of(random.integers(0, 99, random.integers(0, 4)) for _ in range(40))
    file = RaggedFile()
    file.write(written)
    stored = file.rows()
    for _ in range(200):
        start = random.integers(0, 40, random.integers(0, 6))
        runs = [np.arange(s, min(40, s + random.integers(0, 5))) for s in start]
        rows = np.concatenate([np.empty(0, dtype=np.int64), *runs])
        rows = rows[::-1] if random.random() < 0.3 else rows
        assert lists(stored.take(rows)) == lists(written.take(rows))
