"""Files that hold both sides of each pair: TSV, CSV, JSON and Parquet; TMX and XLIFF for others.

Each reader yields ``(source, target)``, with the texts of further columns behind if some are asked
for, and names file and line where a row cannot be read. A TSV
file is not CSV: nothing is quoted in it, so a lone ``"`` in a sentence is just a character. Every
row must have as many columns as the first; a tab inside a sentence would otherwise shift the text
unseen. A null or absent text is an empty text, which cleaning then counts.
"""

import csv
import itertools
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from seq2seq.data.findings import Noticed
from seq2seq.data.tmx import read_tmx
from seq2seq.data.xliff import read_xliff
from seq2seq.errors import DataError
from seq2seq.languages import language_of
from seq2seq.lines import PACKED, iterate_lines
from seq2seq.normalization import is_whole_number
from seq2seq.similar_names import suggest

Pair = tuple[str, str]
Texts = tuple[str, ...]
"""Source and target, and the texts of further columns."""
Row = tuple[int, list[str]]
"""Number of its first line, and its columns."""

SEPARATORS = ",;\t"
# What only CSV writes: quotes around a field, and those inside it doubled.
CSV_QUOTED = re.compile(r'"(?:[^"]|"")*""(?:[^"]|"")*"')
QUOTED_KIND = (
    "fields quoted as in CSV",
    "kept as written, 'quoted = true' of the corpus reads them as meant",
)
HEADER_KIND = ("first line that looks like a header", "kept as a pair")
HEADER_NAMES = frozenset({"source", "target", "src", "tgt", "trg", "input", "output"})
OTHER_KINDS = {
    "a spreadsheet; save it as 'CSV UTF-8' and name the .csv file": (".xlsx", ".xls", ".ods"),
    "a document; save its text as UTF-8, one segment a line, and give the two files as source and "
    "target": (".docx", ".doc", ".odt", ".rtf", ".pdf"),
    "an archive; unpack it and name a file of it": (
        ".zip", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz",
    ),
    "text without columns; give two files that are parallel line by line as source and target, or "
    "rename it": (".txt", ""),
}  # fmt: skip


def read_columns(
    path: Path,
    source_field: str,
    target_field: str,
    *,
    quoted: bool = False,
    more_fields: Sequence[str] = (),
    noticed: Noticed | None = None,
) -> Iterator[Texts]:
    """The pairs of one file, whose kind its name tells.

    Args:
        path: A .tsv, .csv, .jsonl, .json, .tmx, .xlf or .xliff file, plain or ending in .gz or
            .zst, or a .parquet file; capitals do not matter. A JSON file holds one object a line,
            or one array.
        source_field: Column of the source: a name, a dotted path, or for TSV and CSV without a
            header a number counted from 1; for TMX and XLIFF its language code.
        target_field: Column of the target, named alike.
        quoted: Whether fields of a TSV file are quoted as those of CSV are.
        more_fields: Further columns to read, named alike; TMX and XLIFF have none.
        noticed: Where to count what is odd and yet read.

    Returns:
        Pairs in the file's order, each with its further texts behind.

    Raises:
        DataError: A row or column is not as said, or the kind of file is not known.
    """
    kind = kind_of(path)
    fields = (source_field, target_field, *more_fields)
    noticed = Noticed() if noticed is None else noticed
    match kind:
        case ".tsv" if quoted:
            return _from_rows(path, _csv_rows(path, iterate_lines(path), "\t"), fields, noticed)
        case ".tsv":
            cells = (line.split("\t") for line in iterate_lines(path))
            return _from_rows(path, enumerate(cells, start=1), fields, noticed, plain=True)
        case ".csv":
            lines = iterate_lines(path)
            first = list(itertools.islice(lines, 1))
            separator = _separator(first, fields)
            rows = _csv_rows(path, itertools.chain(first, lines), separator)
            return _from_rows(path, rows, fields, noticed)
        case ".jsonl" | ".json":
            return _from_json(path, fields)
        case ".tmx" | ".xlf" | ".xliff" if more_fields:
            raise DataError(
                f"{path}: a {kind} file has no column '{more_fields[0]}', needed .tsv, .csv, "
                ".jsonl, .json or .parquet; convert it, or leave the column out"
            )
        case ".tmx":
            return read_tmx(path, (source_field, target_field), noticed)
        case ".xlf" | ".xliff":
            return read_xliff(path, (source_field, target_field), noticed)
        case ".parquet" if path.suffix.lower() == ".parquet":
            return _from_parquet(path, fields)
        case _:
            raise _unknown_kind(path, kind)


