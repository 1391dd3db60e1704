"""The selectional quads (F2): the noun's kind fits the cue, whatever stands first."""

from collections.abc import Iterator, Sequence
from functools import partial
from itertools import product

from seq2seq.pronouns.draw import (
    CYCLE,
    Draw,
    Pairing,
    draws_of,
    fitting_cues,
    gender_pairs,
    kept_apart,
    open_kind_pairs,
    withheld,
)
from seq2seq.pronouns.items import Item
from seq2seq.pronouns.lexicon import Cue, Gender, Kind
from seq2seq.pronouns.patterns import Pattern
from seq2seq.pronouns.quads import Label, Setting, choose_setting, selectional_views

# Blocks of eight items for every pair of kinds.
_BLOCKS = {"dev": 1, "T0": 2, "train": 30, "T1": 2, "T2": 1, "T3": 1, "T5": 1, "T6": 4, "dev_T5": 1}
_CYCLE_BLOCKS = {"T4": 4, "train": 7}
# Cues of a kind that training uses in quads.
_CUES = 4

# The two quads of a block: nouns of one gender and another, and the other way about.
_Twins = tuple[Pairing, Pairing]


def selectional_items(draw: Draw, split: str) -> list[Item]:
    """Draw the selectional items of a split.

    Args:
        draw: the words, the grammar and the source of chance.
        split: one of `splits.SPLITS`.

    Returns:
        The items, block by block.
    """
    items: list[Item] = []
    for _ in range(_CYCLE_BLOCKS.get(split, 0)):
        for place in range(_CUES):
            items += draw.unwritten(partial(_cycle_blocks, draw, split, place))
    if split not in _BLOCKS:
        return items
    for kinds in open_kind_pairs(draw.lexicon, new=split == "T6"):
        for _ in range(draws_of(_BLOCKS[split], gender_pairs(*kinds))):
            items += draw.unwritten(partial(_open_blocks, draw, split, kinds))
    return items


def _open_blocks(draw: Draw, split: str, kinds: tuple[Kind, Kind]) -> list[Item]:
    """Blocks in which either kind comes first; nothing if the split has no nouns or cues left."""
    allowed = fitting_cues(*kinds, split)
    drawn = _draw_nouns(draw, split, kinds, allowed, gender_pairs(*kinds))
    if drawn is None:
        return []
    cues, blocks = drawn
    frame = draw.rng.choice(draw.patterns.frames_for(*kinds))
    links = draw.patterns.links_for(frame)
    setting = choose_setting(draw.rng, draw.patterns, cues, tense=frame.when, links=links)
    views = [(frame, False), (frame, True)]
    return [
        item
        for pairs in blocks
        for item in _write_block(draw, split, kinds, cues, pairs, views, setting)
    ]


def _cycle_blocks(draw: Draw, split: str, place: int) -> list[Item]:
    """A block for every two kinds of the cycle, alike in everything else, so that they balance.

    They keep to the genders that all kinds of the cycle have.
    """
    cycle = [tuple(draw.lexicon.kinds[name] for name in names) for names in CYCLE]
    cues = [kind.cues[place] for kind, _ in cycle]
    fitting = [draw.patterns.frames_for(*kinds) for kinds in cycle]
    frames = [frame for frame in fitting[0] if all(frame in some for some in fitting)]
    one = draw.rng.choice(frames)
    other = draw.rng.choice([f for f in frames if f.when == one.when and f is not one])
    links = draw.patterns.links_for(one)
    setting = choose_setting(draw.rng, draw.patterns, cues, tense=one.when, links=links)
    views = [(frame, split == "T4") for frame in (one, other)]
    items: list[Item] = []
    for first, second in cycle:
        pair = first.cues[place], second.cues[place]
        drawn = _draw_nouns(draw, split, (first, second), [pair], [("m", "f")])
        assert drawn is not None, "the cycle has nouns enough for its few blocks"
        items += _write_block(draw, split, (first, second), pair, drawn[1][0], views, setting)
    return items


def _write_block(
    draw: Draw,
    split: str,
    kinds: tuple[Kind, Kind],
    cues: tuple[Cue, Cue],
    pairs: _Twins,
    frames: Sequence[tuple[Pattern, bool]],
    setting: Setting,
) -> list[Item]:
    """Two quads with the same cues and the genders exchanged."""
    block = draw.next_block("F2")
    items: list[Item] = []
    for number, nouns in enumerate(pairs):
        draw.take(nouns, cues, split)
        label = Label(f"{block}.{number}", block, "F2", "+".join(k.name for k in kinds), split)
        views = selectional_views(frames, nouns, cues)
        items += draw.write(label, views, setting)
    return items


def _draw_nouns(
    draw: Draw,
    split: str,
    kinds: tuple[Kind, Kind],
    allowed: Sequence[tuple[Cue, Cue]],
    genders: Sequence[tuple[Gender, Gender]],
) -> tuple[tuple[Cue, Cue], list[_Twins]] | None:
    """Cues, and twin pairs of nouns in every pair of genders, that a split may use."""
    for cues in draw.rng.sample(allowed, len(allowed)):
        choices = [
            [
                nouns
                for nouns in _pairings(kinds, ordered, split)
                if _allowed(draw, nouns, cues, split)
            ]
            for pair in genders
            for ordered in (pair, pair[::-1])
        ]
        if all(choices):
            drawn = [draw.rng.choice(nouns) for nouns in choices]
            return cues, list(zip(drawn[::2], drawn[1::2], strict=True))
    return None


def _pairings(
    kinds: tuple[Kind, Kind], genders: tuple[Gender, Gender], split: str
) -> Iterator[Pairing]:
    first, second = (
        (kind.new_of(gender) if split == "T1" else kind.of(gender))
        for kind, gender in zip(kinds, genders, strict=True)
    )
    yield from product(first, second)


def _allowed(draw: Draw, nouns: Pairing, cues: tuple[Cue, Cue], split: str) -> bool:
    """Whether exactly that is new about these nouns and cues which makes the split."""
    held = [withheld(noun, cue, draw.lexicon) for noun, cue in zip(nouns, cues, strict=True)]
    return (
        (all(held) if split == "T2" else not any(held))
        and (split == "T1" or kept_apart(*nouns) == (split == "T3"))
        and draw.free(nouns, cues, split)
    )
