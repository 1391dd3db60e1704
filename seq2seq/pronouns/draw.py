"""What a drawing of quads remembers, and what may meet what in one sentence.

What is withheld from training follows from the lexicon's order, so the quads and the fillers can
ask the same two questions: `withheld` and `kept_apart`.
"""

import random
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import combinations, product

from seq2seq.pronouns.items import Item
from seq2seq.pronouns.lexicon import GENDERS, Cue, Gender, Kind, Lexicon, Noun
from seq2seq.pronouns.patterns import Patterns, Schema
from seq2seq.pronouns.phrase import Grammar
from seq2seq.pronouns.quads import Label, Setting, View, make_quad

# Training puts a noun of the first kind before one of the second; T4 turns them round. In a cycle
# every kind comes first as often as second, so that no cue goes with a position.
CYCLE = (("animal", "fruit"), ("fruit", "appliance"), ("appliance", "animal"))

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
    if noun.new or kind.new or noun.place >= len(kind.cues):
        return False
    return kind.cues[noun.place] is cue


@cache
def kept_apart(one: Noun, other: Noun) -> bool:
    """Whether training never puts these two nouns in one sentence.

    One pair in eight of those that differ in gender, spread so that every noun loses few partners;
    also any two nouns that are new, whose pairs only T1 may use.
    """
    if one.new and other.new:
        return True
    if one.new or other.new or one.gender == other.gender:
        return False
    first, second = sorted((one, other), key=lambda noun: GENDERS.index(noun.gender))
    shift = zlib.crc32(f"{first.kind} {second.kind}".encode()) % 4
    return (second.place - first.place) % 4 == shift and first.place % 2 == shift % 2


def fitting_cues(one: Kind, other: Kind, split: str = "") -> list[tuple[Cue, Cue]]:
    """Cues of two kinds for a split, neither of which might be said of the other kind as well."""
    match split:
        case "T5":
            pairs = product(one.new_cues, other.new_cues)
        case "dev_T5":
            pairs = product(one.dev_cues, other.dev_cues)
        case _:
            pairs = product(one.cues, other.cues)
    return [(x, y) for x, y in pairs if other.name not in x.doubtful and one.name not in y.doubtful]


def draw_cues(draw: "Draw", schema: Schema) -> list[tuple[Cue, Cue]]:
    """What may be true of a schema's agent and patient, in an order that chance decides."""
    pairs = [(one, other) for one in schema.cues[0] for other in schema.cues[1]]
    cues = draw.lexicon.cues
    return [(cues[one], cues[other]) for one, other in draw.rng.sample(pairs, len(pairs))]


def kind_pairs(lexicon: Lexicon) -> list[tuple[Kind, Kind]]:
    """Kinds whose nouns people see side by side, of no too different size, in lexicon order."""
    return [
        (one, other)
        for one, other in combinations(lexicon.kinds.values(), 2)
        if abs(one.size - other.size) <= 1
        and not {one.name, other.name} & (one.apart | other.apart)
        and fitting_cues(one, other)
    ]


def open_kind_pairs(lexicon: Lexicon, *, new: bool = False) -> list[tuple[Kind, Kind]]:
    """The pairs of kinds outside the cycle: those that training uses, or those with a new kind."""
    closed = {frozenset(names) for names in CYCLE}
    return [
        (one, other)
        for one, other in kind_pairs(lexicon)
        if (one.new or other.new) == new and frozenset((one.name, other.name)) not in closed
    ]


def gender_pairs(*kinds: Kind) -> list[tuple[Gender, Gender]]:
    """The pairs of genders that nouns of two kinds can differ in.

    A block is written for every pair, all alike in cues and wording, so that no cue goes with a
    gender: where a kind has no neuter nouns, masculine and feminine are left, which all have.

    Args:
        kinds: of the two nouns.

    Returns:
        Pairs in the order of `GENDERS`, masculine and feminine first.
    """
    shared = [gender for gender in GENDERS if all(gender in kind.genders for kind in kinds)]
    return list(combinations(shared, 2))


def draws_of(number: int, genders: list[tuple[Gender, Gender]]) -> int:
    """How often to draw, for about as many blocks, if each draw writes one for every pair."""
    return -(-number // len(genders))


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
    quads: dict[str, tuple[Label, Sequence[View], Setting]] = field(default_factory=dict)

    def free(self, nouns: Pairing, cues: tuple[Cue, Cue], split: str) -> bool:
        """Whether a split may use these nouns with these cues."""
        key = frozenset(noun.english for noun in nouns)
        return all(self.taken.get((key, cue.english), split) == split for cue in cues)

    def said(self, nouns: Pairing, cues: tuple[Cue, Cue]) -> bool:
        """Whether any split has these nouns with one of these cues."""
        key = frozenset(noun.english for noun in nouns)
        return any((key, cue.english) in self.taken for cue in cues)

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

    def write(self, label: Label, views: Sequence[View], setting: Setting) -> list[Item]:
        """Write a quad, and remember how, so that it can be said again in another way."""
        self.quads[label.quad] = (label, views, setting)
        return make_quad(label, views, setting, self.grammar, self.language)

    def next_block(self, family: str) -> str:
        """A name for a new block."""
        self.blocks += 1
        return f"{self.language}-{family}-{self.blocks:05d}"
