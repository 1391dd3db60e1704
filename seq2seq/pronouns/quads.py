"""From nouns, cues and a pattern to items, in quads: every shortcut is right half the time.

A *pair* is one sentence with either of two cues; a rule that does not read the cue answers both
alike and gets exactly one right. A *quad* is two pairs that exchange what comes first. A *block* is
a quad and its twin with the genders exchanged, so that no cue goes with a gender.
"""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from seq2seq.pronouns.english import ENGLISH
from seq2seq.pronouns.items import Candidate, Item, differing_spans
from seq2seq.pronouns.lexicon import Cue, Noun
from seq2seq.pronouns.patterns import Link, Pattern, Patterns, Schema
from seq2seq.pronouns.phrase import Grammar, Line, Modifier, Predicate, Scene, Tense, say_each

NOTHING = Pattern("", "", "")
"""What adds nothing to what it is joined with."""
_OTHER = {"A": "B", "B": "A", None: None}


@dataclass(frozen=True)
class Setting:
    """Everything about a sentence but its nouns, frame and cue; one for a whole block."""

    opener: Pattern
    link: Pattern
    modifier: Modifier | None
    people: tuple[Pattern, ...]


@dataclass(frozen=True)
class View:
    """One of the two arrangements of a quad: a pattern with a noun in each slot."""

    voice: str
    clause: Pattern
    nouns: Mapping[str, Noun]
    roles: Mapping[str, str]
    meant: tuple[tuple[Cue, str | None], ...]
    """Each cue with the slot of the noun it is true of; None where it is not one of them."""


@dataclass(frozen=True)
class Label:
    """What an item is filed under."""

    quad: str
    block: str
    family: str
    schema: str
    split: str
    tags: tuple[str, ...] = ()


def selectional_views(
    frames: Sequence[tuple[Pattern, bool]], nouns: tuple[Noun, Noun], cues: tuple[Cue, Cue]
) -> list[View]:
    """The views of a quad in which the noun's kind fits the cue.

    Args:
        frames: a frame for each view, and whether the second noun stands first in it.
        nouns: one noun of either kind.
        cues: a cue that fits the first, a cue that fits the second.

    Returns:
        One view for each frame.
    """
    views: list[View] = []
    for frame, swapped in frames:
        first, second = ("B", "A") if swapped else ("A", "B")
        views.append(
            View(
                voice=frame.name,
                clause=frame,
                nouns={first: nouns[0], second: nouns[1]},
                roles={first: "first kind", second: "second kind"},
                meant=((cues[0], first), (cues[1], second)),
            )
        )
    return views


def causal_view(voice: Pattern, nouns: tuple[Noun, Noun], cues: tuple[Cue, Cue]) -> View:
    """The view of a quad in which the verb and the cue decide.

    Args:
        voice: of the verb.
        nouns: the agent and the patient.
        cues: what is true of either.

    Returns:
        The view.
    """
    return View(
        voice=voice.name,
        clause=voice,
        nouns={"A": nouns[0], "B": nouns[1]},
        roles={"A": "agent", "B": "patient"},
        meant=((cues[0], "A"), (cues[1], "B")),
    )


def make_quad(
    label: Label, views: Sequence[View], setting: Setting, grammar: Grammar, language: str
) -> list[Item]:
    """Write the items of a quad: every view with every cue.

    Args:
        label: what the items are filed under.
        views: the arrangements.
        setting: opener, link and adverb, the same for all.
        grammar: of the target language.
        language: its code.

    Returns:
        The items, pair by pair.
    """
    return [
        item
        for place, view in enumerate(views)
        for item in _pair(f"{label.quad}/{place}", label, view, setting, grammar, language)
    ]


def _pair(
    name: str, label: Label, view: View, setting: Setting, grammar: Grammar, language: str
) -> list[Item]:
    """The items of a view: one sentence with every cue."""
    whole = setting.opener.joined(view.clause, setting.link)
    meant = [_scene(view, cue, slot, setting) for cue, slot in view.meant]
    misread = [_scene(view, cue, _OTHER[slot], setting) for cue, slot in view.meant]
    sources = speak(whole.english, meant, setting, ENGLISH)
    targets = speak(whole.other, meant + misread, setting, grammar, translated=True)
    tags = label.tags + _hidden(view, grammar)
    items: list[Item] = []
    for number, (cue, slot) in enumerate(view.meant):
        source, good, bad = sources[number], targets[number], targets[len(meant) + number]
        good_spans, bad_spans = differing_spans(good.text, bad.text)
        candidates = candidates_of(view.nouns, view.roles, source, good)
        nouns = [candidate.noun for candidate in candidates]
        items.append(
            Item(
                id=f"{name}.{number}",
                quad=label.quad,
                pair=name,
                block=label.block,
                language=language,
                family=label.family,
                schema=label.schema,
                cue=cue.english,
                voice=view.voice,
                split=label.split,
                source=source.text,
                pronoun=source.spans["it"],
                cue_span=source.spans["cue"],
                clause=_reason_clause(setting, source),
                candidates=candidates,
                gold=None if slot is None else nouns.index(view.nouns[slot].english),
                good=good.text,
                bad=bad.text,
                good_spans=good_spans,
                bad_spans=bad_spans,
                tags=tags,
            )
        )
    return items


