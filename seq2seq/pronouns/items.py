"""What a probe case is: a sentence with "it", the nouns it may mean, a good and a bad translation.

Spans are fixed by whoever writes the sentence, never found again by a parser, so a probe can point
at a word without guessing. Files are JSON Lines; every line names the version of this schema.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, Any, TypeVar

from pydantic import ConfigDict, Strict, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from seq2seq.errors import DataError
from seq2seq.files import write_objects
from seq2seq.lines import iterate_objects
from seq2seq.toml import shown

SCHEMA = 1

AGAIN = "write the file again with seq2seq corpus pronouns"

_WORD = re.compile(r"[\w'’-]+")
_Value = TypeVar("_Value")

Whole = Annotated[int, Strict()]
Span = tuple[Whole, Whole]
"""First character and one past the last; ``text[start:end]`` is the word."""


class _Texts(TypedDict):
    """What every row has; other fields belong to whoever wrote them."""

    source: str
    target: str


@dataclass(frozen=True)
class Candidate:
    """A noun that the pronoun may refer to, where it stands in the source and in the target.

    ``role`` is "agent" or "patient" where a verb decides; "first kind" or "second kind" (the
    order of the kinds in the lexicon, not of the words) in a selectional one; "first" or "second"
    in a handwritten one, as its scene lists them. ``kind`` is empty where the lexicon has no such
    noun.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    noun: str
    kind: str
    role: str
    gender: str
    source_span: Span
    target_span: Span


@dataclass(frozen=True)
class Item:
    """One sentence whose translation shows who "it" is.

    Items that differ only in the cue share ``pair``; two pairs that differ in voice or in the order
    of the nouns share ``quad``; ``block`` adds the same thing with the genders exchanged and is the
    unit that never crosses splits. ``schema`` and ``voice`` name the verb and its voice in a causal
    item, the two kinds and the frame in a selectional one, the scene and its telling in a
    handwritten one. ``candidates`` stand in the order of the source, only one in a training
    sentence of family "filler"; ``gold`` is an index into them, or None where "it" refers to
    nothing (it was raining) or to either noun alike. ``clause`` runs from the conjunction to the
    cue. ``good`` and ``bad`` differ only in ``good_spans`` and
    ``bad_spans``; they are equal, with no spans, where the target shows no gender.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    id: str
    quad: str
    pair: str
    block: str
    language: str
    family: str
    schema: str
    cue: str
    voice: str
    split: str
    source: str
    pronoun: Span
    cue_span: Span
    clause: Span
    candidates: tuple[Candidate, ...]
    gold: Whole | None
    good: str
    bad: str
    good_spans: tuple[Span, ...]
    bad_spans: tuple[Span, ...]
    tags: tuple[str, ...] = ()

    @property
    def antecedent(self) -> Candidate | None:
        """The noun that "it" refers to, if it refers to one."""
        return None if self.gold is None else self.candidates[self.gold]

    @property
    def distractor(self) -> Candidate | None:
        """The noun that "it" does not refer to, if it refers to the other one of two."""
        if self.gold is None or len(self.candidates) == 1:
            return None
        return self.candidates[1 - self.gold]

    @property
    def contrastive(self) -> bool:
        """Whether the target shows which noun was meant."""
        return self.good != self.bad


@dataclass(frozen=True)
class Row:
    """A training sentence with its translation, and the item it comes from, if any."""

    source: str
    target: str
    item: Item | None = None


def differing_spans(good: str, bad: str) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Where two translations with equally many words differ.

    Args:
        good: the right translation.
        bad: the wrong one.

    Returns:
        The character spans of the differing words in each, final punctuation excluded.

    Raises:
        DataError: the number of words differs, so words cannot be compared one by one.
    """
    if good == bad:
        return (), ()
    first = good.rfind(" ", 0, _length_alike(good, bad)) + 1
    spans = _differing_words(good[first:], bad[first:])
    if spans is None:
        raise DataError(
            f"contrast of {good!r}: {len(words_of(good))} words against {len(words_of(bad))} in "
            f"{bad!r}, needed as many; write both from one template"
        )
    ours, theirs = spans
    return (
        tuple((start + first, end + first) for start, end in ours),
        tuple((start + first, end + first) for start, end in theirs),
    )


def first_difference(good: Sequence[int], bad: Sequence[int]) -> int | None:
    """Place of the first piece in which two translations differ: there a model decides for one.

    None where one is a beginning of the other.
    """
    pairs = enumerate(zip(good, bad, strict=False))
    return next((place for place, (one, other) in pairs if one != other), None)


def _length_alike(one: str, other: str) -> int:
    """How many characters two different texts begin with alike."""
    alike, end = 0, min(len(one), len(other))
    while alike < end:
        middle = (alike + end + 1) // 2
        if one[alike:middle] == other[alike:middle]:
            alike = middle
        else:
            end = middle - 1
    return alike


