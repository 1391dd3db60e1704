"""Recipes as files: read, overridden, checked with all problems at once, written and compared."""

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import ValidationError

from seq2seq.errors import RecipeError
from seq2seq.files import read_text
from seq2seq.languages import unknown_code
from seq2seq.recipe import CorpusSpec, Recipe, Section
from seq2seq.similar_names import suggest
from seq2seq.toml import parse_toml, shown, toml_pairs, unusable_values

ENTRY = re.compile(r"\[([^]]*)\]")  # data.train[0].weight, as ``differences`` writes it
# What a value lacks, by pydantic's name of the problem: its own words name classes of ours.
NEEDED = {
    "tuple_type": "a list",
    "too_short": "at least one entry",
    "string_type": "text",
    "string_too_short": "text of length {min_length} or more",
    "literal_error": "{expected}",
    "greater_than_equal": "at least {ge:g}",
    "greater_than": "more than {gt:g}",
    "less_than_equal": "at most {le:g}",
    "less_than": "less than {lt:g}",
    "multiple_of": "a multiple of {multiple_of}",
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "a whole number"),
    **dict.fromkeys(("float_type", "float_parsing"), "a number"),
    **dict.fromkeys(("bool_type", "bool_parsing"), "true or false"),
}

_Kind = TypeVar("_Kind", bound=Section)


def load_recipe(path: Path, overrides: Sequence[str] = ()) -> Recipe:
    """Read a recipe file and apply ``key=value`` overrides to it.

    Args:
        path: A TOML file.
        overrides: Such as ``train.peak_lr=3e-4`` or, for the first corpus,
            ``data.train.0.weight=2``; the value is read as TOML, and as plain text where it is
            not TOML.

    Returns:
        The checked recipe.

    Raises:
        RecipeError: The file is missing or not TOML, or fields cannot be used; all problems of
            the fields at once.
    """
    content = parse_toml(recipe_text(path, overrides))
    return parse_recipe(content, where=str(path))


def recipe_text(path: Path, overrides: Sequence[str] = ()) -> str:
    """The TOML of a recipe file: as it stands, or with ``key=value`` overrides written into it.

    Args:
        path: A TOML file.
        overrides: As in ``load_recipe``.

    Returns:
        Text that says the same without the overrides; the file's comments go where there are any.

    Raises:
        RecipeError: The file is missing or not TOML, or an override names no place in it.
    """
    text = read_text(path, error=RecipeError, needed="a recipe (TOML)")
    try:
        content = parse_toml(text)
    except ValueError as error:
        raise RecipeError(f"{path}: not TOML: {error}") from None
    for override in overrides:
        _apply_override(content, override)
    if not overrides:
        return text
    _refuse(list(unusable_values(content)), where=str(path))
    # A comment is one line, and holds no control characters.
    changes = ["".join(c if c.isprintable() else " " for c in f"# with {o}") for o in overrides]
    return "\n".join([*changes, *(f"{key} = {value}" for key, value in toml_pairs(content))]) + "\n"


def parse_recipe(content: Mapping[str, Any], *, where: str) -> Recipe:
    """Check the content of a recipe against the schema.

    Args:
        content: As TOML or JSON gives it.
        where: What messages call the recipe, usually its path.

    Returns:
        The checked recipe.

    Raises:
        RecipeError: Fields that cannot be used; all of them at once.
    """
    return _validated(Recipe, content, where)


def parse_corpus(content: Mapping[str, Any], *, where: str) -> CorpusSpec:
    """Check what is said of one corpus outside a recipe; like ``parse_recipe``."""
    return _validated(CorpusSpec, content, where)


def _validated(kind: type[_Kind], content: Mapping[str, Any], where: str) -> _Kind:
    _refuse(list(unusable_values(content)), where)
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        problems = [_explain_problem(kind, details) for details in error.errors()]
        raise _error(_joined(filter(None, problems)), where) from None


def _refuse(problems: Sequence[str], where: str) -> None:
    if problems:
        raise _error(problems, where)


def _error(problems: Sequence[str], where: str) -> RecipeError:
    count = f"{len(problems)} field{'s' if len(problems) > 1 else ''} cannot be used"
    return RecipeError("\n  ".join([f"{where}: {count}", *problems]))


