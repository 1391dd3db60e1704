"""Where pieces stand in a text, found by spelling the text from them.

Some tokenizers keep no record of places. Their pieces, read in one of the few ways in which pieces
are written, must spell the text exactly, apart from what tokenizers normalise: white space, case,
compatibility forms, accents, typographic quotes. Then each piece's place follows; otherwise there
is an error, since a search for the pieces one by one would find wrong places.
"""

import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

from seq2seq.errors import SpanError
from seq2seq.probe.items.case import Span

_Character = tuple[str, int, int]
"""A character, the first and the last of those that it comes from."""

_BYTE = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SPACE = "▁"
_TYPOGRAPHY = str.maketrans("“”„‟«»‘’‚‛‹›–—‒―", "\"\"\"\"\"\"''''''----")


def spell_out(tokenizer: Any, text: str, *, target: bool) -> tuple[list[int], list[Span | None]]:
    """Cut a text with a tokenizer that keeps no record of places, and find the places.

    Returns:
        The ids, and the characters that each stands for: None for a special piece, an empty span
        for a piece that stands for no character.

    Raises:
        SpanError: The pieces do not spell the text, or are not those of the ids.
    """
    names = _names(tokenizer, text, target)
    side = "text_target" if target else "text"
    ids = tokenizer(**{side: text}, verbose=False)["input_ids"]
    inner = tokenizer.convert_tokens_to_ids(names)
    begin = next(
        (at for at in range(len(ids) - len(inner) + 1) if ids[at : at + len(inner)] == inner), None
    )
    if begin is None:
        raise SpanError(
            f"{text[:60]!r}: {len(ids)} ids that do not hold the {len(inner)} pieces of the text "
            "in a row, needed to know which are special; use the fast tokenizer"
        )
    outer = len(ids) - begin - len(inner)
    return ids, [None] * begin + [*places_of(names, text, tokenizer)] + [None] * outer


def places_of(names: Sequence[str], text: str, tokenizer: Any = None) -> list[Span]:
    """The characters that each piece of a text stands for, pieces as the vocabulary writes them.

    The tokenizer is asked how it writes bytes, if it writes them in a way of its own.

    Raises:
        SpanError: They do not spell it, however they are read.
    """
    for read in _readings(tokenizer):
        spelt = _characters([read(name) for name in names])
        if spelt is None:
            continue
        for fold in (_as_written, partial(_folded, marks=True), partial(_folded, marks=False)):
            ours, theirs = [*fold(spelt)], [*fold([(c, at, at) for at, c in enumerate(text)])]
            if [c for c, *_ in ours] == [c for c, *_ in theirs]:
                return _places(len(names), ours, theirs)
    raise SpanError(
        f"{text[:60]!r}: its {len(names)} pieces do not spell it ({' '.join(names)[:60]!r}), "
        "needed to know where they stand; use the fast tokenizer, or leave the case out"
    )


def _names(tokenizer: Any, text: str, target: bool) -> list[str]:
    if not target or not hasattr(tokenizer, "_switch_to_target_mode"):
        return list(tokenizer.tokenize(text))
    tokenizer._switch_to_target_mode()  # the library has no public way to tokenize a target
    try:
        return list(tokenizer.tokenize(text))
    finally:
        tokenizer._switch_to_input_mode()


def _readings(tokenizer: Any) -> Iterator[Callable[[str], bytes]]:
    """How a piece may be written: in bytes, plainly, or with a mark of what it continues."""
    alphabet = getattr(tokenizer, "byte_decoder", None)
    if alphabet is not None:
        yield lambda name: bytes(alphabet.get(c, 0) for c in name)
    yield _plain
    yield lambda name: _plain(name.removeprefix("##"))
    yield lambda name: _plain(name.removesuffix("</w>"))
    yield lambda name: _plain(name.removesuffix("@@"))
    yield lambda name: name.encode("latin-1", errors="ignore")


def _plain(name: str) -> bytes:
    byte = _BYTE.fullmatch(name)
    return bytes([int(byte[1], 16)]) if byte else name.encode()


def _characters(parts: Sequence[bytes]) -> list[_Character] | None:
    """The characters that parts make together, each with its first and last part."""
    owners = [row for row, part in enumerate(parts) for _ in part]
    try:
        text = b"".join(parts).decode()
    except UnicodeDecodeError:
        return None
    characters, at = [], 0
    for character in text:
        after = at + len(character.encode())
        characters.append((character, owners[at], owners[after - 1]))
        at = after
    return characters


def _as_written(characters: Sequence[_Character]) -> Iterator[_Character]:
    yield from (entry for entry in characters if not (entry[0].isspace() or entry[0] == _SPACE))


def _folded(characters: Sequence[_Character], *, marks: bool) -> Iterator[_Character]:
    """Characters without what tokenizers normalise, with or without accents."""
    for character, first, last in _as_written(characters):
        plain = unicodedata.normalize("NFKD", character.translate(_TYPOGRAPHY))
        for part in unicodedata.normalize("NFKD", plain.casefold()):
            kind = unicodedata.category(part)
            if not (part.isspace() or kind in ("Cc", "Cf") or (kind[0] == "M" and not marks)):
                yield part, first, last


def _places(count: int, ours: Sequence[_Character], theirs: Sequence[_Character]) -> list[Span]:
    reach: list[list[int]] = [[] for _ in range(count)]
    for (_, first, last), (_, at, _) in zip(ours, theirs, strict=True):
        for row in range(first, last + 1):
            reach[row].append(at)
    places, end = [], 0
    for found in reach:
        start, end = (min(found), max(found) + 1) if found else (end, end)
        places.append((start, end))
    return places
