"""Templates with slots → a sentence that knows where its words stand.

A template such as ``"{A} was next to {B} because {it} {is:it}."`` is filled by a grammar, slot by
slot. Marked pieces ("A", "it", "cue") leave their character spans behind.

Slots::

    {A}               the noun with its definite article
    {A:a}             with another determiner: a, this, my
    {A:the+}          with its own adjective as well: the ripe lemon
    {A:acc} {A:a+dat} in another case than the nominative, where the language has cases
    {it}              the pronoun, where the language writes one
    {is:it} {isnt:A}  the whole predicate of the pronoun or a noun: was already ripe
    {islast:it}       the same with the verb at its end: schon reif war
    {be:A} {what:A}   its verb alone, and what follows the verb
    {one:it}          what stands for the noun that a property picks out: "the one that" was ripe
    {one:it:acc}      the same in another case
    {levantado@A}     a word that agrees with a noun
    {cue=raining}     a word given as it is, marked "cue"; {=Ana} without a mark
    {person}          a name, the first that is not taken yet

A capital after the brace (``{It}``, ``{Is:it}``) starts a sentence.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import count, takewhile
from typing import Literal, NamedTuple, Protocol

from seq2seq.pronouns.items import Span
from seq2seq.pronouns.lexicon import Cue, Gender, Noun

Tense = Literal["past", "present"]
Determiner = Literal["the", "a", "this", "my", "no"]
Case = Literal["nom", "acc", "dat"]


@dataclass(frozen=True, eq=False)  # one object for a word, as nouns and cues are
class Modifier:
    """An adverb of the predicate, by its English word, with its form in the other language."""

    english: str
    other: str
    position: Literal["before adjective", "before verb"]


@dataclass(frozen=True)
class Predicate:
    """What is said of a noun: an adjective, with or without an adverb."""

    cue: Cue
    modifier: Modifier | None = None


class Piece(NamedTuple):
    """A stretch of text, and the name under which its span is remembered."""

    text: str
    mark: str | None = None


class Phrase(NamedTuple):
    """What fills a slot, and each mark in it with its first character and one past the last."""

    text: str
    marks: tuple[tuple[str, int, int], ...] = ()

    @classmethod
    def of(cls, pieces: Iterable[Piece]) -> "Phrase":
        """Pieces one after another."""
        text, marks = "", []
        for piece in pieces:
            if piece.mark is not None:
                marks.append((piece.mark, len(text), len(text) + len(piece.text)))
            text += piece.text
        return cls(text, tuple(marks))


class Line(NamedTuple):
    """A sentence and where its marked words stand."""

    text: str
    spans: Mapping[str, Span]


@dataclass(frozen=True)
class Scene:
    """What the slots stand for: nouns by letter, what is said of whom, when."""

    nouns: Mapping[str, Noun]
    predicates: Mapping[str, Predicate] = field(default_factory=dict)
    antecedent: str | None = None
    tense: Tense = "past"

    def gender(self, who: str) -> Gender:
        """The gender of a noun, or of what the pronoun refers to, or may: both nouns' or "m"."""
        key = self.antecedent if who == "it" else who
        if key is not None:
            return self.nouns[key].shown
        genders = {noun.shown for noun in self.nouns.values()}
        return genders.pop() if len(genders) == 1 else "m"


