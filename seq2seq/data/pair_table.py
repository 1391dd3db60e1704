"""Any number of pairs in an Arrow file, of which some thousand are in memory at a time.

The file has no name and goes with the last table that refers to it. It is read, not mapped: pages
of a mapped file that have been looked at count as memory in use, and a pass over a corpus looks at
all of them.
"""

import hashlib
import itertools
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO, Self

import numpy as np
import pyarrow
from jaxtyping import Int

from seq2seq.errors import DataError

CHUNK_ROWS = 10_000
SIDES = ("source", "target")
SCHEMA = pyarrow.schema([("source", pyarrow.string()), ("target", pyarrow.string())])
CONTEXT_SCHEMA = pyarrow.schema(
    [
        *SCHEMA,
        ("source_context", pyarrow.list_(pyarrow.string())),
        ("target_context", pyarrow.list_(pyarrow.string())),
        ("document", pyarrow.int64()),
    ]
)
"""Where context is asked for: the sentences before, oldest first, and the number of the document,
-1 where no other row is known to belong to it."""


class PairTable:
    """Rows with the text columns ``source`` and ``target``, or those of ``CONTEXT_SCHEMA``."""

    def __init__(self, file: "OpenFile", rows: Int[np.ndarray, " rows"] | None = None):
        """Read what ``TableWriter`` has written, or some rows of it in rising order."""
        self._file = file
        self._reader = pyarrow.ipc.open_file(pyarrow.PythonFile(file.content, mode="r"))
        full = self._reader.num_record_batches - 1  # all but the last
        self._size = full * CHUNK_ROWS + self._reader.get_batch(full).num_rows if full >= 0 else 0
        self._rows = rows

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> "PairTable":
        """A table of columns that are in memory."""
        schema = CONTEXT_SCHEMA if "source_context" in columns else SCHEMA
        rows = zip(*(columns[name] for name in schema.names), strict=True)
        return cls.write(record_batches(rows, schema), schema)

    @classmethod
    def write(cls, batches: Iterable[Any], schema: Any, path: Path | None = None) -> "PairTable":
        """A table of record batches, each but the last of ``CHUNK_ROWS``; see ``TableWriter``."""
        with TableWriter(schema, path) as writer:
            for batch in batches:
                writer.write(batch)
        return writer.table

    @classmethod
    def open(cls, path: Path, fingerprint: str) -> "PairTable":
        """A table that was written to a file, whose hash is known."""
        table = cls(OpenFile(path.open("rb")))
        table.fingerprint = fingerprint
        return table

    @property
    def schema(self) -> Any:
        """Names and types of the columns."""
        return self._reader.schema

    @cached_property
    def fingerprint(self) -> str:
        """Hash of every text in order, whatever file it was read from."""
        digest = hashlib.sha256()
        for batch in self.batches():
            for side in SIDES:
                texts = batch.column(side).to_pylist()
                digest.update(repr([len(text) for text in texts]).encode())
                digest.update("".join(texts).encode())
        if "source_context" in self.schema.names:
            for batch in self.batches():
                sides = tuple(batch.column(f"{side}_context").to_pylist() for side in SIDES)
                digest.update(repr(sides).encode())
        return digest.hexdigest()

    def __len__(self) -> int:
        return self._size if self._rows is None else len(self._rows)

    def __getitem__(self, name: str) -> list[Any]:
        """A whole column, for tables that are known to be small."""
        return [value for batch in self.batches() for value in batch.column(name).to_pylist()]

    def select(self, rows: Int[np.ndarray, " chosen"]) -> "PairTable":
        """Some rows, named in rising order."""
        return PairTable(self._file, rows if self._rows is None else self._rows[rows])

    def batches(self) -> Iterator[Any]:
        """The rows as record batches, each but the last of ``CHUNK_ROWS``."""
        for start in range(0, len(self), CHUNK_ROWS):
            if self._rows is None:
                yield self._reader.get_batch(start // CHUNK_ROWS)
            else:
                yield self._gathered(self._rows[start : start + CHUNK_ROWS])

    def _gathered(self, rows: Int[np.ndarray, " chosen"]) -> Any:
        """Rows in one batch, in whichever batches of the file they stand."""
        parts = []
        for number in range(rows[0] // CHUNK_ROWS, rows[-1] // CHUNK_ROWS + 1):
            start = number * CHUNK_ROWS
            first, end = np.searchsorted(rows, (start, start + CHUNK_ROWS))
            if first < end:
                parts.append(self._reader.get_batch(number).take(rows[first:end] - start))
        return pyarrow.concat_batches(parts)


class OpenFile:
    """A file that is closed with whatever refers to it last; without a name it is gone then."""

    def __init__(self, content: BinaryIO):
        self.content = content

    def __del__(self) -> None:
        with suppress(OSError):  # on a full disk; said where it was written
            self.content.close()


class TableWriter:
    """Writes a table batch by batch."""

    table: PairTable
    """What was written, once the ``with`` block has ended."""

    def __init__(self, schema: Any, path: Path | None = None):
        """Write to a file, or to a temporary one that has no name."""
        content = tempfile.TemporaryFile() if path is None else path.open("w+b")  # noqa: SIM115
        self._file = OpenFile(content)
        self._explained = room_explained if path is None else nullcontext
        sink = pyarrow.PythonFile(self._file.content, mode="w")
        self._writer = pyarrow.ipc.new_file(sink, schema)

    def write(self, batch: Any) -> None:
        """Write a record batch; each but the last is of ``CHUNK_ROWS``.

        Raises:
            DataError: The folder for temporary files has no room for it.
        """
        with self._explained():
            self._writer.write_batch(batch)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        if kind is None:
            with self._explained():
                self._writer.close()
                self._file.content.flush()
            self.table = PairTable(self._file)


def record_batches(rows: Iterable[Sequence[Any]], schema: Any) -> Iterator[Any]:
    """Rows in record batches of ``CHUNK_ROWS``, as Arrow holds them."""
    waiting = iter(rows)
    while some := list(itertools.islice(waiting, CHUNK_ROWS)):
        arrays = [
            pyarrow.array([row[place] for row in some], field.type)
            for place, field in enumerate(schema)
        ]
        yield pyarrow.record_batch(arrays, schema=schema)


@contextmanager
def room_explained() -> Iterator[None]:
    """Say of a temporary file that cannot be written which folder it is in.

    Raises:
        DataError: The folder cannot hold it.
    """
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{tempfile.gettempdir()}: the folder for temporary files cannot hold the text "
            f"({error.strerror or error}), needed room for the corpus; set TMPDIR to a larger one"
        ) from error
