"""What all readers of suites need: files beside each other, parallel lines, records of JSON."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from seq2seq.errors import DataError
from seq2seq.files import parse_json
from seq2seq.lines import PACKED, open_unpacked, plain_name, read_lines


def beside(path: Path, name: str) -> Path | None:
    """A file in a folder, plain or packed.

    Args:
        path: the folder.
        name: of the plain file.

    Returns:
        The file that is there; None if there is none.
    """
    for packing in ("", *PACKED):
        if (path / f"{name}{packing}").is_file():
            return path / f"{name}{packing}"
    return None


def stem_of(path: Path, ending: str) -> tuple[Path, str]:
    """The folder of a text form, and how its files' names begin, the last dot included.

    Args:
        path: the folder, or the beginning of the names.
        ending: of one of the files, such as ``en``.

    Raises:
        DataError: several files of the folder end so, or none.
    """
    if not path.is_dir():
        return path.parent, f"{path.name}."
    names = [plain_name(one) for one in sorted(path.iterdir())]
    stems = [name.removesuffix(ending) for name in names if name.endswith(f".{ending}")]
    if len(stems) != 1:
        raise DataError(
            f"{path}: {len(stems)} files end in .{ending}, needed one; name the beginning of the "
            "file names instead, or the suite's JSON"
        )
    return path, stems[0]


def needed(path: Path, name: str, suite: str) -> Path:
    """``beside``, for a file that the suite cannot do without.

    Raises:
        DataError: there is none.
    """
    found = beside(path, name)
    if found is None:
        raise DataError(f"{path}: no {name}, which {suite} needs (it may be packed as .gz or .zst)")
    return found


def read_parallel_lines(*paths: Path) -> list[list[str]]:
    """The lines of files that belong together.

    Raises:
        DataError: a file cannot be read, or their numbers of lines differ.
    """
    texts = [read_lines(path) for path in paths]
    if len({len(text) for text in texts}) > 1:
        counts = ", ".join(
            f"{path.name} has {len(text):,}" for path, text in zip(paths, texts, strict=True)
        )
        raise DataError(f"{paths[0].parent}: {counts} lines, needed as many in each")
    return texts


def read_json_file(path: Path) -> Any:
    """The content of a JSON file, plain or packed.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    with open_unpacked(path) as stream:
        content = stream.read()
    try:
        return parse_json(content.decode("utf-8-sig"))
    except ValueError as error:
        raise DataError(f"{path}: not JSON ({error}); fetch it again") from None


def read_records(path: Path, fields: Mapping[str, type]) -> list[dict[str, Any]]:
    """A JSON array of objects, or one object a line where the name says ``.jsonl``.

    Args:
        path: the file.
        fields: names that every record must hold, and the type of each.

    Raises:
        DataError: it holds something else; the first record at fault is named.
    """
    if plain_name(path).endswith(".jsonl"):
        records = [_line(path, n, text) for n, text in enumerate(read_lines(path), start=1) if text]
    else:
        records = read_json_file(path)
    if not isinstance(records, list) or not records:
        raise DataError(f"{path}: needed a list of items, found {type(records).__name__}")
    for number, record in enumerate(records, start=1):
        if not isinstance(record, dict):
            raise DataError(f"{path}: item {number}: needed an object, found {record!r:.40}")
        wrong = [name for name, kind in fields.items() if not isinstance(record.get(name), kind)]
        if wrong:
            named = ", ".join(f"'{name}' ({fields[name].__name__})" for name in wrong)
            raise DataError(f"{path}: item {number}: needed {named}; is it a file of this suite?")
    return records


def _line(path: Path, number: int, text: str) -> Any:
    try:
        return parse_json(text)
    except ValueError as error:
        raise DataError(f"{path}: line {number}: not JSON ({error})") from None


def split_context(lines: Sequence[str], separator: str) -> list[tuple[tuple[str, ...], str]]:
    """Cut lines of several sentences at the suite's separator.

    Args:
        lines: earlier sentences, oldest first, and the sentence itself.
        separator: what stands between them, such as ``<SEP>``.

    Returns:
        For each the earlier sentences, without empty ones, and the sentence itself.
    """
    cut = [[part.strip() for part in line.split(separator)] for line in lines]
    return [(tuple(part for part in parts[:-1] if part), parts[-1]) for parts in cut]