def _hidden(view: View, grammar: Grammar) -> tuple[str, ...]:
    """A tag for items in which an article does not tell a gender, such as l'orange."""
    hidden = any(grammar.hides_gender(noun) for noun in view.nouns.values())
    return ("article hides gender",) if hidden else ()


def _scene(view: View, cue: Cue, meant: str | None, setting: Setting) -> Scene:
    return Scene(view.nouns, {"it": Predicate(cue, setting.modifier)}, meant, view.clause.when)


def speak(
    template: str,
    scenes: Sequence[Scene],
    setting: Setting,
    grammar: Grammar,
    *,
    translated: bool = False,
) -> list[Line]:
    """Say a template of each scene, with the setting's people in the places of {person}."""
    people = [person.other if translated else person.english for person in setting.people]
    return say_each(template, scenes, grammar, people)


def candidates_of(
    nouns: Mapping[str, Noun], roles: Mapping[str, str], source: Line, target: Line
) -> tuple[Candidate, ...]:
    """The nouns of a sentence, by slot, as candidates in the order of the source."""
    found = [
        Candidate(
            noun.english,
            noun.kind,
            roles[slot],
            noun.shown,
            source.spans[slot],
            target.spans[slot],
        )
        for slot, noun in nouns.items()
    ]
    return tuple(sorted(found, key=lambda candidate: candidate.source_span))


def _reason_clause(setting: Setting, source: Line) -> tuple[int, int]:
    """From the conjunction, if there is one, to the cue."""
    start, end = source.spans["it"][0], source.spans["cue"][1]
    if "link" in source.spans:
        return (source.spans["link"][0], end)
    holder = setting.link if "{it}" in setting.link.english.lower() else setting.opener
    conjunction = holder.english.lower().partition("{it}")[0].strip(" ,.")
    return (start - len(conjunction) - 1 if conjunction else start, end)


def choose_setting(
    rng: random.Random,
    patterns: Patterns,
    cues: Sequence[Cue],
    *,
    tense: Tense,
    links: Sequence[Link],
    modifiers: Sequence[str] | None = None,
    timeless: bool = False,
) -> Setting:
    """Draw how a block's sentences begin, join and qualify.

    Args:
        rng: where chance comes from.
        patterns: what to draw from.
        cues: the cues that must all take the adverb, so that a pair differs in the cue alone.
        tense: of the clause.
        links: those that make sense here.
        modifiers: the adverbs a schema allows, "" for none; None for any that fits.
        timeless: whether an opener that names a time would be out of place.

    Returns:
        The setting.
    """
    link = rng.choices(links, [link.weight for link in links])[0]
    return Setting(
        opener=choose_opener(rng, patterns, tense, timeless=timeless),
        link=link.pattern,
        modifier=_choose_modifier(rng, patterns, cues, modifiers, reason=link.causal),
        people=tuple(rng.sample(patterns.people, 2)),
    )


def choose_causal_setting(
    rng: random.Random, patterns: Patterns, schema: Schema, cues: Sequence[Cue]
) -> Setting:
    """Draw a setting in which the clause of a schema has one of two cues for its reason."""
    return choose_setting(
        rng,
        patterns,
        cues,
        tense="past",
        links=patterns.reasons,
        modifiers=schema.modifiers,
        timeless=schema.timeless,
    )


def choose_opener(
    rng: random.Random, patterns: Patterns, tense: Tense, *, timeless: bool = False
) -> Pattern:
    """Nothing three times in four, else "Yesterday," and the like."""
    if rng.random() < 0.75:
        return NOTHING
    return rng.choice(
        [
            opener
            for opener in patterns.openers
            if opener.tense in (tense, "any") and not (timeless and "time" in opener.flags)
        ]
    )


def plain_setting(patterns: Patterns, link: str = "because") -> Setting:
    """No opener, no adverb, one given link."""
    found: Link = next(one for one in patterns.links if one.pattern.name == link)
    return Setting(NOTHING, found.pattern, None, patterns.people[:2])


def _choose_modifier(
    rng: random.Random,
    patterns: Patterns,
    cues: Sequence[Cue],
    allowed: Sequence[str] | None,
    *,
    reason: bool,
) -> Modifier | None:
    by_word = {
        adverb.modifier.english: adverb.modifier
        for adverb in patterns.adverbs
        if all(adverb.fits(cue) for cue in cues) and (reason or not adverb.reason)
    }
    if allowed is not None:
        return by_word.get(rng.choice(allowed))
    return rng.choice([None, *by_word.values()]) if rng.random() < 0.6 else None
