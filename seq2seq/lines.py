"""Text files that hold one segment a line: plain, gzip (``.gz``) or Zstandard (``.zst``).

Only the line feed ends a line. Python's own text mode and ``str.splitlines`` also break at a
lone carriage return, U+0085 and U+2028, which real corpora contain: one such character shifts
every later line, and two files that were parallel no longer are.
"""

import gzip
import io
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from seq2seq.errors import DataError

STDIN = "-"
"""The name that means standard input."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"


def read_lines(path: str | Path) -> list[str]:
    """All lines of a file of segments, in order, empty ones included.

    Args:
        path: the file; its name says whether it is compressed. ``-`` is standard input.

    Returns:
        One string a line, without its line end. A last line without a line end counts; an
        empty file has no lines. A byte order mark at the start is not text and is left out.

    Raises:
        DataError: the file is missing, is not what its name says, or is not UTF-8.
    """
    return list(iterate_lines(path))


def iterate_lines(path: str | Path) -> Iterator[str]:
    """The lines of ``read_lines`` one at a time, for files that need not fit in memory.

    A Zstandard file is unpacked in memory first: its reader does not notice a file that was
    cut short, so the frames are unpacked one by one and the last is checked to be whole.
    """
    path = Path(path)
    if str(path) == STDIN:
        yield from _lines_of(Path("standard input"), _stdin())
        return
    with _open(path) as stream:
        yield from _lines_of(path, stream)


def _lines_of(path: Path, stream: BinaryIO) -> Iterator[str]:
    for number, line in enumerate(_unpack(path, stream), start=1):
        text = line.removeprefix(BYTE_ORDER_MARK) if number == 1 else line
        yield _decode(path, number, text.removesuffix(b"\n").removesuffix(b"\r"))


def _stdin() -> BinaryIO:
    """What is left of standard input: somebody may have read some of it before."""
    if sys.stdin is None:
        raise DataError("standard input: it is closed, needed text; name a file instead of -")
    return sys.stdin.buffer


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except FileNotFoundError:
        problem = "no such file, needed a text file with one segment a line; check the path"
    except IsADirectoryError:
        problem = "a folder, needed a text file with one segment a line; name a file in it"
    except PermissionError:
        problem = "not readable by you, needed read permission; run chmod +r on it"
    except OSError as error:
        problem = f"{error.strerror}, needed a text file with one segment a line; check the path"
    raise DataError(f"{path}: {problem}")


def _unpack(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """The lines as bytes, each with its line end."""
    try:
        match path.suffix:
            case ".gz":
                yield from gzip.GzipFile(fileobj=stream)
            case ".zst":
                yield from io.BytesIO(_unpack_frames(path, stream.read()))
            case _:
                yield from stream
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"{path}: not a whole gzip file ({error}), needed what the name says; "
            "fetch it again, or rename it if it is not compressed"
        ) from error


def _unpack_frames(path: Path, packed: bytes) -> bytes:
    import zstandard  # only who reads .zst pays for it

    unpacked = []
    try:
        while packed:
            frame = zstandard.ZstdDecompressor().decompressobj()
            unpacked.append(frame.decompress(packed))
            if not frame.eof:
                raise zstandard.ZstdError("the last frame is cut short")
            packed = frame.unused_data
    except zstandard.ZstdError as error:
        raise DataError(
            f"{path}: not a whole Zstandard file ({error}), needed what the name says; "
            "fetch it again, or rename it if it is not compressed"
        ) from error
    return b"".join(unpacked)


def _decode(path: Path, number: int, line: bytes) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {number}: byte {line[error.start]:#04x} at position "
            f"{error.start + 1} is not UTF-8, needed UTF-8 text; "
            f"convert it, for instance with iconv -f latin1 -t utf-8"
        ) from error
