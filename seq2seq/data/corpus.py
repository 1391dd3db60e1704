"""Reading a corpus, wherever it lies, into one shape: a table of source and target.

Text gets its normal form here, before anything is judged or learnt from it, so that every tokenizer
and every count sees the same. References of held-out data are left as they are written: outputs are
compared with them.

Our own readers stand before ``datasets`` for local files because its text loader also breaks lines
at U+2028 and its CSV loader lets one lone quote swallow the lines up to the next.
"""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from seq2seq.data.columns import Pair, Texts, missing_column, read_columns, texts_of
from seq2seq.data.documents import (
    PairInContext,
    context_fields,
    rows_in_context,
    without_boundaries,
)
from seq2seq.data.findings import Noticed
from seq2seq.data.pair_table import CONTEXT_SCHEMA, SCHEMA, PairTable, record_batches
from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.normalization import count_changes, is_normal, normalize
from seq2seq.recipe import ContextSpec, CorpusSpec

NO_CONTEXT = ContextSpec()


def read_corpus(
    spec: CorpusSpec,
    *,
    folder: Path,
    held_out: bool = False,
    noticed: Noticed | None = None,
    context: ContextSpec = NO_CONTEXT,
) -> PairTable:
    """Read the pairs of one corpus.

    Args:
        spec: Where it is and which columns to take.
        folder: What relative paths are relative to.
        held_out: Whether its targets are references, which stay as they are written.
        noticed: Where to count what reading changed or left out.
        context: How many sentences before each are wanted.

    Returns:
        A table with the text columns ``source`` and ``target``, and those of ``CONTEXT_SCHEMA``
        where context is wanted.

    Raises:
        DataError: A file cannot be read, is not UTF-8, lacks a column or is empty, two files have
            unequal numbers of lines, or the Hub does not give the dataset.
    """
    noticed = Noticed() if noticed is None else noticed
    batches = read_batches(spec, folder, noticed, held_out=held_out, context=context)
    return PairTable.write(batches, schema_of(context))


def schema_of(context: ContextSpec) -> Any:
    """The columns of a corpus that is read with so much context."""
    return CONTEXT_SCHEMA if context.used else SCHEMA


def read_batches(
    spec: CorpusSpec, folder: Path, noticed: Noticed, *, held_out: bool, context: ContextSpec
) -> Iterator[Any]:
    """The pairs of one corpus as record batches of ``CHUNK_ROWS``; see ``read_corpus``."""
    more_fields = context_fields(spec) if context.used else ()
    rows: Iterator[Texts]
    if spec.hub is not None:
        rows = _read_hub(spec, more_fields)
    elif spec.file is not None:
        rows = read_columns(
            folder / spec.file,
            spec.source_field,
            spec.target_field,
            quoted=spec.quoted,
            more_fields=more_fields,
            noticed=noticed,
        )
    else:
        rows = _read_pair(folder / str(spec.source), folder / str(spec.target))
    rows = itertools.islice(rows, spec.max_rows)
    rows = _normalized(rows, noticed, held_out=held_out)
    read: Iterable[Texts | PairInContext] = rows
    if context.used:
        read = rows_in_context(rows, spec, context, noticed)
    elif spec.blank_lines_end_documents:
        read = (row for _, row in without_boundaries(rows, noticed))
    batches = record_batches(read, schema_of(context))
    first = next(batches, None)
    if first is None:
        raise DataError(f"{spec.name}: no pairs in it, needed at least one")
    yield first
    yield from batches


def iterate_pairs(table: PairTable) -> Iterator[Pair]:
    """The pairs of a table one by one, without the whole of it in memory."""
    for sources, targets in iterate_chunks(table):
        yield from zip(sources, targets, strict=True)


def iterate_chunks(table: PairTable) -> Iterator[tuple[list[str], list[str]]]:
    """The two columns of a table some thousand rows at a time."""
    for batch in table.batches():
        yield batch.column("source").to_pylist(), batch.column("target").to_pylist()


