"""The ways a word can be cut into pieces, each with its probability.

Subword regularization shows the model the same sentence in many cuts. The samplers inside
``tokenizers`` and ``sentencepiece`` cannot be put back to an earlier state, so a resumed run would
see other cuts than an uninterrupted one. Text is cut at spaces before anything else; a cut of a
sentence is therefore one cut of each word, drawn by itself. So the cuts of each word are listed
once, and drawing them is a matter of our own random numbers.
"""

import itertools
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass

Cut = tuple[int, ...]
UNKNOWN_PENALTY = 10.0  # by which an unknown character is less probable than the rarest piece


@dataclass(frozen=True)
class Choices:
    """The cuts of one word, the plain one first, with probabilities that sum to 1."""

    cuts: tuple[Cut, ...]
    probabilities: tuple[float, ...]


def unigram_choices(
    word: str,
    *,
    scores: Mapping[str, float],
    ids: Mapping[str, int],
    unknown: int,
    best: int,
    alpha: float,
) -> Choices:
    """The most probable cuts under a unigram vocabulary.

    Args:
        word: With its word-start mark.
        scores: Log-probability of each piece.
        ids: Id of each piece.
        unknown: Id of the unknown piece; neighbouring unknown characters make one.
        best: Most cuts.
        alpha: Each cut is drawn with its probability to this power; near 0 all alike.

    Returns:
        At most ``best`` cuts, the most probable first.

    Source:
        Kudo 2018, arXiv:1804.10959, section 3.2: the l-best approximation. With best lists kept
        at each position this is the N-best form of the Viterbi algorithm.
    """
    lowest = min(scores.values()) - UNKNOWN_PENALTY
    longest = max(map(len, scores))
    # ways[end]: up to `best` of (log-probability, pieces), best first, of the first `end` letters
    ways: list[list[tuple[float, tuple[str, ...]]]] = [[(0.0, ())]]
    for end in range(1, len(word) + 1):
        found = []
        for start in range(max(0, end - longest), end):
            piece = word[start:end]
            score = scores.get(piece, lowest if end - start == 1 else None)
            if score is not None:
                found += [(so_far + score, (*way, piece)) for so_far, way in ways[start]]
        found.sort(key=lambda way: -way[0])
        ways.append(found[:best])
    weights: dict[Cut, float] = {}
    top = ways[-1][0][0]
    for score, way in ways[-1]:
        cut = fuse_unknown(way, ids, unknown)
        weights[cut] = weights.get(cut, 0.0) + math.exp(alpha * (score - top))
    return _normalized(weights)


def dropout_choices(
    word: str,
    *,
    ranks: Mapping[tuple[str, str], int],
    ids: Mapping[str, int],
    unknown: int,
    draws: int,
    dropout: float,
    seed: int,
) -> Choices:
    """Cuts under byte-pair encoding with merges left out at random.

    The cuts of BPE-dropout cannot be listed with their exact probabilities, so a number are drawn
    beforehand and later draws choose among these, each as often as it came. Every single draw is
    one of BPE-dropout; over a whole run a word shows at most ``draws`` different cuts.

    Args:
        word: With its word-start mark.
        ranks: Place of each merge; lower ones go first.
        ids: Id of each piece.
        unknown: Id of the unknown piece; neighbouring unknown characters make one.
        draws: How many cuts are drawn beforehand.
        dropout: Probability that a merge is left out where it could be made.
        seed: Together with the word decides the draws, whatever other words there are.

    Returns:
        The different cuts drawn; the plain one is listed first even if it was never drawn.

    Source:
        Provilkov et al. 2020, arXiv:1910.13267, algorithm 1.
    """
    generator = random.Random(f"{seed} {word}")
    weights = {fuse_unknown(merge(word, ranks), ids, unknown): 0.0}
    for _ in range(draws):
        cut = fuse_unknown(merge(word, ranks, dropout, generator), ids, unknown)
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


def fuse_unknown(pieces: list[str] | tuple[str, ...], ids: Mapping[str, int], unknown: int) -> Cut:
    """Ids of pieces, with each run of unknown ones as a single unknown piece."""
    cut: list[int] = []
    for piece in pieces:
        number = ids.get(piece, unknown)
        if not (number == unknown and cut and cut[-1] == unknown):
            cut.append(number)
    return tuple(cut)


def _normalized(weights: Mapping[Cut, float]) -> Choices:
    total = sum(weights.values())
    return Choices(tuple(weights), tuple(weight / total for weight in weights.values()))
