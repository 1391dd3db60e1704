"""Copying pairs: extra training pairs in which both sides hold the same made-up text.

A small corpus shows the same few names over and over, and no address or placeholder at all. A model
trained on it learns to write "Tom", not to copy, and spells a name that it never saw as the nearest
one that it knows. Here real pairs are given text to copy: a capitalised word that both sides share
is replaced by, or stands beside, something made up; or that is put where it cannot go wrong, at the
start, the end, before the closing mark, or beside the only comma. The rest of the pair stays what
people wrote, so the model translates around what it copies.

They are drawn anew in each epoch, because a fixed set would be learnt by heart, as a pure function
of seed and epoch, so that a resumed run sees the same. The vocabulary never sees them: it would
spend pieces on random strings, and the model is to copy with the pieces of real text.

Source: Currey et al. 2017 (copied monolingual data improves low-resource translation) found that
pairs with equal sides teach copying; equal parts in translated pairs do so without teaching that
whole sentences may stay untranslated.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from seq2seq.data.columns import Pair
from seq2seq.data.corpus import iterate_pairs
from seq2seq.data.made_up import Kind, draw_kind, make_up
from seq2seq.data.marks import Marks, join_marks
from seq2seq.data.parallel_text import ParallelText
from seq2seq.data.prepare import EpochData, TrainingSet, epoch_rows
from seq2seq.data.ragged import Ragged, chained
from seq2seq.languages import language_of
from seq2seq.recipe import Recipe
from seq2seq.tokenizer_like import Encoder

NAMED_STREAM, ANY_STREAM = 4, 5  # beside those of data/prepare.py
NAMED_SHARE = 0.5  # of the copying pairs, where enough pairs share a name
SECOND_ITEM = 0.15
QUOTES = (
    ('"', '"'),
    ("'", "'"),
    ("(", ")"),
    ("[", "]"),
    ("«", "»"),
    ("“", "”"),
    ("<", ">"),
    ("*", "*"),
)
CAPITALISED = re.compile(r"\b[^\W\d_]{2,}\b")
CLOSING = re.compile(r"[.!?…。！？؟।]+[\"'”’»)]*$")
LOWER_AT_MOST = 20  # a name that is written without a capital more than once in so many is a word
WORDS_AT_MOST = 4000
Mask = Bool[np.ndarray, " pairs"]
LONGEST_WORD = 12  # what is longer is a sentence without spaces


@dataclass(frozen=True)
class CopyingReport:
    """What the copying pairs of the first epoch are; later epochs have as many, drawn anew."""

    share: float
    pairs: int
    shared_name: int
    """Real pairs that share a capitalised word which made-up text can replace."""
    items: dict[str, int]
    too_long: int
    """Copying pairs left out because a side has more pieces than the recipe allows."""
    unknown: int
    """Copying pairs left out because the vocabulary cannot spell them; none with byte fallback."""

    def to_json(self) -> dict[str, Any]:
        """The counts, for programs."""
        return asdict(self)

    def to_text(self) -> str:
        """One line for people."""
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in self.items.items())
        return (
            f"copying: {self.pairs:,} extra pairs an epoch hold made-up text on both sides "
            f"({kinds}); {self.shared_name:,} real pairs share a name to replace; "
            f"left out: {self.too_long:,} too long, {self.unknown:,} with unknown pieces"
        )


@dataclass(frozen=True, eq=False)
class CopyingCorpus:
    """The real pairs of one corpus that copying pairs are made from."""

    pairs: Any
    named: Int[np.ndarray, " named"]
    """Rows whose sides share a replaceable word."""
    weight: float

    def drawn(
        self, share: float, seed: list[int], epoch: int
    ) -> tuple[Int[np.ndarray, " any"], Int[np.ndarray, " named"]]:
        """Rows to put something into, and rows to replace a name in; all have their turn."""
        size = len(self.pairs)
        named = min(share * self.weight * size * NAMED_SHARE, len(self.named))
        rest = share * self.weight - named / size
        rows = epoch_rows(size, rest, [*seed, ANY_STREAM], epoch)
        if not len(self.named):
            return rows, self.named
        places = epoch_rows(len(self.named), named / len(self.named), [*seed, NAMED_STREAM], epoch)
        return rows, self.named[places]


@dataclass(frozen=True)
class MadePair:
    """A pair with made-up text on both sides."""

    source: str
    target: str
    items: tuple[tuple[Kind, str], ...]


@dataclass(frozen=True, eq=False)
class CopyingMaker:
    """Makes the copying pairs of any epoch."""

    corpora: tuple[CopyingCorpus, ...]
    names: frozenset[str]
    share: float
    spaces: tuple[str, str]
    """What stands between words of source and target: a space, or nothing."""
    seed: int

    @classmethod
    def of(cls, text: ParallelText, recipe: Recipe) -> "CopyingMaker":
        """Look the training text over for names that both sides share."""
        names = _names(text)
        corpora = []
        for name, dataset in text.train.items():
            rows = [
                row
                for row, pair in enumerate(iterate_pairs(dataset))
                if not names.isdisjoint(shared_names(*pair))
            ]
            named = np.array(rows, dtype=np.int64)
            corpora.append(CopyingCorpus(dataset, named, text.weights[name]))
        codes = (recipe.source_language, recipe.target_language)
        source, target = (" " if language_of(code).spaced else "" for code in codes)
        share = recipe.data.copying.share
        return cls(tuple(corpora), names, share, (source, target), recipe.seed)

    def epoch(self, number: int) -> list[MadePair]:
        """The copying pairs of an epoch, counted from 0; the same for the same number."""
        made: list[MadePair] = []
        for place, corpus in enumerate(self.corpora):
            random = Random(f"copying {self.seed} {place} {number}")
            rows, named = corpus.drawn(self.share, [self.seed, place], number)
            plain, naming = (
                list(iterate_pairs(corpus.pairs.select(chosen))) if len(chosen) else []
                for chosen in (rows, named)
            )
            words = _words(plain + naming)
            made += [self._with_name(pair, random, words) for pair in naming]
            made += [
                self._inserted(MadePair(*pair, ()), random, words, free=True) for pair in plain
            ]
        return made

    def _with_name(self, pair: Pair, random: Random, words: Sequence[str]) -> MadePair:
        """Replace a name that both sides share, or put something beside it."""
        name = random.choice([w for w in shared_names(*pair) if w in self.names])
        # most of what stands where a name stood is a name
        kind: Kind = "name" if random.random() < 0.6 else draw_kind(random)
        item = make_up(kind, random, words)
        style = random.random()
        shown = quoted(item, random)
        if style < 0.12:
            shown = f"{name} {shown}"
        elif style < 0.24:
            shown = f"{shown} {name}"
        place = re.compile(rf"\b{name}\b")
        source, target = (place.sub(lambda _: shown, side) for side in pair)
        made = MadePair(source, target, ((kind, item),))
        if random.random() < SECOND_ITEM:
            return self._inserted(made, random, words, free=False)
        return made

    def _inserted(
        self, pair: MadePair, random: Random, words: Sequence[str], *, free: bool
    ) -> MadePair:
        """Put an item where it goes in every language; ``free`` allows a second one."""
        kind = draw_kind(random)
        item = make_up(kind, random, words)
        sides = insert((pair.source, pair.target), quoted(item, random), random, spaces=self.spaces)
        made = MadePair(*sides, (*pair.items, (kind, item)))
        if free and random.random() < SECOND_ITEM:
            return self._inserted(made, random, words, free=False)
        return made


@dataclass(frozen=True, eq=False)
class CopyingTrainingSet(TrainingSet):
    """A training set whose epochs end with copying pairs."""

    maker: CopyingMaker
    encoder: Encoder

    @property
    def longest(self) -> int:
        """Most pieces of a side; copying pairs may have all that the recipe allows."""
        return max(super().longest, *self.limits)

    def epoch(self, number: int) -> EpochData:
        """The pairs of an epoch, copying pairs last, without those that cannot be used."""
        real = super().epoch(number)
        source, target, long, unknown = self._encoded(self.maker.epoch(number))
        kept = np.flatnonzero(~long & ~unknown)
        source, target = source.take(kept), target.take(kept)
        marks = real.marks and join_marks([real.marks, Marks.nothing(len(source))])
        given = real.given
        if given is not None:  # what is made up stands alone
            given = np.concatenate([given, np.zeros(len(source), dtype=given.dtype)])
        return EpochData(
            chained([real.source, source]), chained([real.target, target]), marks, given
        )

    def report_copying(self) -> CopyingReport:
        """Count the first epoch's copying pairs."""
        made = self.maker.epoch(0)
        *_, long, unknown = self._encoded(made)
        kinds = Counter(kind for pair in made for kind, _ in pair.items)
        return CopyingReport(
            share=self.maker.share,
            pairs=int((~long & ~unknown).sum()),
            shared_name=sum(len(corpus.named) for corpus in self.maker.corpora),
            items=dict(kinds.most_common()),
            too_long=int(long.sum()),
            unknown=int((unknown & ~long).sum()),
        )

    def _encoded(self, made: Sequence[MadePair]) -> tuple[Ragged, Ragged, Mask, Mask]:
        """Both sides in pieces; which pairs are too long, and which cannot be spelt."""
        source = Ragged.of(self.encoder.encode([pair.source for pair in made]))
        target = Ragged.of(self.encoder.encode_target([pair.target for pair in made]))
        long = (source.lengths > self.limits[0]) | (target.lengths > self.limits[1])
        unknown = source.holds(self.encoder.unk_id) | target.holds(self.encoder.unk_id)
        return source, target, long, unknown