def iterate_contexts(table: PairTable) -> Iterator[tuple[list[list[str]], list[list[str]]]]:
    """The sentences before each source and each target, some thousand rows at a time, if any."""
    if "source_context" in table.schema.names:
        for batch in table.batches():
            columns = ("source_context", "target_context")
            source, target = (batch.column(name).to_pylist() for name in columns)
            yield source, target


def _normalized(rows: Iterable[Texts], noticed: Noticed, *, held_out: bool) -> Iterator[Texts]:
    """The pairs in normal form, or their sources alone; what that changes is counted."""
    side = " in sources" if held_out else ""
    invisible = (f"invisible characters{side}", "cleaned")
    composed = (f"letters not composed as in NFC{side}", "composed")
    for kind in (invisible, composed):
        noticed.look_for(*kind)
    sides = 1 if held_out else 2
    for number, row in enumerate(rows, start=1):
        texts = row[:sides]
        if all(map(is_normal, texts)):
            yield row
            continue
        changes = count_changes(texts)
        if changes.invisible:
            noticed.add(*invisible, f"row {number}")
            if any("\0" in text for text in texts):
                noticed.add(f"NUL bytes{side}", "cleaned", f"row {number}")
        if changes.composed:
            noticed.add(*composed, f"row {number}")
        yield *map(normalize, texts), *row[sides:]


def _read_pair(source: Path, target: Path) -> Iterator[Pair]:
    both = itertools.zip_longest(iterate_lines(source), iterate_lines(target))
    for number, (left, right) in enumerate(both):
        if left is None or right is None:
            rest = 1 + sum(1 for _ in both)
            short, long = (source, target) if left is None else (target, source)
            raise DataError(
                f"{short}: has {number:,} lines, {long} has {number + rest:,}; needed the same "
                "number, line by line translations of each other"
            )
        yield left, right


def _read_hub(spec: CorpusSpec, more_fields: Texts) -> Iterator[Texts]:
    import datasets

    where = f"dataset '{spec.hub}'"
    try:
        dataset = datasets.load_dataset(
            spec.hub,
            spec.config,
            split=spec.split,
            revision=spec.revision,
            streaming=spec.streaming,
        )
    except _hub_errors() as error:
        raise _explain_hub(where, error) from error
    fields = (spec.source_field, spec.target_field, *more_fields)
    columns = dataset.column_names
    for field in fields if columns is not None else ():  # of a stream they may not be known yet
        head = field if field in columns else field.split(".")[0]
        if head not in columns:
            raise missing_column(where, KeyError(head, columns))
    return _hub_pairs(dataset, where, fields)


def _hub_pairs(dataset: Any, where: str, fields: Texts) -> Iterator[Texts]:
    for number, row in enumerate(_hub_rows(dataset, where), start=1):
        yield texts_of(row, f"{where}: row {number}", fields)


def _hub_rows(dataset: Any, where: str) -> Iterator[Any]:
    """The rows; those of a stream come over the network one after another."""
    try:
        yield from dataset
    except _hub_errors() as error:
        raise _explain_hub(where, error) from error


def _hub_errors() -> tuple[type[Exception], ...]:
    """What ``datasets`` raises where a dataset is not there, or not as asked for."""
    from datasets.exceptions import DatasetsError

    return DatasetsError, ConnectionError, ValueError, RuntimeError, OSError


def _explain_hub(where: str, error: Exception) -> DataError:
    message = str(error).strip().splitlines()
    said = message[0] if message else type(error).__name__
    if "Config name is missing" in said:
        names = " ".join(message[1:]) or said
        return DataError(f"{where}: has several configurations, needed 'config'; {names}")
    if isinstance(error, ConnectionError):
        return DataError(
            f"{where}: the Hub cannot be reached ({said}); check the network and HF_HUB_OFFLINE, "
            "or give local files"
        )
    return DataError(f"{where}: cannot be loaded: {said}; check name, config, split and revision")