class Grammar(Protocol):
    """What a language has to know to fill the slots; one module each."""

    def __hash__(self) -> int:
        """Phrases are remembered for each grammar."""
        ...

    @property
    def genders(self) -> tuple[Gender, ...]:
        """The genders that a noun may have."""
        ...

    def noun_phrase(
        self, noun: Noun, determiner: Determiner, adjective: Cue | None, *, case: Case
    ) -> list[Piece]:
        """Determiner, noun and perhaps adjective; the head noun is marked "noun"."""
        ...

    def pronoun(self, gender: Gender) -> list[Piece]:
        """The subject pronoun, marked "it"; nothing where the language leaves it out."""
        ...

    def the_one(self, gender: Gender, *, case: Case) -> list[Piece]:
        """What stands for a noun before a clause that says which of several is meant."""
        ...

    def predicate(
        self, predicate: Predicate, gender: Gender, tense: Tense, *, negated: bool
    ) -> list[Piece]:
        """Copula, then adverb and adjective; the adjective is marked "cue"."""
        ...

    def agree(self, word: str, gender: Gender) -> str:
        """An adjective or participle, given in the masculine, in the form of a gender."""
        ...

    def hides_gender(self, noun: Noun) -> bool:
        """Whether the definite article before this noun does not show its gender."""
        ...

    def marks(self, cue: Cue, gender: Gender) -> frozenset[str]:
        """The words any of which shows that what has this property is of this gender."""
        ...

    def join(self, text: str, phrase: str) -> tuple[str, str]:
        """Contract what meets at the seam, such as de + el → del; gives both, one after another."""
        ...


_DETERMINERS: dict[str, Determiner] = {
    "": "the",
    "the": "the",
    "a": "a",
    "this": "this",
    "my": "my",
    "no": "no",
}
_CASES: dict[str, Case] = {"": "nom", "acc": "acc", "dat": "dat"}
_FORM = re.compile(r"(the|a|this|my|no|)(\+?)(acc|dat|)")
_SLOT = re.compile(r"\{([^}]+)\}")
_ABOUT_IT = re.compile(r"(^|[:@])it(:|$)", re.IGNORECASE)


def say_each(
    template: str, scenes: Sequence[Scene], grammar: Grammar, people: Sequence[str] = ()
) -> list[Line]:
    """Fill a template for each of some scenes, with what stands before "it" written once for all.

    Args:
        template: text with slots, as above.
        scenes: what the slots stand for; alike in everything but what "it" is and what is said of
            it.
        grammar: how the language says it.
        people: the names that are put in the places of {person}, in turn; some may be left over.

    Returns:
        A sentence for each scene, its first letter a capital, with the spans of the marked words.
    """
    parts = _parts(template)
    begun = _write(Line("", {}), parts.alike, scenes[0], grammar, people)
    lines = [_write(begun, parts.rest, scene, grammar, people) for scene in scenes]
    return [Line(_capital(line.text), line.spans) for line in lines]


def _write(
    begun: Line,
    parts: Iterable["_Part"],
    scene: Scene,
    grammar: Grammar,
    people: Sequence[str],
) -> Line:
    text, spans = begun.text, dict(begun.spans)
    for part in parts:
        if isinstance(part, Phrase):
            written, marks = part
        elif isinstance(part, int):
            written, marks = people[part], ()
        else:
            written, marks = part(scene, grammar)
        text, added = grammar.join(text, written)
        start = len(text) + len(added) - len(written)  # what was contracted stood at the beginning
        for mark, first, end in marks:
            spans[mark] = (start + first, start + end)
        text += added
    return Line(text, spans)


_Filling = Callable[[Scene, Grammar], Phrase]
_Part = Phrase | _Filling | int
"""Text, what fills a slot, or the place of a person among all."""


class _Parts(NamedTuple):
    """A template: what stands before the first slot that depends on "it", and the rest."""

    alike: tuple[_Part, ...]
    rest: tuple[_Part, ...]


@cache
def _parts(template: str) -> _Parts:
    people = count()
    slots: list[str] = []
    parts: list[_Part] = []
    for place, written in enumerate(_SLOT.split(template)):
        if written == "person":
            parts.append(next(people))
        elif place % 2:
            parts.append(_filling(written))
        elif written:
            parts.append(Phrase(written))
        else:
            continue
        slots.append(written if place % 2 else "")
    alike = sum(1 for _ in takewhile(lambda slot: not _ABOUT_IT.search(slot), slots))
    return _Parts(tuple(parts[:alike]), tuple(parts[alike:]))


