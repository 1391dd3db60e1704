"""SCAT: English to French pronouns, with the words that people say decide them (Yin et al. 2021).

PATH is a file of JSON lines, packed or not. Each holds ``source``, ``target``, ``source_context``
and ``target_context`` (one text of any number of sentences) and, as pairs of characters in these,
``source_pronouns``, ``target_pronouns`` and what people marked as helpful: ``source_support``,
``target_support``, ``source_context_support``, ``target_context_support``.

The wrong translation is the right one with its marked pronouns in the other gender. The marks stood
in the text as tags, and where they were taken out white space is left ("l' histoire .") that tells
a model which word was marked; the reader takes it out, too. Context is cut into sentences as in
training. Items that share an English sentence of five words or more are one cluster, since the file
names no documents.

Source: Yin et al. 2021 (arXiv 2105.06977), github.com/neulab/contextual-mt.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any

from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from seq2seq.errors import DataError
from seq2seq.evaluate.item import Item, Place, Suite
from seq2seq.evaluate.judging import judge_by_word
from seq2seq.evaluate.suites.contrapro import FAR, pronoun_words
from seq2seq.evaluate.suites.contrastive_fr import PRONOUNS, RULE
from seq2seq.evaluate.suites.files import read_records
from seq2seq.sentences import sentences_of

OTHER_GENDER = {"il": "elle", "elle": "il", "ils": "elles", "elles": "ils"}
SHARED_WORDS = 5  # of a sentence that only items of one document share
_TEXTS = ("source_context", "source", "target_context", "target")
_SPANS = (*(f"{text}_support" for text in _TEXTS), "source_pronouns", "target_pronouns")
_FIELDS: Mapping[str, type] = {**dict.fromkeys(_TEXTS, str), **dict.fromkeys(_SPANS, list)}
_OPENING, _CLOSING = "'’(", ".,)'’"

Spans = list[tuple[int, int]]


def read_scat(path: Path) -> Suite:
    """Read one file.

    Args:
        path: JSON lines.

    Raises:
        DataError: it is no such file, or a mark lies outside its text.
    """
    records = read_records(path, _FIELDS)
    rows = [_sides(path, number, record) for number, record in enumerate(records, start=1)]
    clusters = _clusters([(*source.sentences,) for source, _ in rows])
    items = tuple(
        _item(number, *row, cluster)
        for number, (row, cluster) in enumerate(zip(rows, clusters, strict=True), start=1)
    )
    notes = [
        f"items that share an English sentence of {SHARED_WORDS} words or more are one cluster"
    ]
    empty = sum(a == b for one in records for name in _SPANS for a, b in one[name])
    if empty:
        notes.append(f"{empty:,} marks cover no character and are left out")
    if unmade := sum(not item.bads for item in items):
        notes.append(
            f"{unmade:,} items mark no il, elle, ils or elles; of them no wrong translation is made"
        )
    return Suite("SCAT", ("en", "fr"), items, judge_by_word(), RULE, tuple(notes))


class _Side:
    """One language of a record: its sentences, the last of them the one that is asked about."""

    def __init__(self, path: Path, number: int, record: Mapping[str, Any], side: str):
        where = f"{path}: item {number}: {side}"
        names = (f"{side}_support", f"{side}_pronouns")
        text, (marks, pronouns) = _plain(where, record[side], *(record[name] for name in names))
        context, (before, _) = _plain(
            f"{where}_context", record[f"{side}_context"], record[f"{side}_context_support"], []
        )
        ends = [*accumulate(map(len, sentences_of(context)))] if context.strip() else []
        cut = [
            _stripped(context, span)
            for span in zip([0, *ends], ends, strict=False)
            if context[slice(*span)].strip()
        ]
        self.sentences = (*(context[slice(*span)] for span in cut), text)
        self.pronouns = pronouns
        self.marks = (
            *(
                Place(len(cut) - place, max(a, start) - start, min(b, end) - start)
                for place, (start, end) in enumerate(cut)
                for a, b in before
                if max(a, start) < min(b, end)
            ),
            *(Place(0, a, b) for a, b in marks),
        )


def _sides(path: Path, number: int, record: Mapping[str, Any]) -> tuple[_Side, _Side]:
    return _Side(path, number, record, "source"), _Side(path, number, record, "target")


def _plain(where: str, text: str, *marked: Any) -> tuple[str, list[Spans]]:
    """A text without the white space that its tags have left, and the marks moved accordingly."""
    for spans in marked:
        for span in spans:
            if not _is_span(span, len(text)):
                raise DataError(
                    f"{where}: a mark at {span!r:.40}, needed the first character and one past "
                    f"the last of its {len(text)}; is it a file of this suite?"
                )
    gone = set[int]()
    for start, end in (span for spans in marked for span in spans):
        head, tail = text[:start].rstrip(), text[end:].lstrip()
        left = int(bool(head) and head[-1] not in _OPENING)
        right = int(bool(tail) and tail[0] not in _CLOSING)
        gone.update(range(len(head) + left, start), range(end + right, len(text) - len(tail)))
    places = [*accumulate((at not in gone for at in range(len(text))), initial=0)]
    kept = "".join(letter for at, letter in enumerate(text) if at not in gone)
    return kept, [[(places[a], places[b]) for a, b in spans if a < b] for spans in marked]


def _is_span(span: Any, size: int) -> bool:
    return (
        isinstance(span, list)
        and len(span) == 2
        and all(type(one) is int for one in span)
        and 0 <= span[0] <= span[1] <= size
    )


def _stripped(text: str, span: tuple[int, int]) -> tuple[int, int]:
    start, end = span
    word = text[start:end]
    start += len(word) - len(word.lstrip())
    return start, start + len(word.strip())


def _clusters(texts: Sequence[Sequence[str]]) -> list[str]:
    """A name for each item; the same where items share a long sentence, directly or by others."""
    known: dict[str, int] = {}
    pairs = [
        (number, known.setdefault(sentence.lower(), len(known)))
        for number, sentences in enumerate(texts)
        for sentence in sentences
        if len(re.findall(r"\w+", sentence)) >= SHARED_WORDS
    ]
    ends = [(number, len(texts) + place) for number, place in pairs]
    size = len(texts) + len(known)
    rows, columns = zip(*ends, strict=True) if ends else ((), ())
    graph = coo_array(([1] * len(ends), (rows, columns)), shape=(size, size))
    _, labels = connected_components(graph, directed=False)
    return [str(label + 1) for label in labels[: len(texts)]]


def _item(number: int, source: _Side, target: _Side, cluster: str) -> Item:
    good = target.sentences[-1]
    bad = _exchanged(good, target.pronouns)
    bads = () if bad == good else (bad,)
    expected, unexpected = pronoun_words(good, bads, PRONOUNS) if bads else ((), ())
    tags = {"pronoun": "/".join(word for word in expected if word in PRONOUNS) or "not one word"}
    if target.marks:
        distance = min(mark.distance for mark in target.marks)
        tags["distance"] = str(distance) if distance <= FAR else f">{FAR}"
    return Item(
        id=str(number),
        source=source.sentences[-1],
        cluster=cluster,
        good=good,
        bads=bads,
        source_context=source.sentences[:-1],
        target_context=target.sentences[:-1],
        expected=expected,
        unexpected=unexpected,
        tags=tags,
        pronoun=Place(0, *source.pronouns[0]) if source.pronouns else None,
        source_marks=source.marks,
        target_marks=target.marks,
    )


def _exchanged(text: str, pronouns: Spans) -> str:
    """A text whose marked pronouns have the other gender; a mark of another word stays."""
    for start, end in sorted(pronouns, reverse=True):
        word = text[start:end]
        other = OTHER_GENDER.get(word.lower(), word)
        text = text[:start] + (other.capitalize() if word[0].isupper() else other) + text[end:]
    return text
