"""Drawing cuts from a table: as often as their probabilities say, and never too long."""

import numpy as np
import pytest

from seq2seq.data.ragged import Ragged
from seq2seq.data.sampling import WordTable, append, sample_rows
from seq2seq.data.segmentation import Choices

EOS = 2
TABLE = WordTable.of(
    [
        Choices(((10,), (11, 12), (13, 14, 15)), (0.5, 0.3, 0.2)),
        Choices(((20,),), (1.0,)),
        Choices(((30, 31), (32, 33, 34)), (0.0, 1.0)),
    ]
)


def draw(rows, *, seed=0, limit=1000, may_cut=None):
    may_cut = np.zeros(len(rows), dtype=bool) if may_cut is None else np.array(may_cut)
    drawn = sample_rows(
        Ragged.of(rows), TABLE, np.random.default_rng(seed), eos_id=EOS, limit=limit,
        may_cut=may_cut,
    )  # fmt: skip
    return [drawn[row].tolist() for row in range(len(rows))]


def test_cuts_are_drawn_as_often_as_their_probabilities_say():
    drawn = draw([[0]] * 20_000)
    for cut, share in (([10], 0.5), ([11, 12], 0.3), ([13, 14, 15], 0.2)):
        assert drawn.count([*cut, EOS]) / 20_000 == pytest.approx(share, abs=0.015)


def test_words_of_a_row_keep_their_order_and_rows_their_place():
    for row in draw([[1, 2, 1], [], [2]], seed=3)[:1]:
        assert row == [20, 32, 33, 34, 20, EOS]
    assert draw([[1, 2, 1], [], [2]])[1:] == [[EOS], [32, 33, 34, EOS]]


def test_the_same_random_numbers_give_the_same_rows():
    rows = [[0, 0, 2, 0]] * 50
    assert draw(rows, seed=7) == draw(rows, seed=7)
    assert draw(rows, seed=7) != draw(rows, seed=8)


def test_a_row_that_comes_out_too_long_takes_its_plain_cut():
    rows = draw([[0, 0]] * 500, limit=4)
    assert max(map(len, rows)) == 4
    assert [10, 10, EOS] in rows
    assert draw([[2, 1]], limit=4) == [[30, 31, 20, EOS]]


def test_a_row_to_be_truncated_ends_at_the_limit_with_the_end_piece():
    assert draw([[1, 2, 1], [2]], limit=4, may_cut=[True, False]) == [
        [20, 32, 33, EOS],
        [32, 33, 34, EOS],
    ]


def test_a_plain_cut_elsewhere_does_not_shift_the_random_numbers_of_later_rows():
    free, bound = draw([[0, 0, 0]] * 300), draw([[0, 0, 0]] * 300, limit=6)
    short = [i for i, row in enumerate(free) if len(row) <= 6]
    assert 100 < len(short) < 300
    assert [bound[i] for i in short] == [free[i] for i in short]


def test_the_longest_possible_row_takes_the_longest_cut_of_each_word():
    assert TABLE.longest_row(Ragged.of([[0, 2], [1, 1, 1], []])) == 6


def test_a_value_is_appended_to_every_row_even_empty_ones():
    rows = append(Ragged.of([[1], [], [2, 3]]), 9)
    assert [rows[i].tolist() for i in range(3)] == [[1, 9], [9], [2, 3, 9]]
