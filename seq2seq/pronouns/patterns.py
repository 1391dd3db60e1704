"""The sentence patterns of the pronoun corpus, read from its TOML files.

A `Pattern` is one template in English and in the target language; everything else here says when
a pattern may be used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from seq2seq.pronouns.lexicon import Cue, Kind, Lexicon, Noun, column_of, load_lexicon, read_table
from seq2seq.pronouns.phrase import Modifier, Tense

Order = Literal["subject first", "verb first", "verb last"]


@dataclass(frozen=True)
class Pattern:
    """One template in both languages.

    A German clause is written in parts, ``subject | verb | rest``, and if need be what follows even
    a verb at the end (``als {B}``); ``order`` is the order of the parts that an opener asks of the
    clause it opens. ``flags`` holds what the file says of the pattern: person, carried, plain,
    adjective, time, conjunction, alive, explained.
    """

    name: str
    english: str
    other: str
    tense: Tense | Literal["any"] = "past"
    flags: frozenset[str] = frozenset()
    order: Order = "subject first"

    @property
    def when(self) -> Tense:
        """The tense in which the pattern is said: the past unless it asks for the present."""
        return "present" if self.tense == "present" else "past"

    def joined(self, *others: "Pattern") -> "Pattern":
        """This pattern with others after it, as one; the first says how they order their parts."""
        return Pattern(
            "+".join(part.name for part in (self, *others) if part.name),
            self.english + "".join(part.english for part in others),
            self.other + "".join(_ordered(part.other, self.order) for part in others),
            self.tense,
        )


@dataclass(frozen=True)
class Link:
    """What joins the clause about "it" to the clause that names the nouns.

    ``causal`` ones give a reason; ``loose`` ones say no more than that both clauses are true.
    """

    pattern: Pattern
    weight: int
    causal: bool
    loose: bool


@dataclass(frozen=True)
class Adverb:
    """A modifier with the property that a cue must have to take it.

    ``reason`` is set for one that only explains: because it was so heavy.
    """

    modifier: Modifier
    needs: Literal["degree", "done"]
    reason: bool

    def fits(self, cue: Cue) -> bool:
        """Whether the cue takes this adverb: very hungry, already ironed."""
        return cue.degree if self.needs == "degree" else cue.done


@dataclass(frozen=True)
class Schema:
    """A verb whose reason decides: A could not lift B because it was too small (A), heavy (B).

    ``agents`` and ``patients`` are the English nouns that may stand in either place, the same ones
    where the verb alone decides, nouns of different kinds where the kind helps (A swallowed B);
    ``cues`` what may be true of the agent and what of the patient. The natural set is schemas with
    one noun in each.
    """

    name: str
    agents: tuple[str, ...]
    patients: tuple[str, ...]
    cues: tuple[tuple[str, ...], tuple[str, ...]]
    modifiers: tuple[str, ...]
    voices: tuple[Pattern, Pattern]
    timeless: bool
    only: str | None
    unseen_voice: str | None

    @property
    def within_kind(self) -> bool:
        """Whether agent and patient change places: the nouns tell nothing then."""
        return self.agents == self.patients


@dataclass(frozen=True)
class Patterns:
    """All sentence patterns for one target language."""

    people: tuple[Pattern, ...]
    adverbs: tuple[Adverb, ...]
    openers: tuple[Pattern, ...]
    general: tuple[str, ...]
    links: tuple[Link, ...]
    cataphora: Pattern
    pleonastic: tuple[Pattern, ...]
    frames: tuple[Pattern, ...]
    schemas: tuple[Schema, ...]
    natural: tuple[Schema, ...]
    everyday: tuple[Schema, ...]
    properties: tuple[Pattern, ...]
    pronouns: tuple[Pattern, ...]
    alone: tuple[Pattern, ...]
    contrasts: tuple[Pattern, ...]
    choices: tuple[Pattern, ...]
    picks: tuple[Pattern, ...]

    def frames_for(self, *kinds: Kind) -> tuple[Pattern, ...]:
        """The selectional frames in which nouns of these kinds can change places."""
        return tuple(
            frame
            for frame in self.frames
            if not ("person" in frame.flags and any(kind.animate for kind in kinds))
            and not ("carried" in frame.flags and any(kind.fixed for kind in kinds))
            and not ("alive" in frame.flags and not any(kind.animate for kind in kinds))
        )

    def links_for(self, frame: Pattern) -> tuple[Link, ...]:
        """The links that may follow a selectional frame: a reason only where there can be one."""
        if "explained" in frame.flags:
            return self.links
        return tuple(link for link in self.links if link.loose)

    @property
    def reasons(self) -> tuple[Link, ...]:
        """The links that give a reason, which alone decide a causal schema."""
        return tuple(link for link in self.links if link.causal)


@cache
def load_patterns(language: str) -> Patterns:
    """Read the patterns of one target language.

    Args:
        language: a column of the files, such as ``es``.

    Returns:
        The patterns, the same object at every call.
    """
    lexicon = load_lexicon(language)
    language = column_of(language)
    table = read_table("sentences.toml")

    def some(section: Mapping[str, Any]) -> tuple[Pattern, ...]:
        spoken = {name: entry for name, entry in section.items() if language in entry}
        return tuple(_pattern(name, entry, language) for name, entry in spoken.items())

    def listed(entries: Sequence[Mapping[str, Any]], key: str) -> tuple[Pattern, ...]:
        return tuple(_pattern(entry[key], entry, language) for entry in entries)

    return Patterns(
        people=listed(table["people"], "en"),
        adverbs=tuple(_adverb(entry, language) for entry in table["modifiers"]),
        openers=listed(table["openers"], "en"),
        general=tuple(table["general"]),
        links=tuple(
            Link(
                _pattern(entry["name"], entry, language),
                entry["weight"],
                entry["causal"],
                entry.get("loose", False),
            )
            for entry in table["links"]
        ),
        cataphora=_pattern("cataphora", table["cataphora"], language),
        pleonastic=listed(table["pleonastic"], "word"),
        frames=some(table["frames"]),
        schemas=tuple(
            _schema(name, entry, language, lexicon) for name, entry in table["schemas"].items()
        ),
        natural=tuple(
            _natural(name, entry, language)
            for name, entry in read_table("natural.toml").items()
            if _shows_who(entry, entry["nouns"], language, lexicon)
        ),
        everyday=_everyday(read_table("everyday.toml"), language, lexicon),
        properties=some(table["properties"]),
        pronouns=some(table["pronouns"]),
        alone=some(table["alone"]),
        contrasts=some(table["contrasts"]),
        choices=some(table["choices"]),
        picks=some(table["picks"]),
    )


def _pattern(name: str, entry: Mapping[str, Any], language: str) -> Pattern:
    flags = frozenset(
        flag
        for flag in (
            *("person", "carried", "alive", "explained"),
            *("plain", "adjective", "time", "conjunction"),
        )
        if flag in entry
    )
    order = entry.get(f"{language}_order", "subject first")
    return Pattern(name, entry["en"], entry[language], entry.get("tense", "past"), flags, order)


def _adverb(entry: Mapping[str, Any], language: str) -> Adverb:
    modifier = Modifier(entry["en"], entry[language], entry["position"])
    return Adverb(modifier, entry["needs"], entry.get("reason", False))


def _ordered(clause: str, order: Order) -> str:
    """A clause with its parts in an order; one that has no parts as it is."""
    if "|" not in clause:
        return clause
    subject, verb, rest, *after = (part.strip() for part in clause.split("|"))
    match order:
        case "subject first":
            parts = [subject, verb, rest, *after]
        case "verb first":
            parts = [verb, subject, rest, *after]
        case "verb last":
            parts = [subject, rest, verb, *after]
    return " ".join(parts)


def _pool(entry: Mapping[str, Any], lexicon: Lexicon) -> tuple[str, ...]:
    """The English nouns of a schema's place: those listed that the language has, or of kinds."""
    if "nouns" in entry:
        return tuple(word for word in entry["nouns"] if word in lexicon.nouns)
    nouns: list[Noun] = []
    for name in entry["kinds"]:
        nouns += lexicon.kinds[name].nouns + lexicon.kinds[name].new_nouns
    return tuple(noun.english for noun in nouns)


