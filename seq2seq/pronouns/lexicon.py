"""The nouns and adjectives of the pronoun corpus: ``lexicon.toml``, read and checked.

A noun belongs to a *kind* (fruit, tool ...); a *cue* is an adjective that fits the nouns of one
kind. "The cat was next to the lemon because it was ripe" is then about the lemon, whatever stands
first. A language is one column of the file; a noun without that column is not used in it.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from types import MappingProxyType
from typing import Any

Gender = str
"""Of a noun in the target language: "m", "f" or "n"; in Vietnamese its classifier, or nothing."""
GENDERS: tuple[Gender, ...] = ("m", "f", "n")


@dataclass(frozen=True, eq=False)  # one object for a word, compared some million times in a draw
class Noun:
    """A thing that "it" may refer to.

    ``place`` is its position among the nouns of its kind and gender: the splits use it to say
    which noun goes without which cue. ``shown`` is what the target shows of it: its gender, or in
    Vietnamese, whose sentences are drawn with the Spanish genders, its classifier or nothing.
    """

    english: str
    kind: str
    word: str
    gender: Gender
    new: bool
    place: int
    shown: Gender


@dataclass(frozen=True, eq=False)
class Cue:
    """An adjective that says which noun "it" is.

    ``lemmas`` starts with the form we write; the others are accepted from a translator.
    ``doubtful`` names kinds it might fit as well: it is never used against a noun of those.
    """

    english: str
    copula: str
    lemmas: tuple[str, ...]
    degree: bool
    done: bool
    phrase: bool
    doubtful: frozenset[str]


@dataclass(frozen=True, eq=False)
class Kind:
    """Nouns of one sort with the cues that fit them and nothing else."""

    name: str
    size: int
    animate: bool
    fixed: bool
    new: bool
    nouns: tuple[Noun, ...]
    new_nouns: tuple[Noun, ...]
    cues: tuple[Cue, ...]
    new_cues: tuple[Cue, ...]
    dev_cues: tuple[Cue, ...]
    apart: frozenset[str]

    @property
    def all_cues(self) -> tuple[Cue, ...]:
        """Every cue that fits, old and new."""
        return self.cues + self.new_cues + self.dev_cues

    @property
    def genders(self) -> tuple[Gender, ...]:
        """The genders that its nouns have, both old and new."""
        return tuple(gender for gender in GENDERS if self.of(gender) and self.new_of(gender))

    def of(self, gender: Gender) -> tuple[Noun, ...]:
        """The nouns of one gender that quads are trained on, in lexicon order."""
        return tuple(noun for noun in self.nouns if noun.gender == gender)

    def new_of(self, gender: Gender) -> tuple[Noun, ...]:
        """The nouns of one gender that training shows only in fillers."""
        return tuple(noun for noun in self.new_nouns if noun.gender == gender)


@dataclass(frozen=True)
class Lexicon:
    """All words of one language pair; the source is English."""

    kinds: Mapping[str, Kind]
    adjectives: Mapping[str, Cue]
    neutral: Mapping[str, Cue]

    @cached_property
    def nouns(self) -> Mapping[str, Noun]:
        """Every noun by its English word."""
        return {n.english: n for kind in self.kinds.values() for n in kind.nouns + kind.new_nouns}

    @cached_property
    def cues(self) -> Mapping[str, Cue]:
        """Every adjective by its English words, selecting or not."""
        selecting = {c.english: c for k in self.kinds.values() for c in k.all_cues}
        return {**selecting, **self.adjectives, **self.neutral}


def column_of(language: str) -> str:
    """The column that a language is written in: both Vietnamese variants in one."""
    return language.partition("-")[0]


def drawn_as(language: str) -> str:
    """The language whose draw of English sentences this one shares.

    Vietnamese, which has no gender to draw by, translates the very sentences of Spanish, so that
    what a model does in the two can be compared item by item.
    """
    return "es" if column_of(language) == "vi" else language


@cache
def load_lexicon(language: str) -> Lexicon:
    """Read the words of one target language.

    Args:
        language: such as ``es``, a column of ``lexicon.toml``; ``vi-cl`` reads the column ``vi``.

    Returns:
        The lexicon, the same object at every call.
    """
    table = read_table("lexicon.toml")
    kinds = {name: _kind(name, entry, language) for name, entry in table["kinds"].items()}
    adjectives, neutral = (
        MappingProxyType({cue.english: cue for cue in _cues(table[name], language)})
        for name in ("adjectives", "neutral")
    )
    return Lexicon(MappingProxyType(kinds), adjectives, neutral)


def read_table(name: str) -> dict[str, Any]:
    """The content of a TOML file that lies beside this module."""
    return tomllib.loads(files(__package__).joinpath(name).read_text(encoding="utf-8"))


def _kind(name: str, entry: Mapping[str, Any], language: str) -> Kind:
    return Kind(
        name=name,
        size=entry["size"],
        animate=entry.get("animate", False),
        fixed=entry.get("fixed", False),
        new=entry.get("new", False),
        nouns=_nouns(name, entry["nouns"], language),
        new_nouns=_nouns(name, entry["new_nouns"], language, new=True),
        cues=_cues(entry["cues"], language),
        new_cues=_cues(entry["new_cues"], language),
        dev_cues=_cues(entry.get("dev_cues", {}), language),
        apart=frozenset(entry.get("apart", ())),
    )


def _nouns(
    kind: str, entries: Mapping[str, Any], language: str, *, new: bool = False
) -> tuple[Noun, ...]:
    nouns: list[Noun] = []
    for english, columns in entries.items():
        if column_of(language) not in columns:
            continue
        word, gender, shown = _word(columns, language)
        place = sum(noun.gender == gender for noun in nouns)
        nouns.append(Noun(english, kind, word, gender, new, place, shown))
    return tuple(nouns)


def _word(columns: Mapping[str, Any], language: str) -> tuple[str, Gender, Gender]:
    """A noun, the gender that it is drawn by, and what the target shows of it."""
    word, _, gender = columns[drawn_as(language)].rpartition(" ")
    match language:
        case "vi":
            return columns["vi"], gender, ""
        case "vi-cl":
            return columns["vi"], gender, columns["vi"].partition(" ")[0]
        case _:
            return word, gender, gender


def _cues(entries: Mapping[str, Any], language: str) -> tuple[Cue, ...]:
    return tuple(_cue(english, columns, language) for english, columns in entries.items())


def _cue(english: str, columns: Mapping[str, Any], language: str) -> Cue:
    copula, _, adjectives = columns[column_of(language)].partition(" ")
    return Cue(
        english=english,
        copula=copula,
        lemmas=tuple(adjectives.split(" | ")),
        degree=columns.get("degree", False),
        done=columns.get("done", False),
        phrase=columns.get("phrase", False),
        doubtful=frozenset(columns.get("doubtful", ())),
    )