def kind_of(path: Path) -> str:
    """The ending of a file's name in small letters, one that says it is compressed left out."""
    name = path.with_suffix("") if path.suffix.lower() in PACKED else path
    return name.suffix.lower()


def _unknown_kind(path: Path, kind: str) -> DataError:
    if path.is_dir():
        return DataError(f"{path}: a folder, needed a file of pairs; name a file in it")
    said = next((what for what, kinds in OTHER_KINDS.items() if kind in kinds), "rename the file")
    return DataError(
        f"{path}: unknown kind '{''.join(path.suffixes)}', needed .tsv, .csv, .jsonl, .json, .tmx, "
        f".xlf, .xliff (also with .gz or .zst) or .parquet; {said}"
    )


JSON_KINDS = {str: "text", list: "an array", int: "a number", float: "a number",
              bool: "true or false", type(None): "null"}  # fmt: skip


def pick(value: Any, field: str) -> Any:
    """What stands under a dotted path of nested objects.

    Raises:
        KeyError: There is nothing; its arguments are the missing name and the names there are, or
            what stands there instead of an object.
    """
    head, _, rest = field.partition(".")
    if not isinstance(value, dict):
        raise KeyError(head, JSON_KINDS.get(type(value), "something else"))
    if field in value:
        return value[field]
    if head not in value:
        raise KeyError(head, list(value))
    return pick(value[head], rest) if rest else value[head]


def missing_column(where: object, error: KeyError) -> DataError:
    """The error for a column that ``pick`` did not find."""
    name, known = error.args
    if isinstance(known, str):
        hint = f"; the value there is {known}, not an object"
    else:
        hint = suggest(name, [_short(other) for other in known])
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
    path: Path,
    rows: Iterator[Row],
    fields: Texts,
    noticed: Noticed,
    *,
    plain: bool = False,
) -> Iterator[Texts]:
    """The pairs of a table; ``plain`` says that nothing is quoted in it."""
    texts_at, width, pairs, in_quotes = None, 0, 0, 0
    for number, row in rows:
        if texts_at is None:
            width = len(row)
            headless = all(is_whole_number(field) for field in fields)
            texts_at = itemgetter(*(_place(path, row, field, headless) for field in fields))
            if not headless:
                continue
            if all(map(_is_header_name, texts_at(row)[:2])):
                noticed.add(*HEADER_KIND, f"line {number}")
        if len(row) != width:
            raise _wrong_width(path, number, row, width, plain=plain)
        texts = texts_at(row)
        pair = texts[:2]
        if plain and ('"' in pair[0] or '"' in pair[1]):
            if any(map(CSV_QUOTED.fullmatch, pair)):
                noticed.add(*QUOTED_KIND, f"line {number}")
            in_quotes += all(len(text) > 1 and text[0] == text[-1] == '"' for text in pair)
        pairs += 1
        yield texts
    if in_quotes == pairs and in_quotes > 1 and not noticed.count.get(QUOTED_KIND):
        noticed.add(*QUOTED_KIND, "every line", pairs)


def _wrong_width(path: Path, number: int, row: list[str], width: int, *, plain: bool) -> DataError:
    open_quote = any(text.startswith('"') and not text.endswith('"') for text in row)
    hint = "is there a separator inside a text?"
    if plain and open_quote:
        hint = "a text begins with a quote: if fields are quoted as in CSV, set quoted = true"
    return DataError(
        f"{path}: line {number} has {len(row)} columns, line 1 has {width}; needed the "
        f"same number in every line; {hint}"
    )


def _is_header_name(text: str) -> bool:
    name = text.strip().lower()
    return name in HEADER_NAMES or (2 <= len(name) <= 3 and language_of(name).script is not None)


