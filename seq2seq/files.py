"""Files of this machine, read without waiting for ever and written whole or not at all.

A name that a user gives may be a pipe that nobody writes to, a device without end, or gigabytes of
something else. What should be a small file of settings is therefore opened only if it is a regular
file, and read up to a bound.
"""

import errno
import hashlib
import json
import os
import re
import stat
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any, TextIO, TypeVar

from seq2seq.errors import Seq2SeqError

_Record = TypeVar("_Record")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")
MOST_BYTES = 2**29
"""More than any vocabulary or index of weights that is published."""

PART = ".part"
"""How the name ends that a file has until it is whole."""


CACHE = "SEQ2SEQ_CACHE"
"""The variable that may name another folder than `cache_folder`'s."""


def cache_folder() -> Path:
    """Where everything is kept that can be made again; it may not be there yet."""
    return Path(os.environ.get(CACHE) or "~/.cache/seq2seq").expanduser()


def read_bytes(path: Path, *, error: type[Seq2SeqError], needed: str) -> bytes:
    """Read a file that is no text, such as a tokenizer's model.

    Args:
        path: The file.
        error: What to raise.
        needed: What should be there, for messages: "a recipe (TOML)".

    Returns:
        Its content.

    Raises:
        Seq2SeqError: Of the kind ``error``: there is none, it is no regular file, cannot be read,
            or is larger than 512 MiB.
    """
    try:
        with open(path, "rb", opener=open_at_once) as stream:
            content = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        problem = "no such file"
    except (OSError, ValueError) as found:  # a name with a NUL is a ValueError
        problem = str(getattr(found, "strerror", None) or found)
    else:
        if len(content) <= MOST_BYTES:
            return content
        problem = f"more than {MOST_BYTES >> 20} MiB"
    raise error(f"{path}: {problem}, needed {needed}; check the path") from None


def read_text(path: Path, *, error: type[Seq2SeqError], needed: str) -> str:
    """Read a file of settings: recipe, configuration, vocabulary; arguments as for ``read_bytes``.

    Returns:
        Its text; a byte order mark at the start is not part of it.

    Raises:
        Seq2SeqError: Of the kind ``error``: as for ``read_bytes``, or it is not UTF-8.
    """
    content = read_bytes(path, error=error, needed=needed)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as found:
        raise error(
            f"{path}: byte {content[found.start]:#04x} at position {found.start + 1} is not "
            f"UTF-8, needed {needed} in UTF-8; save it so, or download it again"
        ) from None


def read_json(path: Path, *, error: type[Seq2SeqError], needed: str) -> Any:
    """Read a JSON file of settings; arguments as for ``read_bytes``.

    Raises:
        Seq2SeqError: Of the kind ``error``: as for ``read_text``, or it is not JSON.
    """
    text = read_text(path, error=error, needed=needed)
    try:
        return parse_json(text)
    except ValueError as found:
        raise error(
            f"{path}: not JSON ({found}), needed {needed}; restore or download it again"
        ) from None


def read_record(
    path: Path,
    kind: type[_Record],
    *,
    error: type[Seq2SeqError],
    needed: str,
    always: Collection[str] = (),
) -> _Record:
    """Read a JSON file that holds the fields of a dataclass, and no others.

    Args:
        path: The file.
        kind: The dataclass.
        error: What to raise.
        needed: What should be there, for messages.
        always: Fields that the file must hold though they have defaults.

    Returns:
        The value.

    Raises:
        Seq2SeqError: Of the kind ``error``: as for ``read_json_object``, or a field is missing,
            unknown or of another type.
    """
    from pydantic import TypeAdapter, ValidationError  # nobody else here pays for it

    content = read_json_object(path, error=error, needed=needed)
    known = {field.name for field in fields(kind)}  # type: ignore[arg-type]  # a dataclass
    wrong = [f"'{name}' is not known" for name in sorted(content.keys() - known)]
    wrong += [f"'{name}' is missing" for name in always if name not in content]
    try:
        value = TypeAdapter(kind).validate_python(content)
    except ValidationError as found:
        first = found.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    else:
        if not wrong:
            return value
        reason = wrong[0]
    raise error(f"{path}: {reason}, needed {needed}; restore or download it again")


