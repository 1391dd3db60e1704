"""Sentences that a claim about "it" must also survive: no antecedent, no signal, the cue first.

=========== ====================================================================================
neutral     the adjective fits either noun and shows no gender (it was blue): no gold; where the
            pronoun shows the gender, both nouns have the same
pleonastic  "it" refers to nothing (because it was raining): no gold
same_gender the gold is as clear as ever, but the target does not show it
cataphoric  "Because it was ripe, the pear was next to the cat": "it" before its noun
=========== ====================================================================================
"""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from seq2seq.pronouns.draw import (
    Draw,
    Pairing,
    fitting_cues,
    gender_pairs,
    kept_apart,
    open_kind_pairs,
    withheld,
)
from seq2seq.pronouns.items import Item
from seq2seq.pronouns.lexicon import Cue, Kind
from seq2seq.pronouns.patterns import Link, Pattern
from seq2seq.pronouns.quads import (
    Label,
    Setting,
    View,
    choose_setting,
    make_quad,
    selectional_views,
)

Control = Literal["neutral", "pleonastic", "same_gender", "cataphoric"]
CONTROLS: tuple[Control, ...] = ("neutral", "pleonastic", "same_gender", "cataphoric")

_STOP = Pattern("stop", ".", ".")


def control_items(draw: Draw, control: Control, split: str, per_kind_pair: int) -> list[Item]:
    """Draw one control set.

    Args:
        draw: the words, the grammar and the source of chance.
        control: which one.
        split: "control", or "train" for the share that training is shown.
        per_kind_pair: how many quads, or quads with their twin, for every two kinds.

    Returns:
        The items, block by block.
    """
    items: list[Item] = []
    for kinds in open_kind_pairs(draw.lexicon):
        for _ in range(per_kind_pair):
            items += draw.unwritten(partial(_block, draw, control, split, kinds))
    return items


def _block(draw: Draw, control: Control, split: str, kinds: tuple[Kind, Kind]) -> list[Item]:
    if control in ("neutral", "pleonastic"):
        return _without_antecedent(draw, control, split, kinds)
    return _selectional(draw, control, split, kinds)


def _without_antecedent(
    draw: Draw, control: Control, split: str, kinds: tuple[Kind, Kind]
) -> list[Item]:
    """One noun pair in both orders, with a reason that is about neither noun."""
    neutral = control == "neutral"
    frame = _past_frame(draw, kinds)
    if neutral:
        cue = draw.rng.choice(list(draw.lexicon.neutral.values()))
        setting = _setting(draw, frame, [cue], draw.patterns.reasons)
        name = cue.english
    else:
        cue = kinds[0].cues[0]
        reason = draw.rng.choice(draw.patterns.pleonastic)
        setting = _setting(draw, frame, [cue], draw.patterns.reasons)
        setting = replace(setting, link=reason)
        name = reason.name
    alike = draw.rng.random() < 0.5
    if neutral and draw.grammar.marks(cue, "m") != draw.grammar.marks(cue, "f"):
        alike = True
    nouns = draw.rng.choice(_pairs(kinds, same_gender=alike))
    views = [
        replace(view, meant=((cue, None),))
        for view in selectional_views([(frame, False), (frame, True)], nouns, (cue, cue))
    ]
    made = _write(draw, control, split, kinds, [views], setting)
    return [replace(item, cue=name) for item in made]


def _selectional(draw: Draw, control: Control, split: str, kinds: tuple[Kind, Kind]) -> list[Item]:
    """A block as in the splits, with nouns of one gender or with the reason first."""
    same_gender = control == "same_gender"
    frame = _past_frame(draw, kinds)
    cues = draw.rng.choice(fitting_cues(*kinds))
    setting = _setting(draw, frame, cues, draw.patterns.links_for(frame))
    if not same_gender:
        setting = replace(setting, opener=draw.patterns.cataphora, link=_STOP)
    pairs = [
        nouns
        for nouns in _pairs(kinds, same_gender=same_gender)
        if not any(withheld(n, c, draw.lexicon) for n, c in zip(nouns, cues, strict=True))
    ]
    quads = [
        selectional_views([(frame, False), (frame, True)], draw.rng.choice(chosen), cues)
        for chosen in _by_gender(pairs, kinds, same_gender=same_gender)
    ]
    return _write(draw, control, split, kinds, quads, setting)


def _write(
    draw: Draw,
    control: Control,
    split: str,
    kinds: tuple[Kind, Kind],
    quads: Sequence[Sequence[View]],
    setting: Setting,
) -> list[Item]:
    block = draw.next_block(control)
    schema = "+".join(kind.name for kind in kinds)
    items: list[Item] = []
    for number, views in enumerate(quads):
        label = Label(f"{block}.{number}", block, control, schema, split)
        items += make_quad(label, views, setting, draw.grammar, draw.language)
    return items


def _past_frame(draw: Draw, kinds: tuple[Kind, Kind]) -> Pattern:
    return draw.rng.choice([f for f in draw.patterns.frames_for(*kinds) if f.tense == "past"])


def _setting(draw: Draw, frame: Pattern, cues: Sequence[Cue], links: Sequence[Link]) -> Setting:
    return choose_setting(draw.rng, draw.patterns, cues, tense=frame.when, links=links)


def _pairs(kinds: tuple[Kind, Kind], *, same_gender: bool) -> list[Pairing]:
    return [
        (a, b)
        for a in kinds[0].nouns
        for b in kinds[1].nouns
        if (a.gender == b.gender) == same_gender and not kept_apart(a, b)
    ]


def _by_gender(
    pairs: Sequence[Pairing], kinds: tuple[Kind, Kind], *, same_gender: bool
) -> list[list[Pairing]]:
    """The pairs of masculine nouns and of feminine ones, or those of either order of genders."""
    wanted = [("m", "m"), ("f", "f")]
    if not same_gender:
        wanted = [ordered for pair in gender_pairs(*kinds) for ordered in (pair, pair[::-1])]
    return [[(a, b) for a, b in pairs if (a.gender, b.gender) == genders] for genders in wanted]
