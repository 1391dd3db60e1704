"""Training sentences that say what goes with either side of a verb: The timid hen feared the dog.

Nothing is to be resolved in them. They are told of every verb, of those as well that training
never gives a reason, so that who "it" is in "The hen feared the dog because it was timid" need not
be guessed there.
"""

import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from seq2seq.pronouns.draw import Pairing, withheld
from seq2seq.pronouns.fillers import Voice, clause_row, pairs_of
from seq2seq.pronouns.items import Row
from seq2seq.pronouns.lexicon import Cue
from seq2seq.pronouns.patterns import Pattern, Schema

# Sentences for each voice of a schema, where it has so many; draws for each of them.
_EACH = 12
_TRIES = 20

_SLOTS = "AB"
_NOUN = re.compile(r"\{([AB]):?(|acc|dat)\}")


def draw_descriptions(voice: Voice, asked: Callable[[Pairing, Cue], bool]) -> list[Row]:
    """Say a schema's clauses of nouns that have the properties it knows of them.

    Args:
        voice: words, patterns, grammar and the source of chance.
        asked: whether a test asks which of two nouns has a property.

    Returns:
        Rows, no two alike, without items.
    """
    rows: dict[str, Row] = {}
    patterns = voice.patterns
    for schema in (*patterns.schemas, *patterns.natural, *patterns.everyday):
        pool = pairs_of(voice, schema)
        for clause in schema.voices:
            wanted = len(rows) + _EACH
            for _ in range(_EACH * _TRIES):
                nouns = voice.rng.choice(pool)
                cues = dict(_properties(voice, schema, nouns, asked))
                if cues:
                    row = clause_row(voice, _described(clause, cues), nouns, cues, timeless=True)
                    rows.setdefault(row.source, row)
                if len(rows) == wanted:
                    break
    return list(rows.values())


def _properties(
    voice: Voice, schema: Schema, nouns: Pairing, asked: Callable[[Pairing, Cue], bool]
) -> Iterator[tuple[str, Cue]]:
    """A property for either noun or for both, by slot, where training may say one of it."""
    for slot in voice.rng.choice(("A", "B", "AB")):
        place = _SLOTS.index(slot)
        cue = voice.lexicon.cues[voice.rng.choice(schema.cues[place])]
        if not (cue.phrase or withheld(nouns[place], cue, voice.lexicon) or asked(nouns, cue)):
            yield slot, cue


def _described(clause: Pattern, slots: Collection[str]) -> Pattern:
    """The clause with an adjective at the nouns of these slots."""
    english, other = (_qualified(text, slots) for text in (clause.english, clause.other))
    return replace(clause, english=english, other=other)


def _qualified(template: str, slots: Collection[str]) -> str:
    """{A} feared {B:acc}, of both: {A:the+} feared {B:the+acc}."""
    return _NOUN.sub(
        lambda found: f"{{{found[1]}:the+{found[2]}}}" if found[1] in slots else found[0], template
    )