def _schema(name: str, entry: Mapping[str, Any], language: str, lexicon: Lexicon) -> Schema:
    voices = tuple(_pattern(voice, text, language) for voice, text in entry["voices"].items())
    first, second = voices
    agent_cues, patient_cues = entry["cues"]
    return Schema(
        name=name,
        agents=_pool(entry.get("agents", entry), lexicon),
        patients=_pool(entry.get("patients", entry), lexicon),
        cues=(tuple(agent_cues), tuple(patient_cues)),
        modifiers=tuple(entry["modifiers"]),
        voices=(first, second),
        timeless=entry.get("timeless", False),
        only=entry.get("only"),
        unseen_voice=entry.get("unseen_voice"),
    )


def _everyday(table: Mapping[str, Any], language: str, lexicon: Lexicon) -> tuple[Schema, ...]:
    """A schema for every two nouns of a verb."""
    return tuple(
        _natural(f"{quads['verb']} {' '.join(said['nouns'])}", {**verb, **said}, language)
        for quads in table["quads"]
        for verb in [table["verbs"][quads["verb"]]]
        for said in quads["said"]
        if _shows_who(verb, said["nouns"], language, lexicon)
    )


def _shows_who(
    entry: Mapping[str, Any], words: Sequence[str], language: str, lexicon: Lexicon
) -> bool:
    """Whether the language has both nouns of a natural sentence, in two genders, and the verb."""
    nouns = [lexicon.nouns[word] for word in words if word in lexicon.nouns]
    return language in entry["active"] and len({noun.gender for noun in nouns}) > 1


def _natural(name: str, entry: Mapping[str, Any], language: str) -> Schema:
    agent, patient = entry["nouns"]
    agent_cue, patient_cue = entry["cues"]
    other = "passive" if "passive" in entry else "converse"
    return Schema(
        name=name,
        agents=(agent,),
        patients=(patient,),
        cues=((agent_cue,), (patient_cue,)),
        modifiers=("",),
        voices=(
            _pattern("active", entry["active"], language),
            _pattern(other, entry[other], language),
        ),
        timeless=False,
        only="natural",
        unseen_voice=None,
    )
