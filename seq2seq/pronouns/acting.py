"""The quads of action (F3): a verb between nouns of two kinds, and a reason that fits one of them.

"The cat swallowed the plum because it was hungry": verb, kind and cue agree on the cat, as they
mostly do in what people write. Agent and patient cannot change places here, so a block takes two
pairs of nouns, which exchange the genders.
"""

from functools import partial
from itertools import combinations, product

from seq2seq.pronouns.draw import (
    Draw,
    Pairing,
    draw_cues,
    draws_of,
    kept_apart,
    withheld,
)
from seq2seq.pronouns.items import Item
from seq2seq.pronouns.lexicon import GENDERS, Cue, Gender, Noun
from seq2seq.pronouns.patterns import Schema
from seq2seq.pronouns.quads import Label, causal_view, choose_causal_setting

# Blocks of eight items for every schema; for one that is kept for a single split.
_BLOCKS = {"dev": 1, "T0": 2, "T1": 1, "train": 40}
_BLOCKS_KEPT = 8


def action_items(draw: Draw, split: str) -> list[Item]:
    """Draw the items of a split in which a noun of one kind acts on one of another.

    Args:
        draw: the words, the grammar and the source of chance.
        split: one of `splits.SPLITS`.

    Returns:
        The items, block by block.
    """
    items: list[Item] = []
    for schema in draw.patterns.schemas:
        number = _number(schema, split)
        if number:
            pairs = _gender_pairs(draw, schema, split)
            for _ in range(draws_of(number, pairs) if pairs else 0):
                items += draw.unwritten(partial(_blocks, draw, split, schema, pairs))
    return items


def _number(schema: Schema, split: str) -> int:
    if schema.within_kind:
        return 0
    if schema.only is not None:
        return _BLOCKS_KEPT if schema.only == split else 0
    return _BLOCKS.get(split, 0)


def _gender_pairs(draw: Draw, schema: Schema, split: str) -> list[tuple[Gender, Gender]]:
    """The pairs of genders that both places have nouns of; none without masculine and feminine."""
    pools = [_pool(draw, words, split) for words in (schema.agents, schema.patients)]
    shared = [g for g in GENDERS if all(any(n.gender == g for n in pool) for pool in pools)]
    return list(combinations(shared, 2)) if shared[:2] == ["m", "f"] else []


def _pool(draw: Draw, words: tuple[str, ...], split: str) -> list[Noun]:
    nouns = [draw.lexicon.nouns[word] for word in words]
    return [noun for noun in nouns if noun.new == (split == "T1")]


def _blocks(
    draw: Draw, split: str, schema: Schema, genders: list[tuple[Gender, Gender]]
) -> list[Item]:
    """A block for every pair of genders, alike in cues and wording; none if no nouns are left."""
    agents, patients = (_pool(draw, words, split) for words in (schema.agents, schema.patients))
    for cues in draw_cues(draw, schema):
        choices = [
            [
                nouns
                for nouns in product(agents, patients)
                if (nouns[0].gender, nouns[1].gender) == ordered
                and _allowed(draw, nouns, cues, split)
            ]
            for pair in genders
            for ordered in (pair, pair[::-1])
        ]
        if all(choices):
            drawn = [draw.rng.choice(nouns) for nouns in choices]
            return _write(draw, split, schema, cues, drawn)
    return []


def _allowed(draw: Draw, nouns: Pairing, cues: tuple[Cue, Cue], split: str) -> bool:
    held = any(withheld(noun, cue, draw.lexicon) for noun, cue in zip(nouns, cues, strict=True))
    apart = split != "T1" and kept_apart(*nouns)
    said = split != "train" and draw.said(nouns, cues)  # a test set asks the same thing once
    return not held and not apart and not said and draw.free(nouns, cues, split)


def _write(
    draw: Draw, split: str, schema: Schema, cues: tuple[Cue, Cue], drawn: list[Pairing]
) -> list[Item]:
    setting = choose_causal_setting(draw.rng, draw.patterns, schema, cues)
    items: list[Item] = []
    for number, nouns in enumerate(drawn):
        if number % 2 == 0:
            block = draw.next_block("F3")
        draw.take(nouns, cues, split)
        label = Label(f"{block}.{number % 2}", block, "F3", schema.name, split)
        views = [causal_view(voice, nouns, cues) for voice in schema.voices]
        items += draw.write(label, views, setting)
    return items