def _place(path: Path, first: Sequence[str], field: str, headless: bool) -> int:
    if not headless:
        if field not in first:
            names = [_short(name) for name in first]
            hint = (
                'for a file without a header give numbers, source_field = "1"'
                if f'"{field}"' not in first
                else "its names are quoted as in CSV: set quoted = true"
            )
            raise DataError(
                f"{path}: line 1 names no column '{_short(field)}'{suggest(field, names)}; {hint}"
            )
        if first.count(field) > 1:
            raise _repeated_column(f"{path}: line 1", field, first.count(field))
        return first.index(field)
    if not 1 <= int(field) <= len(first):
        hint = ""
        if len(first) == 1 and re.search("[;\t]", first[0]):
            hint = (
                "; it holds semicolons or tabs: name the columns in a first line, or write commas"
            )
        raise DataError(f"{path}: line 1 has {len(first)} columns, needed column {field}{hint}")
    return int(field) - 1


def _short(name: object) -> str:
    """A column's name, or the start of a sentence that stands in its place."""
    text = str(name)
    return text if len(text) <= 40 else text[:39] + "…"


def _repeated_column(where: object, name: str, count: int) -> DataError:
    return DataError(
        f"{where}: names column '{name}' {count} times, needed it once; rename those not meant"
    )


def _separator(first: Sequence[str], fields: Texts) -> str:
    """What stands between the columns of a CSV file: what separates the names asked for.

    Excel writes semicolons where the comma is the decimal sign. Without such names it is a comma.
    """
    _allow_long_fields()
    for separator in SEPARATORS:
        try:
            names = next(csv.reader(first, delimiter=separator), [])
        except csv.Error:  # said with its line when the rows are read
            continue
        if set(fields) <= set(names):
            return separator
    return ","


def _csv_rows(path: Path, lines: Iterable[str], separator: str) -> Iterator[Row]:
    _allow_long_fields()
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, strict=True)
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


def _from_json(path: Path, fields: Texts) -> Iterator[Texts]:
    """The pairs of one object a line, or of one array of objects, which is read as a whole."""
    lines = iterate_lines(path)
    for number, line in enumerate(lines, start=1):
        if number == 1 and line.lstrip().startswith("["):
            text = "\n".join([line, *lines])
            rows = _load_json(text, str(path))
            for entry, row in enumerate(rows, start=1):
                yield texts_of(row, f"{path}: entry {entry}", fields)
            return
        where = f"{path}: line {number}"
        row = _load_json(line, where)
        yield texts_of(row, where, fields)


def _load_json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: not JSON ({error}), needed one object a line, or one array of objects"
        ) from error
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"{where}: JSON with a value that cannot be read ({error}), needed numbers and "
            "nesting of usual size; shorten the value, or take it out"
        ) from error


def _from_parquet(path: Path, fields: Texts) -> Iterator[Texts]:
    import pyarrow
    import pyarrow.parquet

    if path.exists() and not path.is_file():
        raise DataError(f"{path}: no regular file, needed a Parquet file; name one")
    try:
        with pyarrow.parquet.ParquetFile(path, page_checksum_verification=True) as file:
            names = file.schema_arrow.names
            roots = {field if field in names else field.split(".")[0] for field in fields}
            for root in sorted(roots.difference(names)):
                raise missing_column(path, KeyError(root, names))
            for root in sorted(root for root in roots if names.count(root) > 1):
                raise _repeated_column(path, root, names.count(root))
            batches = (batch.to_pylist() for batch in file.iter_batches(columns=sorted(roots)))
            number = 0
            for number, row in enumerate(itertools.chain.from_iterable(batches), start=1):
                yield texts_of(row, f"{path}: row {number}", fields)
            if number != file.metadata.num_rows:
                raise OSError(f"{number:,} rows of {file.metadata.num_rows:,}")
    except FileNotFoundError:
        raise DataError(f"{path}: no such file, needed a Parquet file; check the path") from None
    except (pyarrow.ArrowException, OSError, ValueError, OverflowError) as error:
        raise DataError(
            f"{path}: not a Parquet file that can be read ({error}), needed what the name says; "
            "fetch it again"
        ) from error


def texts_of(row: Any, where: str, fields: Texts) -> Texts:
    """The texts of one row of nested objects.

    Raises:
        DataError: There is no such column, or what it holds is no text.
    """
    try:
        return tuple(as_text(pick(row, field), where, field) for field in fields)
    except KeyError as error:
        raise missing_column(where, error) from None
