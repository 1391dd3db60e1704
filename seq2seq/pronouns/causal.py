"""The causal quads (F1): the verb and the cue decide between nouns of one kind."""

import random
from collections.abc import Sequence
from functools import partial
from itertools import combinations, product

from seq2seq.pronouns.draw import Draw, Pairing, draw_cues, kept_apart, withheld
from seq2seq.pronouns.items import Item
from seq2seq.pronouns.lexicon import GENDERS, Cue, drawn_as
from seq2seq.pronouns.patterns import Pattern, Schema
from seq2seq.pronouns.quads import Label, Setting, causal_view, choose_causal_setting

# Noun pairs of each schema kept for dev and T0, sentences made of each training pair.
_PAIRS = {"dev": 1, "T0": 2, "T4": 6}
_SETTINGS = 3

# A pair of nouns for every pair of genders: blocks that are alike in wording, so that they balance.
_Unit = tuple[Pairing, ...]


def causal_items(draw: Draw, split: str) -> list[Item]:
    """Draw the causal items of a split.

    Args:
        draw: the words, the grammar and the source of chance.
        split: one of `splits.SPLITS`.

    Returns:
        The items, block by block.
    """
    items: list[Item] = []
    schemas = [schema for schema in draw.patterns.schemas if schema.within_kind]
    for schema in schemas:
        if schema.unseen_voice is None:
            for unit in _units(draw, schema, split):
                for _ in range(_settings(split, unit)):
                    chosen = [(schema, nouns) for nouns in unit]
                    items += draw.unwritten(partial(_causal_blocks, draw, split, chosen))
    mirrored = [schema for schema in schemas if schema.unseen_voice is not None]
    shares = [_units(draw, schema, split) for schema in mirrored]
    for units in zip(*shares, strict=True):
        for _ in range(_settings(split, units[0])):
            chosen = [(s, nouns) for s, unit in zip(mirrored, units, strict=True) for nouns in unit]
            items += draw.unwritten(partial(_causal_blocks, draw, split, chosen))
    return items


def _settings(split: str, unit: _Unit) -> int:
    return -(-_SETTINGS // len(unit)) if split == "train" else 1


def _units(draw: Draw, schema: Schema, split: str) -> list[_Unit]:
    """Pairs of nouns in every pair of genders, as many as a split may use with a schema."""
    genders = {draw.lexicon.nouns[word].gender for word in schema.agents}
    pairs = combinations([gender for gender in GENDERS if gender in genders], 2)
    return list(zip(*(_pairs(draw, schema, split, *pair) for pair in pairs), strict=False))


def _pairs(draw: Draw, schema: Schema, split: str, one: str, other: str) -> list[Pairing]:
    nouns = [draw.lexicon.nouns[word] for word in schema.agents]
    pairs = [(a, b) for a in nouns for b in nouns if a.gender == one and b.gender == other]
    new = [nouns for nouns in pairs if nouns[0].new and nouns[1].new]
    known = [nouns for nouns in pairs if not nouns[0].new and not nouns[1].new]
    if schema.only is not None:
        return [nouns for nouns in known if not kept_apart(*nouns)] if split == schema.only else []
    if split == "T1":
        return new if schema.unseen_voice is None else []
    if split == "T3":
        return [p for p in known if kept_apart(*p)] if schema.unseen_voice is None else []
    together = [nouns for nouns in known if not kept_apart(*nouns)]
    # Drawn from the schema's name, not from the shared stream: every split sees the same order.
    random.Random(f"{drawn_as(draw.language)} {schema.name}").shuffle(together)
    return _share(together, schema, split)


def _share(pairs: list[Pairing], schema: Schema, split: str) -> list[Pairing]:
    if schema.unseen_voice is not None:
        kept = _PAIRS["T4"]
        return {"T4": pairs[:kept], "train": pairs[kept:]}.get(split, [])
    dev, after = _PAIRS["dev"], _PAIRS["dev"] + _PAIRS["T0"]
    return {"dev": pairs[:dev], "T0": pairs[dev:after], "train": pairs[after:]}.get(split, [])


def _causal_blocks(draw: Draw, split: str, chosen: Sequence[tuple[Schema, Pairing]]) -> list[Item]:
    """A block for each schema, all alike in opener, link and adverb.

    Schemas with an unseen voice come together: the cue that is the agent's in one is the patient's
    in the other, so that in a single voice no cue goes with a position.
    """
    first = chosen[0][0]
    cues = _draw_cues(draw, chosen)
    setting = choose_causal_setting(draw.rng, draw.patterns, first, cues)
    items: list[Item] = []
    for schema, nouns in chosen:
        own = cues if cues[0].english in schema.cues[0] else cues[::-1]
        items += _causal_block(draw, split, schema, nouns, own, setting)
    return items


def _draw_cues(draw: Draw, chosen: Sequence[tuple[Schema, Pairing]]) -> tuple[Cue, Cue]:
    """What is true of the agent and of the patient: nothing that training withholds of a noun."""
    nouns = [noun for _, pairing in chosen for noun in pairing]
    pairs = draw_cues(draw, chosen[0][0])
    return next(
        pair
        for pair in pairs
        if not any(withheld(noun, cue, draw.lexicon) for noun, cue in product(nouns, pair))
    )


def _causal_block(
    draw: Draw,
    split: str,
    schema: Schema,
    nouns: Pairing,
    cues: tuple[Cue, Cue],
    setting: Setting,
) -> list[Item]:
    """Both nouns as agent and as patient, in both voices (or in the split's), with both cues."""
    block = draw.next_block("F1")
    orders = (nouns, nouns[::-1])
    quads = [[causal_view(voice, order, cues) for voice in schema.voices] for order in orders]
    if schema.unseen_voice is not None:
        voice = _voice_for(schema, split)
        quads = [[causal_view(voice, order, cues) for order in orders]]
    items: list[Item] = []
    for number, views in enumerate(quads):
        label = Label(f"{block}.{number}", block, "F1", schema.name, split)
        items += draw.write(label, views, setting)
    return items


def _voice_for(schema: Schema, split: str) -> Pattern:
    unseen = split == "T4"
    return next(v for v in schema.voices if (v.name == schema.unseen_voice) == unseen)
