"""Translation memories in TMX (Translation Memory eXchange 1.1 to 1.4b) as pairs.

A unit holds a text for each of its languages, in any order. Source and target are named by their
language codes; ``en`` also takes ``en-GB``, as long as no unit has two kinds of English.

Source: the TMX 1.4b specification of the Localization Industry Standards Association (2005).
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
from seq2seq.languages import language_of

XML_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
Text = tuple[str, Any]
"""A language code and the element that holds the text in it."""


def read_tmx(path: Path, fields: tuple[str, str], noticed: Noticed) -> Iterator[tuple[str, str]]:
    """The pairs of a translation memory.

    Args:
        path: The file, plain or compressed.
        fields: Language codes of source and target.
        noticed: Where units that give no pair, further texts and inline tags are counted.

    Returns:
        Pairs in the file's order; of several texts of one language in a unit the first.

    Raises:
        DataError: The file cannot be read, a unit has two kinds of a language, or no unit has
            both languages; the codes that the file holds are named.
    """
    codes: Counter[str] = Counter()
    kinds: dict[tuple[str, str], tuple[int, str]] = {}
    pairs = 0
    for event, name, unit in iterate_elements(path, "tmx", ("tu",)):
        if event == "start" or name != "tu":
            continue
        place = f"line {unit.sourceline}"
        texts = list(_texts(unit, place, noticed))
        codes.update(dict.fromkeys((code for code, _ in texts), 1))
        sides = [_choose(texts, field, f"{path}: {place}") for field in fields]
        missing = [field for field, side in zip(fields, sides, strict=True) if not side]
        for field in missing:
            noticed.add(f"units without '{field}'", "left out", place)
        if missing:
            continue
        pairs += 1
        for field, side in zip(fields, sides, strict=True):
            tag = language_of(side[0][0]).tag
            count, first = kinds.get((field, tag), (0, place))
            kinds[field, tag] = count + 1, first
            for _ in side[1:]:
                noticed.add(f"further texts in '{field}' of a unit", "left out", place)
        yield _pair(sides, f"{path}: {place}", place, noticed)
    _say_mixed(kinds, noticed)
    if not pairs and codes:
        raise _no_pair(path, fields, codes)


def _texts(unit: Any, place: str, noticed: Noticed) -> Iterator[Text]:
    for text in children(unit, "tuv"):
        code = text.get(XML_LANGUAGE) or text.get("lang")
        if code is None:
            noticed.add("texts without a language", "left out", place)
        else:
            yield code, text


def _choose(texts: list[Text], field: str, where: str) -> list[Text]:
    """The texts of a unit in a language: those named exactly so, or else of its only kind."""
    fitting = [text for text in texts if is_language(field, text[0])]
    exact = [text for text in fitting if language_of(text[0]).tag == language_of(field).tag]
    chosen = exact or fitting
    tags = list(dict.fromkeys(code for code, _ in chosen))
    if len({language_of(tag).tag for tag in tags}) > 1:
        raise DataError(
            f"{where}: '{field}' may be {' or '.join(tags)}, needed one; name the one meant"
        )
    return chosen


def _pair(sides: list[list[Text]], where: str, place: str, noticed: Noticed) -> tuple[str, str]:
    found = [segment_text(_segment(side[0][1], where), where) for side in sides]
    if any(tags for _, tags in found):
        noticed.add(*TAGS_KIND, place)
    return found[0][0], found[1][0]


def _segment(text: Any, where: str) -> Any:
    segments = children(text, "seg")
    if len(segments) != 1:
        raise DataError(f"{where}: {len(segments)} segments in a 'tuv', needed one 'seg' in each")
    return segments[0]


def _say_mixed(kinds: dict[tuple[str, str], tuple[int, str]], noticed: Noticed) -> None:
    """Say which kinds of a language were read, where there are several."""
    fields = Counter(field for field, _ in kinds)
    for (field, tag), (count, place) in kinds.items():
        if fields[field] > 1:
            noticed.add(f"units whose '{field}' is {tag}", "read", place, count)


def _no_pair(path: Path, fields: tuple[str, str], codes: Counter[str]) -> DataError:
    held = ", ".join(f"{code} ({count:,})" for code, count in codes.most_common(20))
    return DataError(
        f"{path}: no unit holds both '{fields[0]}' and '{fields[1]}'; its languages, "
        f"with units, are {held}; give two of these codes as source_field and target_field"
    )
