"""Plain values as TOML, which the standard library reads but does not write."""

import json
from collections.abc import Iterator, Mapping
from typing import Any


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
