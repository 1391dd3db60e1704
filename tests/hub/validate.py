"""The metadata at the head of a card, and what the Hub finds wrong with it.

The rules are those that its documentation states; the Hub itself may know more.
"""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.hub.store import RepoType

HEAD = re.compile(r"\s*---\r?\n(.*?)\r?\n---\s*(?:\n|$)", re.DOTALL)
LANGUAGE = re.compile(r"[a-z]{2,3}(?:-[A-Za-z0-9]+)*|multilingual|code")
LICENSES = {
    "afl-3.0", "agpl-3.0", "apache-2.0", "artistic-2.0", "bsd", "bsd-2-clause", "bsd-3-clause",
    "bsl-1.0", "cc", "cc-by-2.0", "cc-by-3.0", "cc-by-4.0", "cc-by-nc-2.0", "cc-by-nc-3.0",
    "cc-by-nc-4.0", "cc-by-nc-nd-4.0", "cc-by-nc-sa-3.0", "cc-by-nc-sa-4.0", "cc-by-nd-4.0",
    "cc-by-sa-3.0", "cc-by-sa-4.0", "cc0-1.0", "ecl-2.0", "epl-2.0", "eupl-1.2", "gfdl", "gpl",
    "gpl-2.0", "gpl-3.0", "isc", "lgpl", "lgpl-2.1", "lgpl-3.0", "mit", "mpl-2.0", "odbl",
    "odc-by", "openrail", "other", "pddl", "unknown", "unlicense", "wtfpl", "zlib",
}  # fmt: skip
SDKS = ("gradio", "docker", "static")


def read_metadata(card: str) -> dict[str, Any]:
    """The metadata of a card; empty where it has none.

    Raises:
        yaml.YAMLError: It cannot be read.
    """
    found = HEAD.match(card)
    content = yaml.safe_load(found.group(1)) if found else None
    return content if isinstance(content, dict) else {}


def validate_card(card: str, kind: RepoType) -> tuple[list[str], list[str]]:
    """Judge a card.

    Args:
        card: The whole README.md.
        kind: Of its repository.

    Returns:
        Errors, which keep it out, and warnings.
    """
    try:
        metadata = read_metadata(card)
    except yaml.YAMLError as error:
        return [f"YAML cannot be read: {error}"], []
    warnings = [] if metadata else ["empty or missing yaml metadata in repo card"]
    if metadata.get("license") == "other" and "license_name" not in metadata:
        warnings.append('"license_name" and "license_link" are needed beside license: other')
    errors = list(_lists(metadata))
    match kind:
        case "model":
            errors += _model(metadata)
        case "space" if metadata.get("sdk") not in SDKS:
            errors.append(f'"sdk" must be one of {", ".join(SDKS)}')
    return errors, warnings


def as_list(value: Any) -> list[Any]:
    """One value or several, as a list."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _lists(metadata: dict[str, Any]) -> Iterator[str]:
    for place, value in enumerate(as_list(metadata.get("license"))):
        if value not in LICENSES:
            yield f'"license[{place}]" must be one of {", ".join(sorted(LICENSES))}'
    for place, value in enumerate(as_list(metadata.get("language"))):
        if not isinstance(value, str) or not LANGUAGE.fullmatch(value):
            yield f'"language[{place}]" must be an ISO 639 code, got {value!r}; quote "no"'
    for key in ("tags", "datasets", "metrics", "base_model"):
        if any(not isinstance(value, str) for value in as_list(metadata.get(key))):
            yield f'"{key}" must be a string or a list of strings'


def _model(metadata: dict[str, Any]) -> Iterator[str]:
    for key in ("pipeline_tag", "library_name"):
        if key in metadata and not isinstance(metadata[key], str):
            yield f'"{key}" must be a string'
    for number, model in enumerate(as_list(metadata.get("model-index"))):
        where = f"model-index[{number}]"
        if not model.get("name"):
            yield f'"{where}.name" is required'
        for place, result in enumerate(model.get("results") or []):
            yield from _result(f"{where}.results[{place}]", result)


def _result(where: str, result: dict[str, Any]) -> Iterator[str]:
    needed = {"task": ("type",), "dataset": ("type", "name")}
    for part, keys in needed.items():
        for key in keys:
            if not (result.get(part) or {}).get(key):
                yield f'"{where}.{part}.{key}" is required'
    if not result.get("metrics"):
        yield f'"{where}.metrics" is required'
    for place, metric in enumerate(result.get("metrics") or []):
        for key in ("type", "value"):
            if metric.get(key) is None:
                yield f'"{where}.metrics[{place}].{key}" is required'