@cache  # sentences of a corpus end alike in many ways, but in far fewer than there are sentences
def _differing_words(good: str, bad: str) -> tuple[tuple[Span, ...], tuple[Span, ...]] | None:
    """Where words differ; None if there are not as many."""
    ours, theirs = (list(_WORD.finditer(text)) for text in (good, bad))
    if len(ours) != len(theirs):
        return None
    pairs = [
        (a.span(), b.span())
        for a, b in zip(ours, theirs, strict=True)
        if a[0] != b[0] and a[0].lower() != b[0].lower()
    ]
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)


def forget_differences() -> None:
    """Free the memory that `differing_spans` keeps so as to be quick."""
    _differing_words.cache_clear()


def word_spans(text: str) -> list[Span]:
    """The words of a text, without the punctuation around them."""
    return [match.span() for match in _WORD.finditer(text)]


def words_of(text: str) -> list[str]:
    """The words of a text themselves."""
    return _WORD.findall(text)


def read_items(path: Path) -> list[Item]:
    """Read items, each by itself or in the row that it belongs to.

    Args:
        path: a JSON Lines file.

    Returns:
        The items in file order; rows without an item are passed over.

    Raises:
        DataError: a line is not an item of this schema version.
    """
    return [row.item for row in read_rows(path) if row.item is not None]


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write training rows as JSON Lines: source, target, and the item where there is one."""
    write_objects(path, (_row_fields(row) for row in rows))


def read_rows(path: Path) -> list[Row]:
    """Read rows written by `write_rows`; a bare item becomes a row with its good translation."""
    return [
        _row_of(fields, f"{path}:{number}")
        for number, fields in iterate_objects(path, needed=f"one object a line; {AGAIN}")
    ]


def _row_fields(row: Row) -> dict[str, Any]:
    fields: dict[str, Any] = {"source": row.source, "target": row.target}
    if row.item is not None:
        fields["item"] = _item_fields(row.item)
    return fields


def _item_fields(item: Item) -> dict[str, Any]:
    candidates = [vars(candidate) for candidate in item.candidates]
    return {"item_schema": SCHEMA, **vars(item), "candidates": candidates}


def _row_of(fields: dict[str, Any], where: str) -> Row:
    if "item_schema" in fields:
        bare = _item_of(fields, where)
        return Row(bare.source, bare.good, bare)
    texts = _checked(_TEXTS, fields, where)
    item = _item_of(fields["item"], where) if "item" in fields else None
    return Row(texts["source"], texts["target"], item)


def _item_of(fields: Any, where: str) -> Item:
    found = fields.get("item_schema") if isinstance(fields, dict) else fields
    if type(found) is not int or found != SCHEMA:
        raise DataError(
            f"{where}: item schema {shown(found)}, needed {SCHEMA}; "
            "write the file again with seq2seq corpus pronouns"
        )
    values = {key: value for key, value in fields.items() if key != "item_schema"}
    item = _checked(_ITEM, values, where)
    problem = next(_contradictions(item), None)
    if problem is not None:
        raise DataError(f"{where}: {problem}; {AGAIN}")
    return item


def _checked(kind: TypeAdapter[_Value], fields: dict[str, Any], where: str) -> _Value:
    try:
        return kind.validate_python(fields)
    except ValidationError as error:
        problems = map(_explained, error.errors()[:3])
        raise DataError(f"{where}: {'; '.join(problems)}; {AGAIN}") from None


def _explained(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    match problem["type"]:
        case "missing":
            return f"no field '{key}'"
        case "unexpected_keyword_argument":
            return f"unknown field '{key}'"
        case _:
            return f"{key} = {shown(problem['input'])}: {problem['msg']}"


def _contradictions(item: Item) -> Iterator[str]:
    """What no type says: spans outside of their text, a right noun that is not there."""
    if not 1 <= len(item.candidates) <= 2:
        yield f"{len(item.candidates)} candidates, needed one or two"
    if item.gold is not None and not 0 <= item.gold < len(item.candidates):
        yield f"gold = {item.gold}, needed one of the {len(item.candidates)} candidates or null"
    texts = {"source": item.source, "good": item.good, "bad": item.bad}
    for name, text, span in (
        ("pronoun", "source", item.pronoun),
        ("cue_span", "source", item.cue_span),
        ("clause", "source", item.clause),
        *(("source_span", "source", one.source_span) for one in item.candidates),
        *(("target_span", "good", one.target_span) for one in item.candidates),
        *(("good_spans", "good", span) for span in item.good_spans),
        *(("bad_spans", "bad", span) for span in item.bad_spans),
    ):
        if not 0 <= span[0] < span[1] <= len(texts[text]):
            yield (
                f"{name} {list(span)} is no place in {text}, which has {len(texts[text])} "
                "characters"
            )


_ITEM = TypeAdapter(Item)
_TEXTS = TypeAdapter(_Texts)
