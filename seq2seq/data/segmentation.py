"""The ways a word can be cut into pieces, each with its probability.

Subword regularization shows the model the same sentence in many cuts. The samplers inside
``tokenizers`` and ``sentencepiece`` cannot be put back to an earlier state, so a resumed run would
see other cuts than an uninterrupted one. Text is cut at spaces before anything else; a cut of a
sentence is therefore one cut of each word, drawn by itself. So the cuts of each word are listed
once, and drawing them is a matter of our own random numbers. A word of many pieces, such as a line
in a script without spaces, comes here in parts (``Tokenizer.split_word``): the likeliest cuts of a
whole line are nearly the same and would be listed for each line anew.
"""

import itertools
import math
import random
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce

Cut = tuple[int, ...]
UNKNOWN_PENALTY = 10.0  # by which an unknown character is less probable than the rarest piece


@dataclass(frozen=True)
class Choices:
    """The cuts of one word, the plain one first, with probabilities that sum to 1."""

    cuts: tuple[Cut, ...]
    probabilities: tuple[float, ...]


@dataclass(frozen=True)
class Spelling:
    """How pieces are written in numbers.

    Attributes:
        ids: Id of each piece.
        unknown: Id of the unknown piece.
        byte_ids: Ids that spell what has no piece, by byte; without them it is unknown, and
            neighbouring unknown characters make one unknown piece.
    """

    ids: Mapping[str, int]
    unknown: int
    byte_ids: Sequence[int] = ()

    def extend(self, cut: Cut, piece: str) -> Cut:
        """A cut with one more piece at its end."""
        number = self.ids.get(piece, self.unknown)
        if number != self.unknown:
            return (*cut, number)
        if self.byte_ids:
            return (*cut, *(self.byte_ids[byte] for byte in piece.encode()))
        return cut if cut[-1:] == (number,) else (*cut, number)

    def cut(self, pieces: Iterable[str]) -> Cut:
        """The ids of pieces."""
        return reduce(self.extend, pieces, ())


@dataclass(frozen=True)
class UnigramSampler:
    """Lists the most probable cuts of words under a unigram vocabulary.

    Attributes:
        scores: Log-probability of each piece.
        spelling: Of the same pieces.
        best: Most cuts of a word.
        alpha: Each cut is drawn with its probability to this power; near 0 all alike.

    Source:
        Kudo 2018, arXiv:1804.10959, section 3.2: the l-best approximation. With best lists kept
        at each position this is the N-best form of the Viterbi algorithm.
    """

    scores: Mapping[str, float]
    spelling: Spelling
    best: int
    alpha: float

    @cached_property
    def lowest(self) -> float:
        """Log-probability of a character that is no piece."""
        return min(self.scores.values()) - UNKNOWN_PENALTY

    @cached_property
    def longest(self) -> int:
        """Characters of the longest piece."""
        return max(map(len, self.scores))

    def choices(self, word: str) -> Choices:
        """At most ``best`` cuts of a word with its word-start mark, the most probable first."""
        # ways[end]: up to `best` of (log-probability, cut), best first, of the first `end` letters
        ways: list[list[tuple[float, Cut]]] = [[(0.0, ())]]
        for end in range(1, len(word) + 1):
            found = []
            for start in range(max(0, end - self.longest), end):
                piece = word[start:end]
                score = self.scores.get(piece, self.lowest if end - start == 1 else None)
                if score is not None:
                    found += [
                        (so_far + score, self.spelling.extend(cut, piece))
                        for so_far, cut in ways[start]
                    ]
            found.sort(key=lambda way: -way[0])
            ways.append(found[: self.best])
        weights: dict[Cut, float] = {}
        top = ways[-1][0][0]
        for score, cut in ways[-1]:
            weights[cut] = weights.get(cut, 0.0) + math.exp(self.alpha * (score - top))
        return _normalized(weights)


@dataclass(frozen=True)
class DropoutSampler:
    """Draws cuts under byte-pair encoding with merges left out at random.

    The cuts of BPE-dropout cannot be listed with their exact probabilities, so a number are drawn
    beforehand and later draws choose among these, each as often as it came. Every single draw is
    one of BPE-dropout; over a whole run a word shows at most ``draws`` different cuts.

    Attributes:
        ranks: Place of each merge; lower ones go first.
        spelling: Of all pieces.
        draws: How many cuts of a word are drawn beforehand.
        dropout: Probability that a merge is left out where it could be made.
        seed: Together with the word decides the draws, whatever other words there are.

    Source:
        Provilkov et al. 2020, arXiv:1910.13267, algorithm 1.
    """

    ranks: Mapping[tuple[str, str], int]
    spelling: Spelling
    draws: int
    dropout: float
    seed: int

    def choices(self, word: str) -> Choices:
        """The different cuts drawn; the plain one is listed first even if it was never drawn."""
        generator = random.Random(f"{self.seed} {word}")
        weights = {self.spelling.cut(merge(word, self.ranks)): 0.0}
        for _ in range(self.draws):
            cut = self.spelling.cut(merge(word, self.ranks, self.dropout, generator))
            weights[cut] = weights.get(cut, 0.0) + 1.0
        return _normalized(weights)


def merge(
    word: str,
    ranks: Mapping[tuple[str, str], int],
    dropout: float = 0.0,
    generator: random.Random | None = None,
) -> list[str]:
    """Cut a word by making the merge of lowest rank again and again.

    Args:
        word: With its word-start mark.
        ranks: Place of each merge.
        dropout: Probability that a possible merge is left out in a round.
        generator: Decides that; not needed without dropout.

    Returns:
        The pieces.
    """
    pieces = list(word)
    while True:
        open_merges = [
            (ranks[pair], place)
            for place, pair in enumerate(itertools.pairwise(pieces))
            if pair in ranks and not (generator and generator.random() < dropout)
        ]
        if not open_merges:
            return pieces
        _, place = min(open_merges)
        pieces[place : place + 2] = [pieces[place] + pieces[place + 1]]


def _normalized(weights: Mapping[Cut, float]) -> Choices:
    total = sum(weights.values())
    return Choices(tuple(weights), tuple(weight / total for weight in weights.values()))