def with_copying(
    training: TrainingSet, text: ParallelText, encoder: Encoder, recipe: Recipe
) -> CopyingTrainingSet:
    """A training set that also teaches to copy.

    Args:
        training: The real pairs.
        text: Their text, which copying pairs are made from.
        encoder: The tokenizer; copying pairs are cut in the usual way, also with sampling.
        recipe: Its ``data.copying``, languages and seed.

    Returns:
        The same pairs and, in each epoch, ``data.copying.share`` as many made ones.
    """
    values = {field.name: getattr(training, field.name) for field in fields(training)}
    return CopyingTrainingSet(**values, maker=CopyingMaker.of(text, recipe), encoder=encoder)


def shared_names(source: str, target: str) -> list[str]:
    """Capitalised words that stand on both sides equally often, in the source's order."""
    ours, theirs = (Counter(CAPITALISED.findall(side)) for side in (source, target))
    return [word for word, count in ours.items() if word[0].isupper() and theirs[word] == count]


def insert(pair: Pair, item: str, random: Random, *, spaces: tuple[str, str]) -> Pair:
    """Put an item at the same place of both sides.

    Args:
        pair: Source and target.
        item: The item.
        random: Chooses the place: the start, the end, before the closing mark, or, where each side
            has just one comma, beside it.
        spaces: What stands between words of each side.

    Returns:
        Source and target with the item.
    """
    commas = spaces == (" ", " ")  # the comma of other scripts is another
    places = ["start", "end", "close", "close"]
    if commas and all(side.count(", ") == 1 for side in pair):
        places += ["comma"] * 3
    place = random.choice(places)
    before = random.choice((", ", " ", ": ")) if commas else ""
    behind = random.choice((", ", " ", ": ", " - ")) if commas else ""
    order = random.random() < 0.5
    sides = []
    for side, space in zip(pair, spaces, strict=True):
        match place:
            case "start":
                sides.append(f"{item}{behind or space}{side}")
            case "end":
                sides.append(f"{side}{space}{item}")
            case "close":
                end = CLOSING.search(side)
                start = end.start() if end else len(side)
                sides.append(f"{side[:start]}{before or space}{item}{side[start:]}")
            case _:
                left, right = side.split(", ")
                sides.append(f"{left}, {item}, {right}" if order else f"{left} {item}, {right}")
    return sides[0], sides[1]


def quoted(item: str, random: Random) -> str:
    """The item, now and then in quotation marks or brackets."""
    if random.random() < 0.85:
        return item
    opening, closing = random.choice(QUOTES)
    return f"{opening}{item}{closing}"


def _names(text: ParallelText) -> frozenset[str]:
    """Words that both sides share with a capital letter, and hardly ever write without one."""
    shared: Counter[str] = Counter()
    lower: Counter[str] = Counter()
    for dataset in text.train.values():
        for pair in iterate_pairs(dataset):
            shared.update(shared_names(*pair))
            lower.update(word for side in pair for word in _lower_words(side))
    return frozenset(
        word for word, count in shared.items() if count > LOWER_AT_MOST * lower[word.lower()]
    )


def _words(pairs: Sequence[Pair]) -> list[str]:
    """Words of running text, as addresses and placeholders hold them."""
    found = (word for pair in pairs for side in pair for word in _lower_words(side))
    short = (word for word in found if 1 < len(word) <= LONGEST_WORD)
    return [word for word, _ in zip(short, range(WORDS_AT_MOST), strict=False)]


def _lower_words(text: str) -> list[str]:
    return [word for word in CAPITALISED.findall(text) if word.islower()]
