"""Files of segments: what ends a line, what is read from packed files, what is refused."""

import gzip
import io
import re
from pathlib import Path

import pytest
import zstandard

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines, read_lines


def write(folder: Path, content: bytes, *, name: str = "text.txt") -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("content", "lines"),
    [
        (b"", []),
        (b"\n", [""]),
        (b"one\ntwo\n", ["one", "two"]),
        (b"one\ntwo", ["one", "two"]),
        (b"one\n\n\ntwo\n\n", ["one", "", "", "two", ""]),
        (b"one\r\ntwo\r\n", ["one", "two"]),
        (b"  one \t\n", ["  one \t"]),
        (b"\xef\xbb\xbfone\n\xef\xbb\xbftwo\n", ["one", "\ufefftwo"]),
    ],
)
def test_every_line_is_kept_as_written(tmp_path: Path, content: bytes, lines: list[str]) -> None:
    assert read_lines(write(tmp_path, content)) == lines


@pytest.mark.parametrize("character", ["\u2028", "\u2029", "\x85", "\x0b", "\x0c", "\x1e", "\r"])
def test_only_a_line_feed_ends_a_line(tmp_path: Path, character: str) -> None:
    text = f"one{character}still one"
    assert len(text.splitlines()) == 2  # what must not be used
    assert read_lines(write(tmp_path, f"{text}\ntwo\n".encode())) == [text, "two"]


def test_packed_files_give_the_lines_of_the_plain_one(tmp_path: Path) -> None:
    content = "über\u2028uns\n\nzwei\n".encode()
    frames = zstandard.compress(content[:7]) + zstandard.compress(content[7:])
    plain = read_lines(write(tmp_path, content))
    assert plain == ["über\u2028uns", "", "zwei"]
    assert read_lines(write(tmp_path, gzip.compress(content), name="a.gz")) == plain
    assert read_lines(write(tmp_path, zstandard.compress(content), name="a.zst")) == plain
    assert read_lines(write(tmp_path, frames, name="two-frames.zst")) == plain


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    lines = iterate_lines(write(tmp_path, b"one\n\xff\n"))
    assert next(lines) == "one"  # the damage on line 2 has not been met yet
    with pytest.raises(DataError, match="line 2"):
        next(lines)


def test_bytes_that_are_not_utf8_are_named_with_file_line_and_position(tmp_path: Path) -> None:
    path = write(tmp_path, "gut\nschön\n".encode("latin-1"))
    expected = f"{path}: line 2: byte 0xf6 at position 4 is not UTF-8, needed UTF-8 text; convert"
    with pytest.raises(DataError, match=re.escape(expected)):
        read_lines(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"gone\.txt: no such file, needed a text file"):
        read_lines(tmp_path / "gone.txt")


def test_standard_input_is_what_is_left_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.BytesIO(b"first\nzweite Zeile\r\nthird")
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(stream))
    stream.readline()  # as a shell's `read` does
    assert read_lines("-") == ["zweite Zeile", "third"]
    assert not stream.closed
    monkeypatch.setattr("sys.stdin", None)
    with pytest.raises(DataError, match="standard input: it is closed, needed text"):
        read_lines("-")


def test_a_path_through_a_file_is_named(tmp_path: Path) -> None:
    inner = write(tmp_path, b"text") / "inner"
    with pytest.raises(DataError, match="inner: Not a directory, needed a text file"):
        read_lines(inner)


def test_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="a folder, needed a text file"):
        read_lines(tmp_path)


def test_a_file_without_read_permission_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: Path, mode: str) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "open", refuse)  # the superuser may read everything
    with pytest.raises(DataError, match="not readable by you, needed read permission"):
        read_lines(tmp_path / "text.txt")


@pytest.mark.parametrize(
    ("name", "kind", "pack"),
    [("a.gz", "gzip", gzip.compress), ("a.zst", "Zstandard", zstandard.compress)],
)
def test_a_packed_file_that_is_cut_short_or_not_packed_is_refused(
    tmp_path: Path, name: str, kind: str, pack: object
) -> None:
    assert callable(pack)
    whole = pack("\n".join(map(str, range(10_000))).encode())
    for content in (whole[: len(whole) // 2], whole[:-1], b"plain text\n"):
        with pytest.raises(DataError, match=rf"{re.escape(name)}: not a whole {kind} file"):
            read_lines(write(tmp_path, content, name=name))
