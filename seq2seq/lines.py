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
import stat
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from seq2seq.errors import DataError
from seq2seq.files import parse_json
from seq2seq.text_encoding import (
    SAMPLE_BYTES,
    SAMPLE_LINES,
    STANDARD_INPUT,
    UTF8_MARK,
    conversion,
    describe_bytes,
    describe_controls,
    describe_other_file,
    encoding_of_mark,
)

STDIN = "-"
"""The name that means standard input."""
PACKED = (".gz", ".zst")
"""What the name of a packed file ends with."""

READ_BYTES = 1 << 16
PACKED_BYTES = 1 << 10
"""Read at once of a Zstandard file: so few never unpack to more than 32 MiB."""
MOST_LINE_BYTES = 1 << 28
"""A line that is longer belongs to something else than text: it would fill the memory."""


def read_lines(path: str | Path) -> list[str]:
    """All lines of a file of segments, in order, empty ones included.

    Args:
        path: the file; its name says whether it is compressed. ``-`` is standard input.

    Returns:
        One string a line, without its line end. A last line without a line end counts; an
        empty file has no lines. A byte order mark at the start is not text and is left out.

    Raises:
        DataError: the file is missing or cannot be read to its end, is not what its name says, is
            no text in UTF-8, UTF-16 or UTF-32 (of the last two one without a byte order mark), or
            has a line of more than 256 MiB.
    """
    return list(iterate_lines(path))


def iterate_lines(path: str | Path) -> Iterator[str]:
    """The lines of ``read_lines`` one at a time, for files that need not fit in memory."""
    path = Path(path)
    if str(path) == STDIN:
        path = STANDARD_INPUT
        with _read_errors(path):
            yield from _lines_of(path, _stdin(), look_ahead=0)
        return
    with open_unpacked(path) as stream:
        yield from _lines_of(path, stream, look_ahead=SAMPLE_LINES)


def iterate_objects(path: str | Path, *, needed: str) -> Iterator[tuple[int, dict[str, Any]]]:
    """Read JSON Lines: the number of each line, from 1, and its object; empty lines hold none.

    Args:
        path: As for ``iterate_lines``.
        needed: What should stand there, for messages: "one object a line".

    Raises:
        DataError: A line is not JSON, or no object; or as for ``iterate_lines``.
    """
    for number, line in enumerate(iterate_lines(path), start=1):
        if not line.strip():
            continue
        try:
            fields = parse_json(line)
        except ValueError as error:
            raise DataError(
                f"{path}:{number}: {line[:40]!r} is not JSON ({error}), needed {needed}"
            ) from error
        if not isinstance(fields, dict):
            raise DataError(f"{path}:{number}: {line[:40]!r} is no object, needed {needed}")
        yield number, fields


def plain_name(path: Path) -> str:
    """The name of a file without the end that says how it is packed."""
    return path.name.removesuffix(".gz").removesuffix(".zst")


@contextmanager
def open_unpacked(path: Path) -> Iterator[BinaryIO]:
    """The bytes of a file, unpacked where its name says that it is compressed.

    Raises:
        DataError: the file is missing, or what is read of it is not what its name says.
    """
    with _open(path) as stream, _read_errors(path):
        match path.suffix.lower():
            case ".gz":
                yield io.BufferedReader(gzip.GzipFile(fileobj=stream), READ_BYTES)
            case ".zst":
                yield io.BufferedReader(_Unpacked(stream), READ_BYTES)
            case _:
                yield stream


@contextmanager
def _read_errors(path: Path) -> Iterator[None]:
    """Give errors of reading the name of the file, which nobody else knows by then."""
    try:
        yield
    except _NotWhole as error:
        kind, reason = "Zstandard", str(error)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        kind, reason = "gzip", str(error)
    except OSError as error:
        raise DataError(
            f"{path}: cannot be read to its end: {error.strerror or error}; copy it again, or name "
            "another file"
        ) from error
    else:
        return
    raise DataError(
        f"{path}: not a whole {kind} file ({reason}), needed what the name says; "
        "fetch it again, or rename it if it is not compressed"
    )


def _lines_of(path: Path, stream: BinaryIO, *, look_ahead: int) -> Iterator[str]:
    """The lines of a stream of bytes.

    Args:
        path: what messages call it.
        stream: read from where it stands.
        look_ahead: how many lines behind one that is not UTF-8 may be read to tell what it is;
            0 for a stream that others still write to.
    """
    lines = _bounded_lines(path, stream)
    first = next(lines, b"")
    other = describe_other_file(path, first)
    if other is not None:
        raise DataError(f"{path}: this is {other}; needed text, one segment a line")
    encoding = encoding_of_mark(first)
    if encoding is not None:
        yield from _marked_lines(path, first, stream, encoding)
        return
    command, sound = conversion(path), 0
    for number, line in enumerate(itertools.chain([first] if first else [], lines), start=1):
        line = line.removeprefix(UTF8_MARK) if number == 1 else line
        line = line.removesuffix(b"\n").removesuffix(b"\r")
        try:
            text = line.decode("utf-8")
        except UnicodeDecodeError as error:
            more = _sample(itertools.islice(lines, look_ahead))
            said = describe_bytes(line, error, more, sound=sound, command=command)
            raise DataError(f"{path}: line {number}: {said}") from error
        if not (text.isascii() and text.isprintable()):
            sound += not text.isascii()
            controls = describe_controls(text, command)
            if controls is not None:
                raise DataError(f"{path}: line {number}: {controls}")
        yield text


