"""Rows of unequal length in flat arrays, in memory and on disk."""

import errno
import os
import re
import stat
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data import ragged
from seq2seq.data.ragged import (
    DamagedFile,
    Ragged,
    RaggedFile,
    Rows,
    chained,
    concatenate,
    read_arrays,
    write_arrays,
)

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
    assert np.shares_memory(view[0], base.values)
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


@pytest.mark.parametrize("rows", [ROWS, [[], []], []])
def test_rows_written_in_parts_are_mapped_from_a_file(rows):
    with RaggedFile() as file:
        for start in range(0, len(rows), 3):
            file.write(Ragged.of(rows[start : start + 3]))
        found = file.rows()
    assert lists(found) == rows
    assert isinstance(found.values, np.memmap) == (rows == ROWS)


def test_arrays_come_back_from_disk_mapped_and_of_the_same_type(tmp_path):
    arrays = {"a": np.arange(5, dtype=np.int32), "b": np.array([0.5, 2.0]), "c": np.arange(0)}
    write_arrays(tmp_path / "deep" / "x.arrow", arrays)
    found = read_arrays(tmp_path / "deep" / "x.arrow")
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        assert found[name].tolist() == array.tolist()
        assert not found[name].flags.owndata


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_writing_what_is_mapped_takes_no_memory_for_it(tmp_path):
    with RaggedFile() as file:
        for part in range(8):
            file.write(Ragged.of([range(part, part + 1_000_000)]))
        rows = file.rows()
    before = in_files()
    write_arrays(tmp_path / "x.arrow", {"values": rows.values, "offsets": rows.offsets})
    found = read_arrays(tmp_path / "x.arrow")
    assert in_files() - before < 8_000  # of 32,000 kB
    assert found["values"][::999_999].tolist() == rows.values[::999_999].tolist()


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_taking_rows_of_what_is_mapped_takes_memory_for_them_alone(tmp_path):
    written = Ragged.of([range(row, row + 1000) for row in range(8_000)])
    write_arrays(tmp_path / "x.arrow", {"values": written.values, "offsets": written.offsets})
    rows = Ragged(**read_arrays(tmp_path / "x.arrow"))
    before = in_files()
    assert rows.lengths.tolist() == [1000] * 8_000
    for start in range(0, 8_000, 50):
        taken = rows.take(np.arange(start, start + 50))
        assert taken.values.tolist() == written.take(np.arange(start, start + 50)).values.tolist()
    assert in_files() - before < 2_000  # of 32,000 kB


def in_files() -> int:
    """Pages of mapped files in memory, in kB."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(re.search(r"RssFile:\s+(\d+)", status)[1])


def test_a_missing_file_is_not_found_and_a_cut_one_is_damaged(tmp_path):
    path = tmp_path / "x.arrow"
    with pytest.raises(FileNotFoundError):
        read_arrays(path)
    write_arrays(path, {"a": np.arange(1000)})
    whole = path.read_bytes()
    for length in (0, 1, 32, 100, len(whole) - 100, len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(DamagedFile, match="does not have the hash that was saved with it"):
            read_arrays(path)


def test_writers_of_one_file_with_equal_process_numbers_do_not_collide(tmp_path, monkeypatch):
    path, sync = tmp_path / "x.arrow", os.fsync

    def sync_while_another_writes(file: int) -> None:
        monkeypatch.setattr(ragged.os, "fsync", sync)
        write_arrays(path, {"a": np.arange(5)})
        sync(file)

    monkeypatch.setattr(ragged.os, "fsync", sync_while_another_writes)
    write_arrays(path, {"a": np.arange(5)})
    found = read_arrays(path)
    assert found["a"].tolist() == list(range(5))
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o002, 0o664), (0o077, 0o600)])
def test_who_may_read_a_file_is_what_the_mask_of_the_process_says(tmp_path, mask, mode):
    before = os.umask(mask)
    try:
        write_arrays(tmp_path / "x.arrow", {"a": np.arange(5)})
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x.arrow").stat().st_mode) == mode


def test_a_write_that_fails_leaves_nothing_behind(tmp_path, monkeypatch):
    def no_space(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(ragged.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_arrays(tmp_path / "x.arrow", {"a": np.arange(5)})
    assert list(tmp_path.iterdir()) == []
