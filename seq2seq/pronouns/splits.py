"""Which quads go where: training, dev, and seven ways of being new.

========  ==========================================================================
train     complete quads, and the only place fillers go
dev, T0   new quads; for the nouns and cues see `Draw`
T1        nouns that training shows only in fillers
T2        a noun with a cue of its kind that training never says of it
T3        pairs of nouns that training never puts in one sentence
T4        orders and voices never followed by "because …" in training, for some schemas
T5        cues that training shows only in fillers
T6        causal schemas, and a kind of noun, that training shows only in fillers
dev_T5    as T5, with other cues: what a recipe may be chosen by
dev_T6    as the schemas of T6, with others
========  ==========================================================================

dev_natural is to the natural set what dev_T6 is to T6: verbs between nouns of two kinds. Of all
these verbs training shows, without a reason and without "it", which property goes with which side
(see `verb_choices`). A block (see `quads`) never crosses splits.
"""

from collections.abc import Sequence
from dataclasses import replace

from seq2seq.pronouns.acting import action_items
from seq2seq.pronouns.causal import causal_items
from seq2seq.pronouns.draw import Draw
from seq2seq.pronouns.items import Item
from seq2seq.pronouns.quads import Label, causal_view, make_quad, plain_setting
from seq2seq.pronouns.selectional import selectional_items

SPLITS = (
    *("train", "dev", "T0", "T1", "T2", "T3", "T4", "T5", "T6"),
    *("dev_T5", "dev_T6", "dev_natural"),
)


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
    for split in (*SPLITS[1:], "train"):  # last, as they find nouns and cues for whatever is left
        items[split] += action_items(draw, split)
    if draw.grammar.genders:
        items = {
            split: _showing(some) if split != "train" else some for split, some in items.items()
        }
    return items


def _showing(items: Sequence[Item]) -> list[Item]:
    """The blocks whose targets all show a gender: all of them, but for Vietnamese classifiers."""
    silent = {item.block for item in items if not item.contrastive}
    return [item for item in items if item.block not in silent]


def two_sentence_items(draw: Draw, items: Sequence[Item]) -> list[Item]:
    """Say items again as two sentences: the robot could not lift the crane. It was too heavy.

    Args:
        draw: what the items were drawn with.
        items: of a test split.

    Returns:
        The same quads plainly joined, but for those that were two sentences already.
    """
    stop = plain_setting(draw.patterns, "stop").link
    again: list[Item] = []
    for name in dict.fromkeys(item.quad for item in items):
        label, views, setting = draw.quads[name]
        if setting.link == stop:
            continue
        if setting.modifier is not None and setting.modifier.english == "so":
            setting = replace(setting, modifier=None)
        label = replace(
            label, quad=f"{label.quad}-two", block=f"{label.block}-two", split="two_sentence"
        )
        setting = replace(setting, link=stop)
        again += make_quad(label, views, setting, draw.grammar, draw.language)
    return again


def natural_items(draw: Draw) -> list[Item]:
    """The natural set: one quad for each hand-written sentence that the language has."""
    items: list[Item] = []
    for schema in draw.patterns.natural + draw.patterns.everyday:
        agent, patient = (draw.lexicon.nouns[w] for w in (*schema.agents, *schema.patients))
        (one,), (other,) = schema.cues
        cues = draw.lexicon.cues[one], draw.lexicon.cues[other]
        views = [causal_view(voice, (agent, patient), cues) for voice in schema.voices]
        name = f"{draw.language}-natural-{schema.name.replace(' ', '-')}"
        label = Label(name, name, "natural", schema.name, "natural")
        items += make_quad(label, views, plain_setting(draw.patterns), draw.grammar, draw.language)
    return items