def _bounded_lines(path: Path, stream: BinaryIO) -> Iterator[bytes]:
    """The lines with their ends; none so long that it can only be something else than text."""
    for number in itertools.count(1):
        line = stream.readline(MOST_LINE_BYTES + 1)
        if not line:
            return
        if len(line) > MOST_LINE_BYTES:
            raise _too_long(path, number, line[:1])
        yield line


def _too_long(path: Path, number: int, start: bytes = b"") -> DataError:
    todo = "jq -c '.[]' writes a JSON array so" if start == b"[" else "break it up, or name a text"
    return DataError(
        f"{path}: line {number}: longer than {MOST_LINE_BYTES >> 20} MiB, needed one segment a "
        f"line; {todo}"
    )


def _sample(lines: Iterator[bytes]) -> list[bytes]:
    """So many lines that they tell an encoding."""
    sample, size = [], 0
    for line in lines:
        sample.append(line)
        size += len(line)
        if size > SAMPLE_BYTES:
            break
    return sample


def _marked_lines(path: Path, first: bytes, stream: BinaryIO, encoding: str) -> Iterator[str]:
    """The lines of UTF-16 or UTF-32, in which a byte 0x0A alone is no line feed."""
    decoder = codecs.getincrementaldecoder(encoding)()
    number, size, parts = 1, 0, list[str]()  # of the line that has not ended
    for piece in itertools.chain([first], iter(partial(stream.read, READ_BYTES), b""), [b""]):
        try:
            *ended, rest = decoder.decode(piece, final=not piece).split("\n")
        except UnicodeDecodeError as error:
            number += error.object[: error.start].decode(encoding).count("\n")
            raise DataError(
                f"{path}: line {number}: not {encoding.upper()} ({error.reason}), which the byte "
                "order mark at its start names, needed whole characters; write the file again"
            ) from error
        for end in ended:
            line = "".join([*parts, end]).removeprefix("\ufeff" if number == 1 else "")
            yield line.removesuffix("\r")
            number, size, parts = number + 1, 0, []
        parts.append(rest)
        size += len(piece)
        if size > MOST_LINE_BYTES:
            raise _too_long(path, number)
    last = "".join(parts).removeprefix("\ufeff" if number == 1 else "")
    if last:
        yield last.removesuffix("\r")


def _stdin() -> BinaryIO:
    """What is left of standard input: somebody may have read some of it before."""
    if sys.stdin is None:
        raise DataError("standard input: it is closed, needed text; name a file instead of -")
    return sys.stdin.buffer


def _open(path: Path) -> BinaryIO:
    try:
        stream = path.open("rb")
        if not _is_endless(stream.fileno()):
            return stream
        stream.close()
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


def _is_endless(descriptor: int) -> bool:
    """Whether it is a device such as ``/dev/zero``; a terminal ends, the null device is empty."""
    found = os.fstat(descriptor)
    is_null = found.st_rdev == Path(os.devnull).stat().st_rdev
    return stat.S_ISCHR(found.st_mode) and not (is_null or os.isatty(descriptor))


class _NotWhole(Exception):
    """A Zstandard file was cut short, or is none."""


class _Unpacked(io.RawIOBase):
    """What a Zstandard file holds.

    The library's own reader takes a file that was cut short for a whole one, so the frames are
    unpacked one by one, and the last must have its end.
    """

    def __init__(self, packed: BinaryIO):
        import zstandard  # only who reads .zst pays for it

        self._new_frame = zstandard.ZstdDecompressor().decompressobj
        self._error = zstandard.ZstdError
        self._packed, self._rest = packed, b""
        self._frame: Any = None
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        """Yes."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer as far as what is at hand goes; 0 bytes are the end of the file."""
        while not self._ready:
            packed = self._rest or self._packed.read(PACKED_BYTES)
            if not packed and self._frame is not None:
                raise _NotWhole("the last frame is cut short")
            if not packed:
                return 0
            self._ready = memoryview(self._unpack(packed))
        count = min(len(buffer), len(self._ready))
        buffer[:count] = self._ready[:count]
        self._ready = self._ready[count:]
        return count

    def _unpack(self, packed: bytes) -> bytes:
        self._frame = self._frame or self._new_frame()
        try:
            unpacked: bytes = self._frame.decompress(packed)
        except self._error as error:
            raise _NotWhole(error) from error
        self._rest = b""
        if self._frame.eof:
            self._rest, self._frame = self._frame.unused_data, None
        return unpacked
