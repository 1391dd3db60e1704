"""Values of the command line that can be read without a library.

typer has pydantic read every value and builds a checker for every option, given or not: a third of
what `translate` does before the first line. So what is plainly right is read here, and all else,
such as what an error must be written about, by typer.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from seq2seq.normalization import is_whole_number

_NOT_PLAIN = object()


def read_plainly(parameters: Iterable[Any]) -> None:
    """Let parameters of one value each read what is plain without pydantic, in place.

    Args:
        parameters: Those of a command. Of a typer that keeps elsewhere what reads their values,
            they are left as they are.
    """
    for one in parameters:
        untouched = getattr(one, "_runtime_param", one) is None
        if untouched and one.nargs == 1 and not one.multiple:
            one._runtime_param = _PlainReader()  # typer makes its own only where there is none


class _PlainReader:
    """What typer asks for a value."""

    def coerce(self, value: Any, *, param: Any, ctx: Any) -> Any:
        """The value as the command wants it."""
        plain = _plain(value, param.type_descriptor)
        if plain is not _NOT_PLAIN:
            return plain
        param._runtime_param = None
        return param.get_runtime_param().coerce(value, param=param, ctx=ctx)


def _plain(value: Any, wanted: Any) -> Any:
    kind, limits = wanted.annotation, wanted.parameter_info
    if value is None:
        return None
    if limits.parser is not None:
        return _NOT_PLAIN
    if kind is str and isinstance(value, str):
        return value
    if get_origin(kind) is Literal and value in get_args(kind):
        return value
    if kind is int:
        return _whole_number(value, limits)
    if kind is Path:
        return _path(value, limits)
    return _NOT_PLAIN


def _whole_number(value: Any, limits: Any) -> Any:
    if not (type(value) is int or (isinstance(value, str) and is_whole_number(value))):
        return _NOT_PLAIN
    number = int(value)
    too_small = limits.min is not None and number < limits.min
    too_large = limits.max is not None and number > limits.max
    return _NOT_PLAIN if too_small or too_large else number


def _path(value: Any, limits: Any) -> Any:
    usual = limits.file_okay and limits.dir_okay and not (limits.exists or limits.writable)
    rewritten = limits.resolve_path or limits.path_type is not None
    if not usual or rewritten or not isinstance(value, str | Path) or "\0" in str(value):
        return _NOT_PLAIN
    path = Path(value)
    return _NOT_PLAIN if path.exists() and not os.access(path, os.R_OK) else path
