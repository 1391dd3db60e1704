"""What is doubtful about training pairs as far as their text tells, a chunk of them at a time.

Chunks do not need each other, so several processes judge them. Only duplicates are a matter of all
pairs: each chunk tells a digest of every pair, and ``repeated`` finds those that come again.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, UInt64

from seq2seq.data.pair_table import PairTable
from seq2seq.languages import length_in_letters
from seq2seq.normalization import normalize
from seq2seq.recipe import CleaningSpec

Mask = Bool[np.ndarray, " rows"]
Digests = UInt64[np.ndarray, "rows 2"]
Pair = tuple[str, str]
RATIO_FREE_LETTERS = 20  # short sides differ much by nature: "Nein!" and "Certainly not!"
# No text has pieces of so many characters on average; a word of 20,000 would stall what makes them.
CHARACTERS_PER_PIECE = 32
JOINERS = "\u200c\u200d"  # seen only in what they join; a line of them alone is empty
SORTED_AT_ONCE = 1 << 19  # digests; bounds the memory of sorting them


@dataclass(frozen=True)
class HeldOut:
    """What a held-out set holds, folded."""

    sources: frozenset[str]
    targets: frozenset[str]
    pairs: frozenset[Pair]

    @classmethod
    def of(cls, table: PairTable) -> "HeldOut":
        """Remember its texts."""
        pairs = frozenset(
            (fold(source), fold(target))
            for source, target in zip(table["source"], table["target"], strict=True)
        )
        sources, targets = (frozenset(pair[side] for pair in pairs) for side in (0, 1))
        return cls(sources, targets, pairs)


@dataclass(frozen=True)
class Shared:
    """Which pairs of a chunk a held-out set also holds, and how many share one side alone."""

    pairs: Mask
    source_alone: int
    target_alone: int


@dataclass(frozen=True)
class Judgement:
    """What was found in a chunk; one mask for each kind of doubt."""

    long: Mask
    lost: int
    """Characters beyond the limits."""
    empty: Mask
    ratio: Mask
    digests: Digests
    shared: tuple[Shared, ...]
    """For each held-out set."""


@dataclass(frozen=True)
class Judge:
    """Judges training pairs by their text."""

    limits: tuple[int, int]
    """Most characters of source and target, runs of white space counted once."""
    max_length_ratio: float
    held_out: tuple[HeldOut, ...]

    @classmethod
    def of(cls, held_out: Mapping[str, PairTable], spec: CleaningSpec) -> "Judge":
        """By what a recipe says.

        Args:
            held_out: Dev and test sets by name, which training must not have seen.
            spec: What is too long, and too unequal.
        """
        return cls(
            character_limits(spec), spec.max_length_ratio, tuple(map(HeldOut.of, held_out.values()))
        )

    def __call__(self, batch: Any) -> Judgement:
        """Judge the pairs of a record batch."""
        sources, targets = batch.column("source").to_pylist(), batch.column("target").to_pylist()
        pairs = list(zip(sources, targets, strict=True))
        over = [sum(map(over_long, pair, self.limits)) for pair in pairs]
        empty = np.array([is_empty(source) or is_empty(target) for source, target in pairs])
        ratio = np.array([_ratio(*pair) > self.max_length_ratio for pair in pairs])
        digests = np.frombuffer(b"".join(map(_digest, sources, targets)), dtype="<u8")
        return Judgement(
            long=np.array(over) > 0,
            lost=sum(over),
            empty=empty,
            ratio=ratio & ~empty,
            digests=digests.reshape(-1, 2),
            shared=self._shared(sources, targets) if self.held_out else (),
        )

    def _shared(self, sources: Sequence[str], targets: Sequence[str]) -> tuple[Shared, ...]:
        folded = list(zip(map(fold, sources), map(fold, targets), strict=True))
        found = []
        for one in self.held_out:
            pairs = np.array([pair in one.pairs for pair in folded])
            source = np.array([left in one.sources for left, _ in folded])
            target = np.array([right in one.targets for _, right in folded])
            alone = int((source & ~pairs).sum()), int((target & ~pairs).sum())
            found.append(Shared(pairs, *alone))
        return tuple(found)


def repeated(parts: Sequence[Digests]) -> Mask:
    """Which rows of all parts, one after another, were there before.

    Rows whose digests begin alike are sorted together, one such group after another: by the first
    half of the digest, which few share, and those that share it by the whole.
    """
    digests = np.concatenate(parts)
    found = np.zeros(len(digests), dtype=bool)
    bits = (len(digests) // SORTED_AT_ONCE).bit_length()
    groups = (digests[:, 0] & np.uint64((1 << bits) - 1)).astype(np.uint32)
    for group in range(1 << bits):
        rows = np.flatnonzero(groups == group)
        halves = digests[rows, 0]
        order = np.argsort(halves)
        alike = halves[order[1:]] == halves[order[:-1]]
        rows = rows[np.union1d(order[1:][alike], order[:-1][alike])]
        order = rows[np.lexsort((digests[rows, 1], digests[rows, 0]))]  # equal ones stay in order
        same = (digests[order[1:]] == digests[order[:-1]]).all(axis=1)
        found[order[1:][same]] = True
    return found


def character_limits(spec: CleaningSpec) -> tuple[int, int]:
    """Most characters that the pieces allowed on either side can ever hold."""
    pieces = (spec.max_source_pieces, spec.max_target_pieces)
    return pieces[0] * CHARACTERS_PER_PIECE, pieces[1] * CHARACTERS_PER_PIECE


def over_long(text: str, limit: int) -> int:
    """How many characters a text has beyond a limit, runs of white space counted once."""
    return max(0, len(" ".join(text.split())) - limit) if len(text) > limit else 0


def is_empty(text: str) -> bool:
    """Whether a text holds nothing but white space, or joiners with nothing to join."""
    if not text.strip():
        return True
    joined = not text.isascii() and any(joiner in text for joiner in JOINERS)
    return joined and not text.translate(dict.fromkeys(map(ord, JOINERS))).strip()


def fold(text: str) -> str:
    """A text without regard to case, white space, Unicode composition and what is invisible."""
    return " ".join(normalize(text).casefold().split())


def _ratio(source: str, target: str) -> float:
    short, long = sorted((length_in_letters(source), length_in_letters(target)))
    return long / max(short, 1) if long > RATIO_FREE_LETTERS else 1.0


def _digest(source: str, target: str) -> bytes:
    """Sixteen bytes instead of two texts."""
    text = f"{len(source)} {source}{target}"
    return hashlib.blake2b(text.encode(errors="surrogatepass"), digest_size=16).digest()
