"""Text files that hold one segment a line: plain, gzip (``.gz``) or Zstandard (``.zst``).

Only the line feed ends a line. Python's own text mode and ``str.splitlines`` also break at a
lone carriage return, U+0085 and U+2028, which real corpora contain: one such character shifts
every later line, and two files that were parallel no longer are.

Text is UTF-8, or UTF-16 or UTF-32 that says so by its byte order mark.
"""

import codecs
import gzip
import io
import itertools
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO

from seq2seq.errors import DataError
from seq2seq.text_encoding import (
    SAMPLE_LINES,
    UTF8_MARK,
    conversion,
    describe_bytes,
    describe_controls,
    describe_other_file,
    encoding_of_mark,
)

STDIN = "-"
"""The name that means standard input."""

READ_BYTES = 1 << 16


def read_lines(path: str | Path) -> list[str]:
    """All lines of a file of segments, in order, empty ones included.

    Args:
        path: the file; its name says whether it is compressed. ``-`` is standard input.

    Returns:
        One string a line, without its line end. A last line without a line end counts; an
        empty file has no lines. A byte order mark at the start is not text and is left out.

    Raises:
        DataError: the file is missing, is not what its name says, or is no text in UTF-8,
            UTF-16 or UTF-32; of the last two one without a byte order mark.
    """
    return list(iterate_lines(path))


def iterate_lines(path: str | Path) -> Iterator[str]:
    """The lines of ``read_lines`` one at a time, for files that need not fit in memory.

    A Zstandard file is unpacked in memory first: its reader does not notice a file that was
    cut short, so the frames are unpacked one by one and the last is checked to be whole.
    """
    path = Path(path)
    if str(path) == STDIN:
        yield from _lines_of(Path("standard input"), _stdin(), look_ahead=0)
        return
    with open_unpacked(path) as stream:
        yield from _lines_of(path, stream, look_ahead=SAMPLE_LINES)


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name says that it is compressed.

    Raises:
        DataError: the file is missing, or what is read of it is not what its name says.
    """
    with _open(path) as stream:
        try:
            match path.suffix.lower():
                case ".gz":
                    yield io.BufferedReader(gzip.GzipFile(fileobj=stream))
                case ".zst":
                    yield io.BytesIO(_unpack_frames(path, stream.read()))
                case _:
                    yield stream
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise DataError(
                f"{path}: not a whole gzip file ({error}), needed what the name says; "
                "fetch it again, or rename it if it is not compressed"
            ) from error


def _lines_of(path: Path, stream: BinaryIO, *, look_ahead: int) -> Iterator[str]:
    """The lines of a stream of bytes.

    Args:
        path: what messages call it.
        stream: read from where it stands.
        look_ahead: how many lines behind one that is not UTF-8 may be read to tell what it is;
            0 for a stream that others still write to.
    """
    first = stream.readline()
    other = describe_other_file(first)
    if other is not None:
        raise DataError(f"{path}: this is {other}; needed text, one segment a line")
    encoding = encoding_of_mark(first)
    if encoding is not None:
        yield from _marked_lines(path, first, stream, encoding)
        return
    command, sound = conversion(path), 0
    for number, line in enumerate(itertools.chain([first] if first else [], stream), start=1):
        line = line.removeprefix(UTF8_MARK) if number == 1 else line
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            more = list(itertools.islice(stream, look_ahead))
            said = describe_bytes(line, error, more, sound=sound, command=command)
            raise DataError(f"{path}: line {number}: {said}") from error
        if not (text.isascii() and text.isprintable()):
            sound += not text.isascii()
            controls = describe_controls(text, command)
            if controls is not None:
                raise DataError(f"{path}: line {number}: {controls}")
        yield text


def _marked_lines(path: Path, first: bytes, stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of UTF-16 or UTF-32, in which a byte 0x0A alone is no line feed."""
    decoder = codecs.getincrementaldecoder(encoding)()
    number, rest = 0, ""
    pieces = itertools.chain([first], iter(partial(stream.read, READ_BYTES), b""), [b""])
    try:
        for piece in pieces:
            *lines, rest = (rest + decoder.decode(piece, final=not piece)).split("\n")
            for line in lines:
                number += 1
                yield line.removeprefix("\ufeff" if number == 1 else "").removesuffix("\r")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: line {number + 1}: not {encoding.upper()} ({error.reason}), which the byte "
            "order mark at its start names, needed whole characters; write the file again"
        ) from error
    if rest.removeprefix("" if number else "\ufeff"):
        yield rest.removeprefix("" if number else "\ufeff").removesuffix("\r")


def _stdin() -> BinaryIO:
    """What is left of standard input: somebody may have read some of it before."""
    if sys.stdin is None:
        raise DataError("standard input: it is closed, needed text; name a file instead of -")
    return sys.stdin.buffer


def _open(path: Path) -> BinaryIO:
    try:
        if not _is_endless(path):
            return path.open("rb")
        problem = "a device that never ends, needed a text file with one segment a line"
    except FileNotFoundError:
        problem = "no such file, needed a text file with one segment a line; check the path"
    except IsADirectoryError:
        problem = "a folder, needed a text file with one segment a line; name a file in it"
    except PermissionError:
        problem = "not readable by you, needed read permission; run chmod +r on it"
    except OSError as error:
        problem = f"{error.strerror}, needed a text file with one segment a line; check the path"
    raise DataError(f"{path}: {problem}")


def _is_endless(path: Path) -> bool:
    """Whether a name is that of a device such as ``/dev/zero``; a terminal and nothing end."""
    return path.is_char_device() and path.resolve() not in (Path(os.devnull), *_terminals())


def _terminals() -> list[Path]:
    return [Path(os.ttyname(number)) for number in (0, 1, 2) if os.isatty(number)]


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
