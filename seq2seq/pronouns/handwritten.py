"""The handwritten set: scenes of everyday life, every sentence written whole in every language.

Each scene is told twice, with either noun first, and each telling has two cues, so a scene is a
quad like those of the other sets: no position and no cue gives the answer away. The sentences use
words that training never shows; tags say what is new, so that scores can be told apart.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from seq2seq.pronouns.grammar import grammar_of
from seq2seq.pronouns.items import Item, Row, words_of
from seq2seq.pronouns.lexicon import Cue, Noun, read_table
from seq2seq.pronouns.patterns import Pattern
from seq2seq.pronouns.quads import NOTHING, Label, Setting, View, make_quad

SPLIT = "handwritten"
NEW_NOUN, NEW_CUE, NEW_WORD = "new noun", "new cue", "new word"

_PLAIN = Setting(NOTHING, NOTHING, None, ())
_LINK = re.compile(r"(as long as|although|as|because|since|so|until|when) \{it\}")


@dataclass(frozen=True)
class Story:
    """Two nouns, a cue true of each, and two sentences that name the nouns in either order."""

    name: str
    nouns: tuple[Noun, Noun]
    cues: tuple[Cue, Cue]
    tellings: tuple[Pattern, Pattern]


@cache
def load_stories(language: str) -> Mapping[str, Story]:
    """Read the scenes that are written in a target language.

    Args:
        language: such as ``es``; none is written in Vietnamese.

    Returns:
        The scenes by name, the same object at every call.
    """
    table = read_table("handwritten.toml").items()
    return {name: _story(name, entry, language) for name, entry in table if language in entry}


def handwritten_items(language: str) -> list[Item]:
    """Write the items of every scene.

    Args:
        language: the target language.

    Returns:
        The items, scene by scene, without the tags that `tag_what_is_new` adds; none where the
        language has no scenes.
    """
    items: list[Item] = []
    for story in load_stories(language).values():
        name = f"{language}-{SPLIT}-{story.name.replace('_', '-')}"
        label = Label(name, name, SPLIT, story.name, SPLIT)
        views = [_view(story, telling) for telling in story.tellings]
        items += make_quad(label, views, _PLAIN, grammar_of(language), language)
    return items


def tag_what_is_new(items: Sequence[Item], train: Sequence[Row]) -> list[Item]:
    """Say of every pair what training has never shown of it.

    Args:
        items: whole pairs.
        train: all rows of training.

    Returns:
        The items with `NEW_NOUN` if training has not one of the nouns, `NEW_CUE` if it has not one
        of the cues, `NEW_WORD` if any word of a source or of a good translation is missing; both
        items of a pair have the same tags, so that a selection by tag keeps pairs whole.
    """
    known = _words_of_all(row.source for row in train)
    known_of_target = _words_of_all(row.target for row in train)
    new: dict[str, set[str]] = {}
    for item in items:
        tags = new.setdefault(item.pair, set())
        if not known.issuperset(word for c in item.candidates for word in _words(c.noun)):
            tags.add(NEW_NOUN)
        if not known.issuperset(_words(item.cue)):
            tags.add(NEW_CUE)
        if _words(item.source) - known or _words(item.good) - known_of_target:
            tags.add(NEW_WORD)
    return [replace(i, tags=(*i.tags, *sorted(new[i.pair]))) for i in items]


def _words_of_all(texts: Iterable[str]) -> set[str]:
    """The words of many texts; no word has a space in it."""
    parts = {part for text in texts for part in text.split()}
    return {word for part in parts for word in _words(part)}


def _words(text: str) -> set[str]:
    return {word.lower() for word in words_of(text)}


def _story(name: str, entry: Mapping[str, Any], language: str) -> Story:
    english, words = (_parts(entry["nouns"][code]) for code in ("en", language))
    cues, adjectives = (_parts(entry["cues"][code]) for code in ("en", language))
    return Story(
        name,
        (_noun(english[0], words[0]), _noun(english[1], words[1])),
        (_cue(cues[0], adjectives[0]), _cue(cues[1], adjectives[1])),
        (_telling("first", entry, language, 0), _telling("second", entry, language, 1)),
    )


def _parts(text: str) -> tuple[str, str]:
    first, second = text.split(", ")
    return first, second


def _noun(english: str, column: str) -> Noun:
    word, _, gender = column.rpartition(" ")
    return Noun(english, "", word, gender, new=True, place=0, shown=gender)


def _cue(english: str, adjectives: str) -> Cue:
    return Cue(
        english=english,
        # Written out in the sentence; the grammar only has to know one.
        copula="ser",
        lemmas=tuple(adjectives.split(" | ")),
        degree=False,
        done=False,
        phrase=False,
        doubtful=frozenset(),
    )


def _telling(name: str, entry: Mapping[str, Any], language: str, place: int) -> Pattern:
    english = _LINK.sub(r"{link=\1} {it}", entry["en"][place])
    return Pattern(
        name,
        english.replace("{cue}", "{what:it}"),
        entry[language][place].replace("{cue}", "{what:it}"),
    )


def _view(story: Story, telling: Pattern) -> View:
    return View(
        voice=telling.name,
        clause=telling,
        nouns=dict(zip("AB", story.nouns, strict=True)),
        roles={"A": "first", "B": "second"},
        meant=tuple(zip(story.cues, "AB", strict=True)),
    )
