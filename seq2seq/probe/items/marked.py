"""Words that people marked as deciding a pronoun, and unmarked words of the same text beside them.

A suite such as SCAT marks what helped people to translate a pronoun. Asked of a model: does the row
of the decoder that decides the pronoun look at these words, and does the answer hang on them? Each
item becomes a choice between two: the marked words that it reads in one place, and as many unmarked
ones of the same text, each of as many pieces, a function word for a function word, if there is one
a noun (a word behind an article or the like) for a noun, and the nearest of them. Half is then
chance, and everything that a probe does with two nouns can be done with them.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Literal, TypeVar, get_args

from seq2seq.context import SideFormat
from seq2seq.errors import SpanError
from seq2seq.evaluate.item import Item, Place
from seq2seq.probe.items.case import Case, Mention, Span
from seq2seq.probe.items.formats.question import Unusable, overlap
from seq2seq.probe.items.formats.suite_items import FUNCTION_WORDS
from seq2seq.probe.items.pieces import Pieces, Rows, Side, in_context, pieces_of, rows_of
from seq2seq.probe.items.placement import Decision, PlacedCase, start_of
from seq2seq.probe.model.stock_model import StockModel
from seq2seq.pronouns.items import first_difference

Where = Literal["target context", "target sentence", "source"]
"""Where marked words stand: in the translated sentences before, in the translation itself before
its pronoun, or in anything that is read of the source."""
PLACES: tuple[Where, ...] = get_args(Where)
DETERMINED = "behind a determiner"
"""The role of a word behind an article or the like: a noun, mostly."""
_DETERMINER = re.compile(
    "the|an?|my|your|his|her|its|our|their|this|that|these|those|"  # English, then French
    "l[ea]?|les|une?|des?|du|d|aux?|ce|cet|cette|ces|[mts](?:on|a|es)|notre|votre|leurs?|[nv]os"
)
_FUNCTION_WORD = re.compile(
    f"{FUNCTION_WORDS}|j|je|tu|ils?|elles?|on|nous|vous|[mtscnd]|[mtscdn]e|qu|que|qui|quoi|dont|où|"
    "lui|eux|[mt]oi|y|en|ça|cela|ceci|et|ou|mais|donc|ni|car|si|comme|quand|à|dans|par|pour|sur|"
    "sous|avec|sans|chez|vers|entre|pas|plus|est|suis|es|sommes|êtes|sont|était|étaient|ai|as|a|"
    "avons|avez|ont|être|avoir|fait|tout|tous|toutes?|très|bien|là|ici|oui|non"
)
_WORD = re.compile(r"\w+")
_In = TypeVar("_In")
_Out = TypeVar("_Out")


@dataclass(frozen=True)
class _Word:
    span: Span
    rows: Rows
    text: str
    function: bool
    determined: bool


@dataclass(frozen=True)
class _Text:
    """One language of an item as a model reads it, where its sentences start, and marks in it."""

    pieces: Pieces
    starts: tuple[int, ...]
    marks: tuple[Span, ...]
    unread: int  # marks in earlier sentences than are read

    @classmethod
    def of(
        cls, model: StockModel, sentences: Sequence[str], marks: Sequence[Place], side: Side
    ) -> "_Text":
        form = SideFormat(0, ())
        if model.context is not None:
            form = model.context.source if side == "source" else model.context.target
        read = sentences[-1 - form.sentences :]
        starts = tuple(accumulate((len(one) + 1 for one in read[:-1]), initial=0))
        pieces = [pieces_of(model.tokenizer, one, side=side) for one in read]
        near = [(starts[-1 - one.distance], one) for one in marks if one.distance < len(read)]
        spans = tuple((start + one.start, start + one.end) for start, one in near)
        return cls(in_context(pieces, starts, form), starts, spans, len(marks) - len(near))

    def words(self, first: int, last: int, *, shift: int = 0) -> list[_Word]:
        """The words between two characters; their rows are so much later than their pieces."""
        found, before = [], ""
        for match in _WORD.finditer(self.pieces.text, first, last):
            text = match.group().lower()
            rows = tuple(row + shift for row in rows_of(self.pieces, match.span()))
            function = bool(_FUNCTION_WORD.fullmatch(text) or _DETERMINER.fullmatch(text))
            determined = _DETERMINER.fullmatch(before) is not None
            found.append(_Word(match.span(), rows, text, function, determined))
            before = text
        return found


@dataclass(frozen=True)
class MarkedItem:
    """An item of a suite that marks words, as a model reads it.

    Attributes:
        item: which.
        source: with the sentences before it that the model reads.
        target: the right translation, likewise.
        decision: where it tells itself from the wrong one; of no nouns.
        sentence: the decoder rows that write the sentence itself, up to the decision.
    """

    item: Item
    source: _Text
    target: _Text
    decision: Decision
    sentence: Rows

    @classmethod
    def of(cls, model: StockModel, item: Item) -> "MarkedItem":
        """Read an item.

        Raises:
            Unusable: there is no wrong translation, or no room for the right one.
            SpanError: pieces cannot be found in the text.
        """
        if not item.bads:
            raise Unusable("no wrong translation can be made")
        before = item.target_context
        source = _Text.of(model, (*item.source_context, item.source), item.source_marks, "source")
        target, other = (
            _Text.of(model, (*before, text), marks, "target")
            for text, marks in ((item.good, item.target_marks), (item.bads[0], ()))
        )
        ids, bad = target.pieces.ids, other.pieces.ids
        row = first_difference(ids, bad)
        if row is None:
            raise Unusable("one translation is a beginning of the other in pieces")
        if max(len(source.pieces.ids), row + 1) > model.most_pieces:
            raise Unusable("longer than the model can read")
        decision = Decision(row, ids[row], bad[row], (start_of(model), *ids[:row]), None)
        own = target.starts[-1]
        begin = min(r for r, at in enumerate(target.pieces.spans) if at and at[0] >= own)
        return cls(item, source, target, decision, tuple(range(begin, row + 1)))

    def placed(self, where: Where, *, moved: bool = False) -> PlacedCase:
        """Ask about the marked words of a place.

        Args:
            where: the place.
            moved: pretend that the unmarked words were marked, and find others for them: a twin of
                the question in which the marks mean nothing.

        Raises:
            Unusable: no marked word is read there, or there are no words like it.
            SpanError: words have no pieces.
        """
        text = self.source if where == "source" else self.target
        words, pronoun = self._words(where)
        marked = [one for one in words if any(overlap(one.span, mark) for mark in text.marks)]
        if not marked:
            raise Unusable(self._why_none(where))
        known = {one.text for one in marked}
        others = [one for one in words if one.text not in known]
        beside = _closest_words(marked, others)
        if moved:
            others = [one for one in others if one not in beside]
            marked, beside = beside, _closest_words(beside, others)
        nouns = (_rows(marked), _rows(beside))
        case = _case(self.item, text.pieces.text, pronoun, marked, beside)
        if where != "source":
            decision = replace(self.decision, nouns=nouns)
            return PlacedCase(case, self.source.pieces, ((), ()), {}, (), decision)
        it = rows_of(self.source.pieces, pronoun)
        free = tuple(one.rows for one in words if not {*nouns[0], *nouns[1]} & set(one.rows))
        return PlacedCase(case, self.source.pieces, nouns, {"it": it}, free, self.decision)

    def _words(self, where: Where) -> tuple[list[_Word], Span]:
        """The words of a place that the decision row can see, and the pronoun in the same text."""
        source, target, row = self.source, self.target, self.decision.row
        if where == "source":
            if self.item.pronoun is None:
                raise Unusable("no pronoun of the source is marked")
            begin = source.starts[-1]
            pronoun = (begin + self.item.pronoun.start, begin + self.item.pronoun.end)
            words = source.words(0, len(source.pieces.text))
            return [one for one in words if not overlap(one.span, pronoun)], pronoun
        begin = target.starts[-1]
        pronoun = target.pieces.spans[row] or (begin, begin)
        ends = (0, begin) if where == "target context" else (begin, max(pronoun[0], begin))
        return [one for one in target.words(*ends, shift=1) if one.rows[-1] <= row], pronoun

    def _why_none(self, where: Where) -> str:
        text = self.source if where == "source" else self.target
        own = text.starts[-1]
        here = [a for a, _ in text.marks if where == "source" or (a >= own) == (where != PLACES[0])]
        if here:
            return "the marked words are the pronoun, or stand behind it, where its row cannot look"
        if text.unread and where != "target sentence":
            return "the marked words stand in an earlier sentence than the model is given"
        return "no word is marked there"


def read_marked(model: StockModel, items: Iterable[Item]) -> tuple[list[MarkedItem], Counter[str]]:
    """Read the items of a suite that marks words; of those that cannot be read, count why."""
    return _each(items, lambda item: MarkedItem.of(model, item))


def place_marked(
    items: Iterable[MarkedItem], where: Where, *, moved: bool = False
) -> tuple[list[PlacedCase], Counter[str]]:
    """Place the items with marked words in a place, as `MarkedItem.placed`; count the others."""
    return _each(items, lambda one: one.placed(where, moved=moved))


def _each(items: Iterable[_In], make: Callable[[_In], _Out]) -> tuple[list[_Out], Counter[str]]:
    """What is made of each item; of those of which nothing can be made, the reasons, counted."""
    made, reasons = [], Counter[str]()
    for item in items:
        try:
            made.append(make(item))
        except (Unusable, SpanError) as why:
            reasons[str(why).partition(":")[0]] += 1
    return made, reasons


def _closest_words(marked: Sequence[_Word], others: Sequence[_Word]) -> list[_Word]:
    """As many other words as are marked, each as like one of them as there is.

    Raises:
        Unusable: there are not so many of the same kind and number of pieces.
    """
    found: list[_Word] = []
    for one in marked:
        alike = [
            other
            for other in others
            if other not in found
            and (other.function, len(other.rows)) == (one.function, len(one.rows))
        ]
        if not alike:
            raise Unusable("no unmarked word of the same kind and number of pieces stands there")
        distances = {
            other: (other.determined != one.determined, abs(other.span[0] - one.span[0]))
            for other in alike
        }
        found.append(min(alike, key=distances.__getitem__))
    return found


def _case(
    item: Item, text: str, pronoun: Span, marked: Sequence[_Word], beside: Sequence[_Word]
) -> Case:
    """The question: marked or unmarked? Of several words, the last says where they stand."""
    mentions = [
        Mention(
            " ".join(one.text for one in some),
            some[-1].span,
            role=DETERMINED if any(one.determined for one in some) else "",
        )
        for some in (marked, beside)
    ]
    first = mentions[0].span < mentions[1].span
    return Case(
        id=item.id,
        text=text,
        pronoun=pronoun,
        candidates=tuple(mentions if first else mentions[::-1]),
        correct=frozenset({0 if first else 1}),
        cluster=item.cluster,
        tags=tuple(f"{name}={value}" for name, value in item.tags.items()),
    )


def _rows(words: Sequence[_Word]) -> Rows:
    return tuple(sorted({row for one in words for row in one.rows}))
