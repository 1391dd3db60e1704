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

A block (see `quads`) never crosses splits. What is withheld follows from the lexicon's order, so
the fillers can ask the same two questions: `withheld` and `kept_apart`.
"""

import random
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import combinations, product

from seq2seq.pronouns.items import Item
from seq2seq.pronouns.lexicon import Cue, Gender, Kind, Lexicon, Noun
from seq2seq.pronouns.patterns import Pattern, Patterns, Schema
from seq2seq.pronouns.phrase import Grammar
from seq2seq.pronouns.quads import (
    Label,
    Setting,
    causal_view,
    choose_setting,
    make_quad,
    plain_setting,
    selectional_views,
)

SPLITS = ("train", "dev", "T0", "T1", "T2", "T3", "T4", "T5", "T6")

# Training puts a noun of the first kind before one of the second; T4 turns them round. In a cycle
# every kind comes first as often as second, so that no cue goes with a position.
CYCLE = (("animal", "fruit"), ("fruit", "appliance"), ("appliance", "animal"))

# Selectional blocks of eight items for every pair of kinds.
_BLOCKS = {"dev": 1, "T0": 2, "train": 26, "T1": 2, "T2": 1, "T3": 1, "T5": 1, "T6": 4}
_CYCLE_BLOCKS = {"T4": 4, "train": 7}
# Causal schemas: noun pairs kept for dev and T0, sentences made of each training pair.
_CAUSAL_PAIRS = {"dev": 1, "T0": 2, "T4": 6}
_CAUSAL_SETTINGS = 3
# Cues of a kind that training uses in quads.
_CUES = 4
# Far more draws than a block that has not been written yet ever needs.
_TRIES = 1000

Pairing = tuple[Noun, Noun]


def withheld(noun: Noun, cue: Cue, lexicon: Lexicon) -> bool:
    """Whether training never says this cue of this noun: every noun lacks one.

    Args:
        noun: any noun.
        cue: any cue.
        lexicon: where the order of the cues is found.

    Returns:
        True for one cue of every noun that quads are trained on: the first noun of a gender
        lacks the first cue of its kind, the second the second.
    """
    kind = lexicon.kinds[noun.kind]
    if noun.new or kind.new or cue not in kind.cues:
        return False
    return kind.cues.index(cue) == noun.place


def kept_apart(one: Noun, other: Noun) -> bool:
    """Whether training never puts these two nouns in one sentence.

    One pair in eight of those that differ in gender, spread so that every noun loses few partners;
    also any two nouns that are new, whose pairs only T1 may use.
    """
    if one.new and other.new:
        return True
    if one.new or other.new or one.gender == other.gender:
        return False
    masculine, feminine = (one, other) if one.gender == "m" else (other, one)
    shift = zlib.crc32(f"{masculine.kind} {feminine.kind}".encode()) % 4
    return (feminine.place - masculine.place) % 4 == shift and masculine.place % 2 == shift % 2


def fitting_cues(one: Kind, other: Kind, *, new: bool = False) -> list[tuple[Cue, Cue]]:
    """Cues of two kinds, neither of which might be said of the other kind as well."""
    pairs = product(one.new_cues, other.new_cues) if new else product(one.cues, other.cues)
    return [(x, y) for x, y in pairs if other.name not in x.doubtful and one.name not in y.doubtful]


def kind_pairs(lexicon: Lexicon) -> list[tuple[Kind, Kind]]:
    """Kinds whose nouns may stand side by side, of no too different size, in lexicon order."""
    return [
        (one, other)
        for one, other in combinations(lexicon.kinds.values(), 2)
        if abs(one.size - other.size) <= 1 and fitting_cues(one, other)
    ]


def open_kind_pairs(lexicon: Lexicon, *, new: bool = False) -> list[tuple[Kind, Kind]]:
    """The pairs of kinds outside the cycle: those that training uses, or those with a new kind."""
    closed = {frozenset(names) for names in CYCLE}
    return [
        (one, other)
        for one, other in kind_pairs(lexicon)
        if (one.new or other.new) == new and frozenset((one.name, other.name)) not in closed
    ]


@dataclass
class Draw:
    """One seeded drawing of all quads; it remembers which noun pair went where with which cue.

    A pair of nouns with a cue belongs to the first split that draws it, so a quad of dev or T0
    never has a near twin in training that differs only in frame or opener.
    """

    lexicon: Lexicon
    patterns: Patterns
    grammar: Grammar
    language: str
    rng: random.Random
    taken: dict[tuple[frozenset[str], str], str] = field(default_factory=dict)
    written: set[str] = field(default_factory=set)
    blocks: int = 0

    def free(self, nouns: Pairing, cues: tuple[Cue, Cue], split: str) -> bool:
        """Whether a split may use these nouns with these cues."""
        key = frozenset(noun.english for noun in nouns)
        return all(self.taken.get((key, cue.english), split) == split for cue in cues)

    def take(self, nouns: Pairing, cues: tuple[Cue, Cue], split: str) -> None:
        """Keep these nouns with these cues for a split."""
        key = frozenset(noun.english for noun in nouns)
        for cue in cues:
            self.taken[(key, cue.english)] = split

    def unwritten(self, make: Callable[[], list[Item]]) -> list[Item]:
        """Draw again until no sentence of the block has been written before."""
        for _ in range(_TRIES):
            items = make()
            if self.written.isdisjoint(item.source for item in items):
                self.written.update(item.source for item in items)
                return items
        raise AssertionError(f"{_TRIES} blocks drawn, none new: the lexicon is too small for this")

    def next_block(self, family: str) -> str:
        """A name for a new block."""
        self.blocks += 1
        return f"{self.language}-{family}-{self.blocks:05d}"


def draw_splits(draw: Draw) -> dict[str, list[Item]]:
    """Draw the items of every split.

    Args:
        draw: the words, the grammar and the source of chance.

    Returns:
        Items by split, in the order of `SPLITS`; test splits are drawn before training.
    """
    items: dict[str, list[Item]] = {split: [] for split in SPLITS}
    for split in (*SPLITS[1:], "train"):
        items[split] += _selectional(draw, split)
        items[split] += _causal(draw, split)
    return items


# --- selectional: the noun's kind fits the cue ----------------------------------------------------


def _selectional(draw: Draw, split: str) -> list[Item]:
    items: list[Item] = []
    for _ in range(_CYCLE_BLOCKS.get(split, 0)):
        for place in range(_CUES):
            items += draw.unwritten(partial(_cycle_blocks, draw, split, place))
    if split not in _BLOCKS:
        return items
    for kinds in open_kind_pairs(draw.lexicon, new=split == "T6"):
        for _ in range(_BLOCKS[split]):
            items += draw.unwritten(partial(_open_block, draw, split, kinds))
    return items


def _open_block(draw: Draw, split: str, kinds: tuple[Kind, Kind]) -> list[Item]:
    """A block in which either kind comes first; nothing if the split has no nouns or cues left."""
    drawn = _draw_nouns(draw, split, kinds, fitting_cues(*kinds, new=split == "T5"))
    if drawn is None:
        return []
    cues, pairs = drawn
    frame = draw.rng.choice(draw.patterns.frames_for(*kinds))
    setting = choose_setting(draw.rng, draw.patterns, cues, tense=frame.when, causal=False)
    return _write_block(draw, split, kinds, cues, pairs, [(frame, False), (frame, True)], setting)


def _cycle_blocks(draw: Draw, split: str, place: int) -> list[Item]:
    """A block for every two kinds of the cycle, alike in everything else, so that they balance."""
    cycle = [tuple(draw.lexicon.kinds[name] for name in names) for names in CYCLE]
    cues = [kind.cues[place] for kind, _ in cycle]
    frames = draw.patterns.frames_for(*(kind for kind, _ in cycle))
    one = draw.rng.choice(frames)
    other = draw.rng.choice([f for f in frames if f.when == one.when and f is not one])
    setting = choose_setting(draw.rng, draw.patterns, cues, tense=one.when, causal=False)
    views = [(frame, split == "T4") for frame in (one, other)]
    items: list[Item] = []
    for first, second in cycle:
        pair = first.cues[place], second.cues[place]
        drawn = _draw_nouns(draw, split, (first, second), [pair])
        assert drawn is not None, "the cycle has nouns enough for its few blocks"
        items += _write_block(draw, split, (first, second), pair, drawn[1], views, setting)
    return items


def _write_block(
    draw: Draw,
    split: str,
    kinds: tuple[Kind, Kind],
    cues: tuple[Cue, Cue],
    pairs: tuple[Pairing, Pairing],
    frames: Sequence[tuple[Pattern, bool]],
    setting: Setting,
) -> list[Item]:
    """Two quads with the same cues, the first with a masculine noun of the first kind."""
    block = draw.next_block("F2")
    items: list[Item] = []
    for number, nouns in enumerate(pairs):
        draw.take(nouns, cues, split)
        label = Label(f"{block}.{number}", block, "F2", "+".join(k.name for k in kinds), split)
        views = selectional_views(frames, nouns, cues)
        items += make_quad(label, views, setting, draw.grammar, draw.language)
    return items


def _draw_nouns(
    draw: Draw, split: str, kinds: tuple[Kind, Kind], allowed: Sequence[tuple[Cue, Cue]]
) -> tuple[tuple[Cue, Cue], tuple[Pairing, Pairing]] | None:
    """Cues, and a pair of nouns for either gender of the first kind, that a split may use."""
    for cues in draw.rng.sample(allowed, len(allowed)):
        choices = [
            [
                nouns
                for nouns in _pairings(kinds, gender, split)
                if _allowed(draw, nouns, cues, split)
            ]
            for gender in ("m", "f")
        ]
        if all(choices):
            return cues, (draw.rng.choice(choices[0]), draw.rng.choice(choices[1]))
    return None


def _pairings(kinds: tuple[Kind, Kind], gender: Gender, split: str) -> Iterator[Pairing]:
    other: Gender = "f" if gender == "m" else "m"
    first, second = (
        (kinds[0].new_of(gender), kinds[1].new_of(other))
        if split == "T1"
        else (kinds[0].of(gender), kinds[1].of(other))
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


# --- causal: the verb and the cue decide ----------------------------------------------------------


def _causal(draw: Draw, split: str) -> list[Item]:
    settings = _CAUSAL_SETTINGS if split == "train" else 1
    items: list[Item] = []
    for schema in draw.patterns.schemas:
        if schema.unseen_voice is None:
            for nouns in _causal_pairs(draw, schema, split):
                for _ in range(settings):
                    items += draw.unwritten(partial(_causal_blocks, draw, split, [(schema, nouns)]))
    mirrored = [schema for schema in draw.patterns.schemas if schema.unseen_voice is not None]
    shares = [_causal_pairs(draw, schema, split) for schema in mirrored]
    for pairs in zip(*shares, strict=True):
        for _ in range(settings):
            chosen = list(zip(mirrored, pairs, strict=True))
            items += draw.unwritten(partial(_causal_blocks, draw, split, chosen))
    return items


def _causal_pairs(draw: Draw, schema: Schema, split: str) -> list[Pairing]:
    """A masculine and a feminine noun, for every pair that a split may use with a schema."""
    nouns = [draw.lexicon.nouns[word] for word in schema.agents]
    pairs = [(a, b) for a in nouns for b in nouns if a.gender == "m" and b.gender == "f"]
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
    random.Random(f"{draw.language} {schema.name}").shuffle(together)
    return _share(together, schema, split)


def _share(pairs: list[Pairing], schema: Schema, split: str) -> list[Pairing]:
    if schema.unseen_voice is not None:
        kept = _CAUSAL_PAIRS["T4"]
        return {"T4": pairs[:kept], "train": pairs[kept:]}.get(split, [])
    dev, after = _CAUSAL_PAIRS["dev"], _CAUSAL_PAIRS["dev"] + _CAUSAL_PAIRS["T0"]
    return {"dev": pairs[:dev], "T0": pairs[dev:after], "train": pairs[after:]}.get(split, [])


def _causal_blocks(draw: Draw, split: str, chosen: Sequence[tuple[Schema, Pairing]]) -> list[Item]:
    """A block for each schema, all alike in opener, link and adverb.

    Schemas with an unseen voice come together: the cue that is the agent's in one is the patient's
    in the other, so that in a single voice no cue goes with a position.
    """
    first = chosen[0][0]
    cues = [draw.lexicon.cues[word] for word in first.cues]
    setting = choose_setting(
        draw.rng,
        draw.patterns,
        cues,
        tense="past",
        causal=True,
        modifiers=first.modifiers,
        timeless=first.timeless,
    )
    items: list[Item] = []
    for schema, nouns in chosen:
        items += _causal_block(draw, split, schema, nouns, setting)
    return items


def _causal_block(
    draw: Draw, split: str, schema: Schema, nouns: Pairing, setting: Setting
) -> list[Item]:
    """Both nouns as agent and as patient, in both voices (or in the split's), with both cues."""
    block = draw.next_block("F1")
    orders = (nouns, nouns[::-1])
    quads = [
        [causal_view(schema, voice, order, draw.lexicon) for voice in schema.voices]
        for order in orders
    ]
    if schema.unseen_voice is not None:
        voice = _voice_for(schema, split)
        quads = [[causal_view(schema, voice, order, draw.lexicon) for order in orders]]
    items: list[Item] = []
    for number, views in enumerate(quads):
        label = Label(f"{block}.{number}", block, "F1", schema.name, split)
        items += make_quad(label, views, setting, draw.grammar, draw.language)
    return items


def _voice_for(schema: Schema, split: str) -> Pattern:
    unseen = split == "T4"
    return next(v for v in schema.voices if (v.name == schema.unseen_voice) == unseen)


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
