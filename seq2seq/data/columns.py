"""Files that hold both sides of each pair: TSV, CSV, JSON lines and Parquet.

Each reader yields ``(source, target)`` and names file and line where a row cannot be read. A TSV
file is not CSV: nothing is quoted in it, so a lone ``"`` in a sentence is just a character. Every
row must have as many columns as the first; a tab inside a sentence would otherwise shift the text
unseen. A null or absent text is an empty text, which cleaning then counts.
"""

import csv
import itertools
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.lines import iterate_lines
from seq2seq.recipe import suggest

Pair = tuple[str, str]


def read_columns(path: Path, source_field: str, target_field: str) -> Iterator[Pair]:
    """The pairs of one file, whose kind its name tells.

    Args:
        path: A .tsv, .csv or .jsonl file, plain or ending in .gz or .zst, or a .parquet file.
        source_field: Column of the source: a name, a dotted path, or for TSV and CSV without a
            header a number counted from 1.
        target_field: Column of the target, named alike.

    Returns:
        Pairs in the file's order.

    Raises:
        DataError: A row or column is not as said, or the kind of file is not known.
    """
    kind = path.with_suffix("").suffix if path.suffix in (".gz", ".zst") else path.suffix
    fields = (source_field, target_field)
    match kind:
        case ".tsv":
            rows = ((n, line.split("\t")) for n, line in enumerate(iterate_lines(path), start=1))
            return _from_rows(path, rows, fields)
        case ".csv":
            return _from_rows(path, _csv_rows(path), fields)
        case ".jsonl":
            return _from_json(path, fields)
        case ".parquet" if path.suffix == ".parquet":
            return _from_parquet(path, fields)
        case _:
            raise DataError(
                f"{path}: unknown kind '{''.join(path.suffixes)}', needed .tsv, .csv, .jsonl "
                "(also with .gz or .zst) or .parquet; rename the file"
            )


def pick(value: Any, field: str) -> Any:
    """What stands under a dotted path of nested objects.

    Raises:
        KeyError: There is nothing; its arguments are the missing name and the names there are.
    """
    if isinstance(value, dict) and field in value:
        return value[field]
    head, _, rest = field.partition(".")
    if not isinstance(value, dict) or head not in value:
        raise KeyError(head, list(value) if isinstance(value, dict) else [])
    return pick(value[head], rest) if rest else value[head]


def missing_column(where: object, error: KeyError) -> DataError:
    """The error for a column that ``pick`` did not find."""
    name, known = error.args
    hint = suggest(name, known) if known else "; the value there is text, not an object"
    return DataError(f"{where}: no column '{name}'{hint}")


def as_text(value: Any, where: object, field: str) -> str:
    """A text as it is, null as the empty text.

    Raises:
        DataError: The value is something else, or holds half a character.
    """
    if value is None:
        return ""
    if not isinstance(value, str):
        raise DataError(
            f"{where}: column '{field}' holds {type(value).__name__} {str(value)[:40]!r}, "
            "needed text; choose another column"
        )
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise DataError(
            f"{where}: column '{field}' holds half a surrogate pair, {value[error.start]!r} at "
            f"position {error.start + 1}, needed whole characters; write both halves, or take the "
            "half out"
        ) from error
    return value


def _from_rows(
    path: Path, rows: Iterator[tuple[int, list[str]]], fields: tuple[str, str]
) -> Iterator[Pair]:
    places, width = None, 0
    for number, row in rows:
        if places is None:
            width = len(row)
            headless = all(field.isdigit() for field in fields)
            places = [_place(path, row, field, headless) for field in fields]
            if not headless:
                continue
        if len(row) != width:
            raise DataError(
                f"{path}: line {number} has {len(row)} columns, line 1 has {width}; needed the "
                "same number in every line; is there a separator inside a text?"
            )
        yield row[places[0]], row[places[1]]


def _place(path: Path, first: Sequence[str], field: str, headless: bool) -> int:
    if not headless:
        if field not in first:
            raise DataError(
                f"{path}: line 1 names no column '{field}'{suggest(field, list(first))}; for a "
                'file without a header give numbers, source_field = "1"'
            )
        if first.count(field) > 1:
            raise _repeated_column(f"{path}: line 1", field, first.count(field))
        return first.index(field)
    if not 1 <= int(field) <= len(first):
        raise DataError(f"{path}: line 1 has {len(first)} columns, needed column {field}")
    return int(field) - 1


def _repeated_column(where: object, name: str, count: int) -> DataError:
    return DataError(
        f"{where}: names column '{name}' {count} times, needed it once; rename those not meant"
    )


def _csv_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    _allow_long_fields()
    reader = csv.reader((line + "\n" for line in iterate_lines(path)), strict=True)
    start = 1
    try:
        for row in reader:
            yield start, row
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"{path}: line {start}: not CSV ({error}), needed quoted texts to end; "
            "if nothing is quoted in this file, separate by tabs and name it .tsv"
        ) from error


def _allow_long_fields() -> None:
    """Let a CSV field be as long as it is; the usual limit is 131,072 characters."""
    try:
        csv.field_size_limit(sys.maxsize)
    except OverflowError:  # where C's long has 32 bits
        csv.field_size_limit(2**31 - 1)


def _from_json(path: Path, fields: tuple[str, str]) -> Iterator[Pair]:
    for number, line in enumerate(iterate_lines(path), start=1):
        where = f"{path}: line {number}"
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise DataError(f"{where}: not JSON ({error}), needed one object a line") from error
        except (ValueError, RecursionError) as error:
            raise DataError(
                f"{where}: JSON with a value that cannot be read ({error}), needed numbers and "
                "nesting of usual size; shorten the value, or take it out"
            ) from error
        yield _pair(row, where, fields)


def _from_parquet(path: Path, fields: tuple[str, str]) -> Iterator[Pair]:
    import pyarrow
    import pyarrow.parquet

    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            roots = {field if field in names else field.split(".")[0] for field in fields}
            for root in sorted(roots.difference(names)):
                raise missing_column(path, KeyError(root, names))
            for root in sorted(root for root in roots if names.count(root) > 1):
                raise _repeated_column(path, root, names.count(root))
            batches = (batch.to_pylist() for batch in file.iter_batches(columns=sorted(roots)))
            for number, row in enumerate(itertools.chain.from_iterable(batches), start=1):
                yield _pair(row, f"{path}: row {number}", fields)
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, needed a Parquet file; check the path") from None
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(
            f"{path}: not a Parquet file ({error}), needed what the name says; fetch it again"
        ) from error


def _pair(row: Any, where: str, fields: tuple[str, str]) -> Pair:
    try:
        source, target = (as_text(pick(row, field), where, field) for field in fields)
    except KeyError as error:
        raise missing_column(where, error) from None
    return source, target
