"""What matrices of 8 bits change, measured on the first lines of a job; needs no torch."""

from collections.abc import Sequence
from itertools import islice

from seq2seq.decode.lengths import Ids
from seq2seq.decode.options import DecodeOptions
from seq2seq.engines.agreement import count_equal
from seq2seq.engines.conversion import EightBits
from seq2seq.engines.engine import Engine

# Lines that two programs are compared on.
SAMPLE = 100


def distinct(sources: Sequence[Ids], most: int) -> list[Ids]:
    """The first of the sources that differ.

    Args:
        sources: Piece ids.
        most: How many, at most.
    """
    return list(islice(dict.fromkeys(map(tuple, sources)), most))


def compare_eight_bits(
    exact: Engine, rounded: Engine, sample: Sequence[Ids], options: DecodeOptions
) -> EightBits:
    """Compare the outputs of matrices in 8 bits with those of 32 bits, as the latter see them.

    Args:
        exact: The model in 32 bits.
        rounded: The same in 8 bits.
        sample: Sources.
        options: What to search for.

    Returns:
        What was found.
    """
    found = [[one[0] for one in engine.search(sample, options)] for engine in (exact, rounded)]
    means = []
    for outputs in found:
        scores = exact.score(sample, [one.ids for one in outputs], first_id=options.first_id)
        pieces = sum(len(one.token_log_probabilities) for one in scores)
        means.append(sum(one.log_probability for one in scores) / pieces)
    return EightBits(len(sample), count_equal(*found), means[0] - means[1])