def recipe_json(recipe: Recipe) -> str:
    """The recipe with every default written out, as stable JSON."""
    return json.dumps(recipe.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def differences(old: Recipe, new: Recipe) -> dict[str, tuple[Any, Any]]:
    """The keys in which two recipes differ, with both values.

    Returns:
        Dotted key to (old value, new value), in the schema's order.
    """
    before, after = (_flatten(recipe.model_dump(mode="json")) for recipe in (old, new))
    keys = list(dict.fromkeys([*before, *after]))
    return {
        key: (before.get(key), after.get(key)) for key in keys if before.get(key) != after.get(key)
    }


def language_notes(recipe: Recipe) -> list[str]:
    """A line on each language of a recipe whose code no standard has."""
    codes = {"source_language": recipe.source_language, "target_language": recipe.target_language}
    return [
        f"{key} = {code!r}: {said}" for key, code in codes.items() if (said := unknown_code(code))
    ]


def given_keys(recipe: Recipe) -> set[str]:
    """Dotted keys that the recipe gave itself, rather than left to their defaults."""
    return set(_given(recipe, prefix=""))


def section_of(annotation: Any) -> type[Section] | None:
    """The section that a field holds, alone or in a tuple or mapping."""
    for candidate in (annotation, *get_args(annotation)):
        if isinstance(candidate, type) and issubclass(candidate, Section):
            return candidate
    return None


def _apply_override(content: dict[str, Any], override: str) -> None:
    key, equals, text = override.partition("=")
    if not equals or not key.strip():
        raise RecipeError(f"--set {override}: expected key=value, such as train.peak_lr=3e-4")
    *sections, last = ENTRY.sub(r".\1", key.strip()).split(".")
    place: Any = content
    for depth, name in enumerate(sections):
        if isinstance(place, dict):
            place = place.setdefault(name, {})
        else:
            place = place[_entry(place, name, override)]
        if not isinstance(place, dict | list):
            path = ".".join(sections[: depth + 1])
            raise RecipeError(f"--set {override}: '{path}' is not a section of the recipe")
    try:
        value = parse_toml(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text.strip()  # unquoted text, convenient in a shell
    except ValueError as error:
        raise RecipeError(f"--set {shown(override)}: not TOML: {error}") from None
    place[last if isinstance(place, dict) else _entry(place, last, override)] = value


def _entry(entries: Sequence[Any], name: str, override: str) -> int:
    """The place in a list, such as that of the corpora, that a part of a key names."""
    if not (name.isascii() and name.isdigit() and int(name[:9]) < len(entries)):
        raise RecipeError(
            f"--set {override}: no entry '{name}' among {len(entries)}, needed its number counted "
            "from 0, as in data.train.0.weight=2"
        )
    return int(name)


def _explain_problem(kind: type[Section], details: Mapping[str, Any]) -> str | None:
    """What cannot be used and what was needed; None for what follows from another problem."""
    key = ".".join(str(part) for part in _place(kind, details["loc"]))
    if details["type"] == "extra_forbidden":
        known = _names_at(kind, details["loc"][:-1])
        return f"{key}: no such field{suggest(str(details['loc'][-1]), known)}"
    if details["type"] == "missing":
        return f"{key}: needed, but not given"
    if details["type"] == "too_short" and details["input"]:
        return None  # its entries were refused, and are told
    message = _needed(key, details)
    if isinstance(details["input"], dict):
        return f"{key or ('recipe' if kind is Recipe else 'corpus')}: {message}"
    return f"{key} = {shown(details['input'])}: {message}"


def _needed(key: str, details: Mapping[str, Any]) -> str:
    """What was needed, in words of a recipe; or those of pydantic where they are plain."""
    name = details["type"]
    if name in ("model_type", "dict_type"):
        section = re.sub(r"\.\d+$", "", key)
        return f"needed a section {f'[{key}]' if section == key else f'[[{section}]]'}"
    if name in NEEDED:
        return "needed " + NEEDED[name].format(**details.get("ctx", {}))
    message: str = details["msg"].removeprefix("Value error, ")
    return message[0].lower() + message[1:]


def _joined(problems: Iterable[str]) -> list[str]:
    """Problems, each once, those of one value's alternatives in one line."""
    found: dict[str, list[str]] = {}
    for problem in problems:
        where, needed, what = problem.partition(": needed ")
        found.setdefault(where + needed, []).append(what)
    return [where + " or ".join(dict.fromkeys(what)) for where, what in found.items()]


def _place(kind: type[Section], location: Sequence[str | int]) -> Sequence[str | int]:
    """Where a problem lies, without the name that pydantic gives to an alternative of a value."""
    section: type[Section] | None = kind
    for depth, part in enumerate(location, 1):
        if section and (field := section.model_fields.get(str(part))):
            section = section_of(field.annotation)
            if section is None and get_origin(field.annotation) in (Union, UnionType):
                return location[:depth]
    return location


def _names_at(kind: type[Section], location: Sequence[str | int]) -> list[str]:
    """Names of the fields of the section at a place in a recipe or in a part of one."""
    section = kind
    for part in location:
        field = section.model_fields.get(str(part))
        section = (section_of(field.annotation) if field else None) or section
    return list(section.model_fields)


def _flatten(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, dict) and value:
        return {
            k: v
            for name, child in value.items()
            for k, v in _flatten(child, f"{prefix}.{name}" if prefix else name).items()
        }
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return {
            k: v
            for i, child in enumerate(value)
            for k, v in _flatten(child, f"{prefix}[{i}]").items()
        }
    return {prefix: value}


def _given(section: Section, prefix: str) -> Iterator[str]:
    for name in section.model_fields_set:
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from _given(value, f"{prefix}{name}.")
        else:
            yield prefix + name