@cache
def _filling(slot: str) -> Phrase | _Filling:
    mark, given, text = slot.partition("=")
    if given:
        return Phrase.of([Piece(text, mark or None)])
    word, at, who = slot.partition("@")
    if at:
        return partial(_agreeing, word, who)
    name, _, form = slot.partition(":")
    match name.lower():
        case "it":
            filling: _Filling = _pronoun
        case "one":
            who, _, case = form.partition(":")
            return partial(_the_one, who, _CASES[case])
        case "is" | "isnt" | "islast" | "be" | "what" as kind:
            filling = partial(_predicate, kind, form)
        case _:
            return _noun_phrase_of(name, form)
    return partial(_with_a_capital, filling) if name[0].isupper() else filling


def _with_a_capital(filling: _Filling, scene: Scene, grammar: Grammar) -> Phrase:
    text, marks = filling(scene, grammar)
    return Phrase(_capital(text), marks)


@cache
def _agreed(word: str, gender: Gender, grammar: Grammar) -> Phrase:
    return Phrase(grammar.agree(word, gender))


def _agreeing(word: str, who: str, scene: Scene, grammar: Grammar) -> Phrase:
    return _agreed(word, scene.gender(who), grammar)


@cache
def _pronoun_for(gender: Gender, grammar: Grammar) -> Phrase:
    return Phrase.of(grammar.pronoun(gender))


def _pronoun(scene: Scene, grammar: Grammar) -> Phrase:
    return _pronoun_for(scene.gender("it"), grammar)


@cache
def _one_for(gender: Gender, case: Case, grammar: Grammar) -> Phrase:
    return Phrase.of(grammar.the_one(gender, case=case))


def _the_one(who: str, case: Case, scene: Scene, grammar: Grammar) -> Phrase:
    return _one_for(scene.gender(who), case, grammar)


def _predicate(kind: str, who: str, scene: Scene, grammar: Grammar) -> Phrase:
    predicate, gender = scene.predicates[who], scene.gender(who)
    return _said(kind, who, predicate.cue, predicate.modifier, gender, scene.tense, grammar)


@cache  # a corpus says the same of many nouns, and of each of them many times
def _said(
    kind: str,
    who: str,
    cue: Cue,
    modifier: Modifier | None,
    gender: Gender,
    tense: Tense,
    grammar: Grammar,
) -> Phrase:
    verb, *rest = grammar.predicate(Predicate(cue, modifier), gender, tense, negated=kind == "isnt")
    if who != "it":
        rest = [_rename(piece, "cue", f"cue {who}") for piece in rest]
    match kind:
        case "islast":
            return Phrase.of([*rest, Piece(f" {verb.text.strip()}")])
        case "be":
            return Phrase(verb.text.strip())
        case "what":
            return Phrase.of(rest)
        case _:
            return Phrase.of([verb, *rest])


def _noun_phrase_of(name: str, form: str) -> _Filling:
    found = _FORM.fullmatch(form)
    assert found is not None, form
    determiner, plus, case = found.groups()
    return partial(_noun_phrase, name, _DETERMINERS[determiner], bool(plus), _CASES[case])


def _noun_phrase(
    name: str, determiner: Determiner, qualified: bool, case: Case, scene: Scene, grammar: Grammar
) -> Phrase:
    adjective = scene.predicates[name].cue if qualified else None
    return _named(name, scene.nouns[name], determiner, adjective, case, grammar)


@cache
def _named(
    name: str, noun: Noun, determiner: Determiner, adjective: Cue | None, case: Case,
    grammar: Grammar,
) -> Phrase:  # fmt: skip
    pieces = grammar.noun_phrase(noun, determiner, adjective, case=case)
    return Phrase.of(_rename(piece, "noun", name) for piece in pieces)


def _rename(piece: Piece, old: str, new: str) -> Piece:
    return Piece(piece.text, new) if piece.mark == old else piece


def _capital(text: str) -> str:
    if text[:1].isalpha():
        return text[0].upper() + text[1:]
    for place, character in enumerate(text):
        if character.isalpha():
            return text[:place] + character.upper() + text[place + 1 :]
    return text
