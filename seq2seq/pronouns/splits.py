"""Which quads go where: training, dev, and seven ways of being new.

========  ==========================================================================
train     complete quads, and the only place fillers go
dev, T0   new quads; for the nouns and cues see `Draw`
T1        nouns that training shows only in fillers
T2        a noun with a cue of its kind that training never says of it
T3        pairs of nouns that training never puts in one sentence
T4        orders and voices that training never shows with a reason, for some schemas
T5        cues that training shows only in fillers
T6        causal schemas, and a kind of noun, that training shows only in fillers
========  ==========================================================================

A block (see `quads`) never crosses splits.
"""

from seq2seq.pronouns.causal import causal_items
from seq2seq.pronouns.draw import Draw
from seq2seq.pronouns.items import Item
from seq2seq.pronouns.quads import Label, causal_view, make_quad, plain_setting
from seq2seq.pronouns.selectional import selectional_items

SPLITS = ("train", "dev", "T0", "T1", "T2", "T3", "T4", "T5", "T6")


def draw_splits(draw: Draw) -> dict[str, list[Item]]:
    """Draw the items of every split.

    Args:
        draw: the words, the grammar and the source of chance.

    Returns:
        Items by split, in the order of `SPLITS`; test splits are drawn before training.
    """
    items: dict[str, list[Item]] = {split: [] for split in SPLITS}
    for split in (*SPLITS[1:], "train"):
        items[split] += selectional_items(draw, split)
        items[split] += causal_items(draw, split)
    return items


def natural_items(draw: Draw) -> list[Item]:
    """The natural set: one quad for each of the sentences in ``natural.toml``, plainly worded."""
    items: list[Item] = []
    for schema in draw.patterns.natural:
        agent, patient = (draw.lexicon.nouns[w] for w in (*schema.agents, *schema.patients))
        views = [causal_view(schema, v, (agent, patient), draw.lexicon) for v in schema.voices]
        name = f"{draw.language}-natural-{schema.name}"
        label = Label(name, name, "natural", schema.name, "natural")
        items += make_quad(label, views, plain_setting(draw.patterns), draw.grammar, draw.language)
    return items