def parse_json(text: str) -> Any:
    """Read JSON.

    Raises:
        ValueError: It is none, or holds a number, nesting or half a character that cannot be read;
            it says what.
    """
    try:
        content = json.loads(text)
        if _SURROGATE.search(text):
            json.dumps(content, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except UnicodeEncodeError as error:
        half = error.object[error.start].encode("ascii", "backslashreplace").decode()
        raise ValueError(f"{half} is half a character") from None
    return content


def read_json_object(path: Path, *, error: type[Seq2SeqError], needed: str) -> dict[str, Any]:
    """Read a JSON file that holds one object; see ``read_json``.

    Raises:
        Seq2SeqError: Of the kind ``error``: as for ``read_json``, or it holds something else.
    """
    content = read_json(path, error=error, needed=needed)
    if not isinstance(content, dict):
        kind = "nothing" if content is None else f"a {type(content).__name__}"
        raise error(
            f"{path}: holds {kind} instead of an object, needed {needed}; restore or download it "
            "again"
        )
    return content


def file_sha256(path: Path) -> str:
    """SHA-256 of a file's bytes, which are not read into memory at once."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def refuse_odd_files(folder: Path, *, error: type[Seq2SeqError]) -> None:
    """Refuse a folder in which a program that reads all of it would wait or never end.

    Args:
        folder: Such as that of a model.
        error: What to raise.

    Raises:
        Seq2SeqError: Of the kind ``error``: a pipe, device or socket stands in it, or it cannot be
            listed.
    """
    try:
        odd = [
            path
            for path in sorted(folder.iterdir())
            if path.exists() and not (path.is_file() or path.is_dir())
        ]
    except OSError as found:
        raise error(f"{folder}: cannot be listed: {found.strerror}") from None
    if odd:
        raise error(f"{odd[0]}: a pipe or a device, needed a regular file; take it away")


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that appears under its name only when it is whole.

    Until then it has a name of its own, so two programs that write to one name do not mix: each
    replaces the whole, and the last one stays. An existing file keeps its permissions, a link
    stays a link, and a device or pipe is written to as it stands.

    Args:
        path: Where it appears when the block ends; left as it was where the block raises.

    Raises:
        OSError: It cannot be written; the error names the path.
    """
    try:
        with _written_beside(_resolved(path)) as stream:
            yield stream
    except OSError as error:
        ours = error.filename is None or str(error.filename).endswith(PART)
        if error.errno is None or not ours:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None


def write_text(path: Path, text: str) -> None:
    """Write a text file as ``replacing`` does: whole, or not at all.

    Raises:
        OSError: It cannot be written; the error names the path.
    """
    with replacing(path) as stream:
        stream.write(text)


def write_objects(path: Path, objects: Iterable[Mapping[str, Any]]) -> None:
    """Write JSON Lines as ``replacing`` does: all of them, or none.

    Raises:
        OSError: They cannot be written; the error names the path.
    """
    encode = json.JSONEncoder(ensure_ascii=False).encode
    with replacing(path) as stream:
        stream.writelines(f"{encode(fields)}\n" for fields in objects)


@contextmanager
def _written_beside(target: Path) -> Iterator[TextIO]:
    mode = target.stat().st_mode if target.exists() else None
    if mode is not None and not stat.S_ISREG(mode):
        with target.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    if mode is not None and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(target))
    path = target.with_name(f".seq2seq-{os.urandom(8).hex()}{PART}")
    # Nobody else may read what replaces a private file, not even for a moment.
    private = partial(os.open, mode=0o666 if mode is None else 0o600)
    opened = open(path, "x", encoding="utf-8", newline="\n", opener=private)  # noqa: SIM115
    try:
        with opened as stream:
            if mode is not None:
                path.chmod(stat.S_IMODE(mode))
            yield stream
        path.replace(target)
    finally:
        path.unlink(missing_ok=True)  # it is still there if something went wrong


def _resolved(path: Path) -> Path:
    resolved = Path(os.path.realpath(path))
    if resolved.is_symlink():  # it leads to itself
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return resolved


def open_at_once(path: str, flags: int) -> int:
    """Open a regular file; never wait for whoever writes to a pipe. An ``opener`` of ``open``.

    Raises:
        OSError: There is none, or it is no regular file.
    """
    descriptor = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISREG(mode):
        return descriptor
    os.close(descriptor)
    kind = "a folder" if stat.S_ISDIR(mode) else "a pipe or a device"
    raise OSError(errno.EINVAL, kind, path)
