"""Pairs in a file: they come back whole, in chunks of equal size whatever was left out."""

import errno
import os
import sys
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data import pair_table
from seq2seq.data.pair_table import (
    CHUNK_ROWS,
    SCHEMA,
    OpenFile,
    PairTable,
    TableWriter,
    record_batches,
)
from seq2seq.errors import DataError

ROWS = [(f"source {n}", f"target\u2028 {n}") for n in range(2 * CHUNK_ROWS + 7)]


@pytest.fixture(scope="module")
def table() -> PairTable:
    return PairTable.write(record_batches(ROWS, SCHEMA), SCHEMA)


def test_rows_come_back_in_order_and_in_full_chunks(table):
    sizes = [batch.num_rows for batch in table.batches()]
    assert sizes == [CHUNK_ROWS, CHUNK_ROWS, 7]
    assert len(table) == len(ROWS)
    assert list(zip(table["source"], table["target"], strict=True)) == ROWS


def test_chosen_rows_come_in_full_chunks_too(table):
    """The hash of a corpus is one of its chunks, and must not tell where rows were dropped."""
    rows = np.array([n for n in range(len(ROWS)) if n % 5])
    chosen = table.select(rows)
    assert [batch.num_rows for batch in chosen.batches()] == [CHUNK_ROWS, len(rows) - CHUNK_ROWS]
    assert chosen["source"] == [ROWS[n][0] for n in rows]
    again = chosen.select(np.array([0, 0, 9_999, len(rows) - 1]))
    assert again["source"] == [ROWS[rows[n]][0] for n in (0, 0, 9_999, -1)]
    assert chosen.select(np.array([], dtype=np.int64))["source"] == []


def test_a_table_may_be_read_by_several_at_a_time(table):
    both = zip(table.batches(), table.select(np.arange(len(ROWS))).batches(), strict=True)
    assert all(one.equals(other) for one, other in both)


def test_context_comes_back_too():
    columns = {
        "source": ["a", "b"], "target": ["x", "y"], "source_context": [[], ["a"]],
        "target_context": [[], ["x"]], "document": [0, 0],
    }  # fmt: skip
    table = PairTable.of(columns)
    assert {name: table[name] for name in table.schema.names} == columns


def test_a_full_disk_is_said_with_its_folder(monkeypatch):
    class Full:
        def write_batch(self, batch: object) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(pair_table.pyarrow.ipc, "new_file", lambda *_: Full())
    with pytest.raises(DataError, match=r"/.*: the folder .*No space left.*set TMPDIR to a larger"):
        TableWriter(SCHEMA).write(None)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_not_said_again_when_the_file_goes(monkeypatch):
    told: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", told.append)
    file = OpenFile(Path("/dev/full").open("wb"))  # noqa: SIM115  # see OpenFile
    file.content.write(b"what is still to be written when it is closed")
    del file
    assert told == []
