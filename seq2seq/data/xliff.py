"""Translated documents in XLIFF (1.0 to 1.2, and 2.0 to 2.2) as pairs.

A file says which languages it is in; ``source_field`` and ``target_field`` may name them, in either
direction. Proposals from a memory (``alt-trans``, ``mtc:match``) are no pairs of the document.

Source: the XLIFF 1.2 and XLIFF 2.1 specifications of OASIS (2008, 2018).
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from seq2seq.data.findings import Noticed
from seq2seq.data.translation_xml import (
    TAGS_KIND,
    children,
    is_language,
    iterate_elements,
    segment_text,
)
from seq2seq.errors import DataError

DEFAULT = ("source", "target")
NOT_DONE = frozenset({"new", "needs-translation", "initial"})
Languages = tuple[str | None, str | None]


def read_xliff(path: Path, fields: tuple[str, str], noticed: Noticed) -> Iterator[tuple[str, str]]:
    """The pairs of translated documents.

    Args:
        path: The file, plain or compressed.
        fields: Language codes of source and target, or ``source`` and ``target`` for those of the
            file.
        noticed: Where units without a translation and inline tags are counted.

    Returns:
        Pairs in the file's order, turned round where the fields name the file's languages so.

    Raises:
        DataError: The file cannot be read, or none of its documents is in these languages.
    """
    languages: Languages = (None, None)
    left_out: Counter[Languages] = Counter()
    pairs = 0
    names = ("file", "trans-unit", "segment", "unit")
    for event, name, element in iterate_elements(path, "xliff", names):
        if event == "start":
            languages = _languages(element, languages) if name in ("xliff", "file") else languages
            continue
        if name not in ("trans-unit", "segment"):
            continue
        sides = _sides(fields, languages)
        place = f"line {element.sourceline}"
        if sides is None:
            left_out[languages] += 1
            noticed.add(f"units from {_say(languages)}", "left out", place)
            continue
        texts = [text for side in DEFAULT for text in children(element, side)]
        if len(texts) != 2:  # those of a proposal stand in an element of their own
            noticed.add("units without a translation", "left out", place)
            continue
        if {element.get("state"), texts[1].get("state")} & NOT_DONE:
            noticed.add("translations marked as not done yet", "read", place)
        found = [segment_text(text, f"{path}: {place}") for text in texts]
        if any(tags for _, tags in found):
            noticed.add(*TAGS_KIND, place)
        pairs += 1
        yield found[sides[0]][0], found[sides[1]][0]
    if not pairs and left_out:
        there = ", ".join(f"from {_say(one)} ({n:,})" for one, n in left_out.items())
        raise DataError(
            f"{path}: no document from '{fields[0]}' to '{fields[1]}'; its units are {there}; "
            "give these codes as source_field and target_field, or leave them out"
        )


def _languages(element: Any, known: Languages) -> Languages:
    """What an ``xliff`` (version 2) or a ``file`` (version 1) says of its languages."""
    source = element.get("source-language") or element.get("srcLang")
    target = element.get("target-language") or element.get("trgLang")
    return source or known[0], target or (None if source else known[1])


def _sides(fields: tuple[str, str], languages: Languages) -> tuple[int, int] | None:
    """Which text is the source and which the target; None where the languages are others."""
    straight = zip(fields, languages, DEFAULT, strict=True)
    if all(field == name or code is None or is_language(field, code)
           for field, code, name in straight):  # fmt: skip
        return 0, 1
    turned = zip(fields, reversed(languages), strict=True)
    if all(code is not None and is_language(field, code) for field, code in turned):
        return 1, 0
    return None


def _say(languages: Languages) -> str:
    source, target = (code or "no language named" for code in languages)
    return f"{source} to {target}"
