"""Arrays in files: whole or seen to be damaged, read in parts, in little memory."""

import errno
import os
import re
import stat
import tempfile
from pathlib import Path

import numpy as np
import pytest

from seq2seq.data import stored_arrays
from seq2seq.data.pair_table import OpenFile
from seq2seq.data.ragged import Ragged, RaggedFile, StoredRows
from seq2seq.data.stored_arrays import DamagedFile, StoredArray, read_arrays, write_arrays
from seq2seq.errors import DataError


def test_arrays_come_back_from_disk_mapped_and_of_the_same_type(tmp_path):
    arrays = {"a": np.arange(5, dtype=np.int32), "b": np.array([0.5, 2.0]), "c": np.arange(0)}
    write_arrays(tmp_path / "deep" / "x.arrow", arrays)
    found = read_arrays(tmp_path / "deep" / "x.arrow")
    for name, array in arrays.items():
        assert found[name].dtype == array.dtype
        mapped = np.asarray(found[name])
        assert mapped.tolist() == array.tolist()
        assert isinstance(mapped.base, np.memmap) == bool(len(array))
        ends = np.array([len(array), min(2, len(array))])
        parts = found[name].read(ends // 2, ends - ends // 2)
        assert parts.tolist() == [*array[ends[0] // 2 :], *array[1:2]]


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_writing_what_is_mapped_takes_no_memory_for_it(tmp_path, monkeypatch):
    file = RaggedFile()
    for part in range(8):
        file.write(Ragged.of([range(part, part + 1_000_000)]))
    rows = file.rows()
    before, taken = in_files(), []
    monkeypatch.setattr(stored_arrays.os, "fsync", lambda file: taken.append(in_files() - before))
    write_arrays(tmp_path / "x.arrow", {"values": rows.values, "offsets": rows.offsets})
    found = read_arrays(tmp_path / "x.arrow")
    assert max(*taken, in_files() - before) < 8_000  # of 32,000 kB
    places = slice(None, None, 999_999)
    assert np.asarray(found["values"])[places].tolist() == np.asarray(rows.values)[places].tolist()


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="needs Linux's /proc")
def test_rows_of_a_file_take_memory_for_themselves_alone(tmp_path):
    written = Ragged.of(range(row, row + 1000) for row in range(8_000))
    write_arrays(tmp_path / "x.arrow", {"values": written.values, "offsets": written.offsets})
    rows = StoredRows(**read_arrays(tmp_path / "x.arrow"))
    before = in_files()
    assert rows.lengths.tolist() == [1000] * 8_000
    for start in range(0, 8_000, 50):
        chosen = np.arange(start, start + 50)
        assert rows.take(chosen).values.tolist() == written.take(chosen).values.tolist()
    assert in_files() - before < 1_000  # of 32,000 kB


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
        monkeypatch.setattr(stored_arrays.os, "fsync", sync)
        write_arrays(path, {"a": np.arange(5)})
        sync(file)

    monkeypatch.setattr(stored_arrays.os, "fsync", sync_while_another_writes)
    write_arrays(path, {"a": np.arange(5)})
    found = read_arrays(path)
    assert np.asarray(found["a"]).tolist() == list(range(5))
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

    monkeypatch.setattr(stored_arrays.os, "fsync", no_space)
    with pytest.raises(OSError, match="No space left"):
        write_arrays(tmp_path / "x.arrow", {"a": np.arange(5)})
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_cut_while_it_is_in_use_is_refused(tmp_path):
    path = tmp_path / "x.arrow"
    write_arrays(path, {"a": np.arange(1000)})
    found = read_arrays(path)["a"]
    os.truncate(path, 100)
    with pytest.raises(
        DataError, match=r"x.arrow: cannot be read any more \(it ends before byte 7,672\)"
    ):
        found.read(np.array([10]), np.array([900]))


def test_a_file_without_a_name_that_cannot_be_read_is_told_by_its_folder():
    file = RaggedFile()
    file.write(Ragged.of([[1, 2], [3]]))
    rows = file.rows()
    rows.values.file.content.truncate(0)
    told = f"{tempfile.gettempdir()}: cannot be read any more (it ends before byte"
    with pytest.raises(DataError, match=re.escape(told)):
        rows.take(np.array([1]))


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's /proc")
def test_rows_that_were_written_hold_one_file_open_and_none_when_they_are_gone():
    opened = Path("/proc/self/fd")
    before = len(list(opened.iterdir()))
    file = RaggedFile()
    file.write(Ragged.of([[1, 2], [3]]))
    rows = file.rows()
    assert rows.lengths.tolist() == [2, 1]
    assert len(list(opened.iterdir())) == before + 1
    del file, rows
    assert len(list(opened.iterdir())) == before


def test_no_more_is_asked_of_the_system_at_once_than_it_gives(tmp_path, monkeypatch):
    path, read = tmp_path / "x.arrow", os.pread

    def refuse_much(file: int, size: int, place: int) -> bytes:
        if size > 99:
            raise OSError(errno.EINVAL, "Invalid argument")
        return read(file, size, place)

    write_arrays(path, {"a": np.arange(1000)})
    found = read_arrays(path)["a"]
    monkeypatch.setattr(stored_arrays, "AT_ONCE", 99)
    monkeypatch.setattr(stored_arrays.os, "pread", refuse_much)
    assert found.read(np.array([7]), np.array([900])).tolist() == list(range(7, 907))


def test_what_the_system_gives_in_pieces_comes_whole(tmp_path, monkeypatch):
    path, read = tmp_path / "x.arrow", os.pread
    write_arrays(path, {"a": np.arange(1000)})
    found = read_arrays(path)["a"]
    monkeypatch.setattr(stored_arrays.os, "pread", lambda file, n, at: read(file, min(n, 99), at))
    assert found.read(np.array([7]), np.array([900])).tolist() == list(range(7, 907))


def test_places_beyond_two_gigabytes_are_found_by_row_numbers_of_32_bits(tmp_path):
    with (tmp_path / "sparse").open("x+b") as file:
        file.seek(8 * 300_000_000)
        file.write(np.arange(3).data)
    array = StoredArray(OpenFile((tmp_path / "sparse").open("rb")), 0, np.int64, 300_000_003)
    start, length = np.array([300_000_001], dtype=np.int32), np.array([2], dtype=np.int32)
    assert array.read(start, length).tolist() == [1, 2]
