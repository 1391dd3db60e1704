"""Duplicates are found over all chunks, however they are grouped for sorting."""

import random

import numpy as np
import pytest

from seq2seq.data import judge
from seq2seq.data.judge import repeated


@pytest.mark.parametrize("at_once", [1 << 19, 64, 1])
def test_every_row_but_the_first_of_its_kind_is_repeated(at_once, monkeypatch):
    monkeypatch.setattr(judge, "SORTED_AT_ONCE", at_once)
    drawn = random.Random(1)
    # equal in one half only is another row
    rows = [(drawn.randrange(12), drawn.randrange(12)) for _ in range(300)]
    digests = np.array(rows, dtype=np.uint64)
    wanted = [row in rows[:place] for place, row in enumerate(rows)]
    assert any(wanted)
    assert not all(wanted)
    assert repeated([digests[:100], digests[100:]]).tolist() == wanted


def test_rows_that_differ_are_never_repeated():
    digests = np.stack([np.zeros(50), np.arange(50)], axis=1).astype(np.uint64)
    assert not repeated([digests]).any()
