"""Plain values as TOML: which of them a recipe may hold, and how they are written.

The language allows more than any key of ours means: dates, whole numbers of any length, nesting of
any depth, text with NUL in it that no file can be called. Such values are named before a schema
looks at them. The standard library reads TOML but does not write it.
"""

import json
import math
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any

DEEPEST = 20
SHOWN_CHARACTERS = 120


def parse_toml(text: str) -> dict[str, Any]:
    """Read TOML.

    Raises:
        ValueError: It is none, or holds a number or nesting that cannot be read; it says what.
    """
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def unusable_values(content: Any, key: str = "", depth: int = 0) -> Iterator[str]:
    """Name the values that no key can have, each with its place.

    Args:
        content: What TOML or JSON gave.
        key: Dotted name of the place.
        depth: How deep the place lies.
    """
    if depth > DEEPEST:
        yield f"{key[:SHOWN_CHARACTERS]}: nested more than {DEEPEST} deep"
    elif isinstance(content, dict):
        for name, value in content.items():
            yield from unusable_values(value, f"{key}.{name}" if key else str(name), depth + 1)
    elif isinstance(content, list):
        for number, value in enumerate(content):
            yield from unusable_values(value, f"{key}.{number}", depth + 1)
    elif reason := _reason_against(content):
        yield f"{key} = {shown(content)}: {reason}"


def shown(value: Any) -> str:
    """A value as messages show it: as JSON, on one line, cut where it is long."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        text = "what is too large to print"
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "…"


def _reason_against(value: Any) -> str | None:
    match value:
        case bool() | None:
            return None
        case int() if abs(value) >= 2**63:
            return "too large, needed a whole number of at most 64 bits"
        case float() if not math.isfinite(value):
            return "not finite, needed a number"
        case str() if "\0" in value:
            return "holds a NUL character, needed text without one"
        case str() if any("\ud800" <= one <= "\udfff" for one in value):
            return "holds half a character, needed text in UTF-8"
        case int() | float() | str():
            return None
        case _:
            return f"a {type(value).__name__}, needed text or a number; put text into quotes"


def toml_pairs(content: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Write tables, lists, texts, numbers and truth values; what is None is left out.

    Args:
        content: As ``tomllib`` gives it.

    Yields:
        A dotted key and its value, for each value that is no table.
    """
    yield from _pairs(content, "")


def _pairs(section: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for name, value in section.items():
        key = f"{prefix}{_key(name)}"
        if isinstance(value, dict) and value:
            yield from _pairs(value, f"{key}.")
        elif value is not None:
            yield key, _value(value)


def _value(value: Any) -> str:
    if isinstance(value, dict):
        pairs = (f"{_key(k)} = {_value(v)}" for k, v in value.items() if v is not None)
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list):
        return f"[{', '.join(_value(one) for one in value)}]"
    # Text, numbers, true and false are as in JSON, but for one character that TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    plain = name.isascii() and name.replace("_", "").replace("-", "").isalnum()
    return name if plain else _value(name)
