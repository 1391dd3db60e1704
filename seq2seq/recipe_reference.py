"""The recipe schema as a person reads it: every key, its type, its default and its meaning."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, get_args, get_origin

from seq2seq.errors import RecipeError
from seq2seq.recipe import CorpusSpec, DataSpec, Recipe, Section
from seq2seq.recipe_file import section_of
from seq2seq.similar_names import suggest


def explain(key: str | None = None) -> str:
    """Type, default and meaning of one key, of a section, or of every key.

    Raises:
        RecipeError: There is no such key.
    """
    lines = [
        f"{name}  ({kind}{'' if default is None else f', default {default}'})\n    {meaning}"
        for name, kind, default, meaning in describe_fields()
        if key is None or name == key or name.startswith(f"{key}.")
    ]
    if not lines:
        known = [name for name, *_ in describe_fields()]
        raise RecipeError(f"recipe: no key '{key}'{suggest(key or '', known)}")
    return "\n".join(lines)


def describe_fields() -> Iterator[tuple[str, str, str | None, str]]:
    """Every key of the schema: dotted name, type, default as TOML text or None, and meaning."""
    yield from _describe(Recipe, prefix="")


def _describe(section: type[Section], prefix: str) -> Iterator[tuple[str, str, str | None, str]]:
    for name, field in section.model_fields.items():
        child = section_of(field.annotation)
        if child is not None:
            infix = {"train": "train[].", "test": "test.NAME."}.get(name, f"{name}.")
            dotted = (
                infix
                if child is CorpusSpec and section is DataSpec and name != "dev"
                else f"{name}."
            )
            yield from _describe(child, prefix + dotted)
            continue
        value = None if field.is_required() else field.get_default(call_default_factory=True)
        default = None if value is None else json.dumps(value)
        meaning = " ".join((field.description or "").split())
        yield prefix + name, _type_text(field.annotation), default, meaning


def _type_text(annotation: Any) -> str:
    if isinstance(annotation, str):
        return f'"{annotation}"'
    if isinstance(annotation, type):
        return {"str": "text", "int": "whole number", "float": "number", "bool": "true or false"}[
            annotation.__name__
        ]
    args = [argument for argument in get_args(annotation) if argument not in (type(None), ...)]
    if get_origin(annotation) is Mapping:
        return f"table of {_type_text(args[-1])}"
    if get_origin(annotation) is Annotated:
        return _type_text(args[0])
    return ("list of " if get_args(annotation)[-1] is ... else "") + " | ".join(
        map(_type_text, args)
    )
