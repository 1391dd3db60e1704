"""The XML that TMX and XLIFF share, the files in which translators exchange their work.

Both are XML: units with a text in each language, and in the text inline elements that stand for
formatting and placeholders of the document it came from. They are read one unit after another, so
that a memory of any size fits. Nothing outside the file is fetched, and a file that declares
entities of its own is refused: they can make a short file endless.
"""

import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any, Literal

from seq2seq.errors import DataError
from seq2seq.languages import language_of
from seq2seq.lines import open_unpacked

# Elements that hold or stand for code of the document; in all others text goes on.
CODES = frozenset(
    {"bpt", "ept", "ph", "it", "ut"}  # TMX and XLIFF 1.2
    | {"x", "bx", "ex"}  # XLIFF 1.2
    | {"sc", "ec", "sm", "em", "cp"}  # XLIFF 2; there `ph` too
)
LINE_BREAK = re.compile(r"\s*<br\s*/?>\s*|\\n|\s*\n\s*", re.IGNORECASE)
LINE_BREAK_TYPES = frozenset({"lb", "x-lb", "linebreak", "xlf:lb", "br", "x-br"})
TAG = "\0"  # stands where an inline element was; XML cannot hold it
SPACES = re.compile(r"[ \t\r\n]+")
# "Hello <name/>, come in" must not leave a space before its comma.
SPACE_LEFT_BEHIND = re.compile(r" (?:\0 ?)+(?=[,.)\]}](?:[ \0]|$))")
TAGS_KIND = ("units with inline tags", "read without them")


def iterate_elements(
    path: Path, root: str, names: Collection[str]
) -> Iterator[tuple[Literal["start", "end"], str, Any]]:
    """The elements of an XML file as they begin and as they end, each forgotten after its end.

    Args:
        path: The file, plain or compressed; its encoding is what XML says.
        root: Name of the outermost element.
        names: Names of the elements wanted, whatever their namespace.

    Returns:
        What happens, the element's name without its namespace, and the element.

    Raises:
        DataError: The file is not XML, has another root, or declares entities.
    """
    from lxml import etree

    wanted = tuple(f"{{*}}{name}" for name in dict.fromkeys([root, *names]))
    with open_unpacked(path) as stream:
        parser = etree.iterparse(
            stream,
            events=("start", "end"),
            tag=wanted,
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        outermost = None
        try:
            for event, element in parser:
                if outermost is None:
                    outermost = element
                    _check_root(path, root, element)
                yield event, _name(element), element
                if event == "end":
                    _forget(element)
        except etree.XMLSyntaxError as error:
            raise _not_xml(path, parser, error) from None
        if outermost is None:
            _check_root(path, root, parser.root)


def segment_text(segment: Any, where: str) -> tuple[str, int]:
    """The text of a segment without the code of its inline elements.

    Args:
        segment: The element that holds it.
        where: What messages call the place.

    Returns:
        The text, each run of white space one space, and the number of inline elements. A line
        break that an element stands for is a space.

    Raises:
        DataError: An entity stands in it that XML does not know.
    """
    if not len(segment):
        return SPACES.sub(" ", segment.text or "").strip(" "), 0
    parts: list[str] = []
    tags = 0
    waiting = [(segment, False)]
    while waiting:
        element, closing = waiting.pop()
        if closing:
            parts.append(element.tail or "")
            continue
        if not isinstance(element.tag, str):
            raise DataError(
                f"{where}: holds the entity '{element.text}', needed text and the entities of XML "
                "alone; write the character itself"
            )
        if element is not segment:
            tags += 1
            parts.append(TAG)
            waiting.append((element, True))
        if element is not segment and _name(element) in CODES:
            parts.append(" " if _is_line_break(element) else "")
            continue
        parts.append(element.text or "")
        waiting.extend((child, False) for child in reversed(element))
    text = SPACE_LEFT_BEHIND.sub("", SPACES.sub(" ", "".join(parts)))
    return SPACES.sub(" ", text.replace(TAG, "")).strip(" "), tags


def children(element: Any, name: str) -> list[Any]:
    """The elements of a name that stand directly in another, in its namespace."""
    namespace, brace, _ = str(element.tag).rpartition("}")
    return [child for child in element if child.tag == f"{namespace}{brace}{name}"]


def is_language(wanted: str, found: str) -> bool:
    """Whether text in a language serves one who asks for another: ``en-GB`` for ``en``.

    Args:
        wanted: A language code; one without a region takes any region.
        found: The code that stands in the file.

    Returns:
        Whether they are the same, or the second is a kind of the first.
    """
    one, other = language_of(wanted), language_of(found)
    if one.tag == other.tag:
        return True
    if one.tag == f"{one.code}-{one.script}":
        return (one.code, one.script) == (other.code, other.script)
    return one.tag == one.code and one.code in (other.code, other.macrolanguage)


def _check_root(path: Path, root: str, element: Any) -> None:
    if _name(element) != root:
        raise DataError(
            f"{path}: its outermost element is '{_name(element)}', needed '{root}'; rename the "
            "file to what it is"
        )
    declared = element.getroottree().docinfo.internalDTD
    entities = [] if declared is None else [entity.name for entity in declared.entities()]
    if entities:
        raise DataError(
            f"{path}: declares entities of its own ({', '.join(entities[:3])}), which may be "
            "endless; needed a file without; write the characters themselves"
        )


def _not_xml(path: Path, parser: Any, error: Any) -> DataError:
    log = parser.error_log
    line, message = (log[0].line, log[0].message) if len(log) else (error.lineno, error.msg)
    return DataError(
        f"{path}: line {line or 1}: not XML that can be read ({str(message).strip()}), needed what "
        "the name says; write the file again with the program that made it"
    )


def _name(element: Any) -> str:
    return str(element.tag).rpartition("}")[2]


def _forget(element: Any) -> None:
    """Free an element that is done with, and what stood before it beside it."""
    element.clear()
    parent = element.getparent()
    while element.getprevious() is not None:
        del parent[0]


def _is_line_break(element: Any) -> bool:
    kinds = {element.get(name, "").lower() for name in ("ctype", "type", "subType")}
    code = element.get("equiv-text") or element.get("equiv") or "".join(element.itertext())
    return bool(kinds & LINE_BREAK_TYPES) or LINE_BREAK.fullmatch(code) is not None
