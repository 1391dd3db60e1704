"""Training sentences in which a verb tells which noun is meant, without a reason and without "it".

"The hen feared the dog, and Ana noticed the one that was timid": every verb is told so, those as
well that are never followed by a reason in training. Who "it" is in "The hen feared the dog because
it was timid" follows from the same knowledge, asked in another way.
"""

from collections.abc import Callable
from dataclasses import replace

from seq2seq.pronouns.draw import Pairing, withheld
from seq2seq.pronouns.fillers import Voice, pairs_of, pointed_row, scene_of
from seq2seq.pronouns.items import Row
from seq2seq.pronouns.lexicon import Cue
from seq2seq.pronouns.quads import NOTHING

# Sentences for each voice of a schema, where it has so many; draws for each of them.
_EACH = 12
_TRIES = 20

_SLOTS = "AB"


def draw_verb_choices(voice: Voice, asked: Callable[[Pairing, Cue], bool]) -> list[Row]:
    """Say the clauses of every schema, and pick one of the nouns by a property that its side has.

    Args:
        voice: words, patterns, grammar and the source of chance.
        asked: whether a test asks which of two nouns has a property.

    Returns:
        Rows, no two alike, with items whose pronoun is "one"; none where the language has no such
        sentences.
    """
    rows: dict[str, Row] = {}
    patterns = voice.patterns
    schemas = (*patterns.schemas, *patterns.natural, *patterns.everyday)
    for schema in schemas if patterns.picks else ():
        pool = pairs_of(voice, schema)
        for clause in schema.voices:
            wanted = len(rows) + _EACH
            for _ in range(_EACH * _TRIES):
                nouns, place = voice.rng.choice(pool), voice.rng.randrange(2)
                cue = voice.lexicon.cues[voice.rng.choice(schema.cues[place])]
                if not (withheld(nouns[place], cue, voice.lexicon) or asked(nouns, cue)):
                    ending = voice.rng.choice(patterns.picks)
                    shape = replace(NOTHING.joined(clause, ending), flags=ending.flags)
                    told = dict(zip(_SLOTS, nouns, strict=True))
                    scene = scene_of(voice, shape, told, {"it": cue}, _SLOTS[place])
                    name = f"{voice.language}-pick-{len(rows):05d}"
                    row = pointed_row(voice, name, shape, scene)
                    rows.setdefault(row.source, row)
                if len(rows) == wanted:
                    break
    return list(rows.values())
