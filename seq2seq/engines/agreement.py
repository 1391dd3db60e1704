"""How far two programs that run one model are from each other, and what may be tolerated."""

from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.decode.options import ForcedScore, Hypothesis


@dataclass(frozen=True)
class Tolerance:
    """What an export may differ by and still be passed on.

    Attributes:
        piece: Largest difference of the log-probability of one target piece.
        mean_piece: Mean of these differences.
        greedy: Smallest share of equal outputs without search.
        search: The same with the search stored beside the model.
        loss: Points of BLEU or ROUGE-L that the outputs may be worse by.
    """

    piece: float
    mean_piece: float
    greedy: float
    search: float
    loss: float


# In 32 bits two programs differ by the order of their sums, which turns an output only where two
# pieces are equally good. Eight bits make another model, which must be about as good.
EXACT = Tolerance(piece=1e-4, mean_piece=1e-5, greedy=0.99, search=0.95, loss=0.5)
QUANTIZED = Tolerance(piece=5.0, mean_piece=0.1, greedy=0.0, search=0.0, loss=1.0)


def differences(
    model: Sequence[ForcedScore], export: Sequence[ForcedScore]
) -> tuple[list[float], list[float]]:
    """Absolute differences of the log-probabilities of all pieces, and of all targets."""
    pairs = list(zip(model, export, strict=True))
    pieces = [
        abs(mine - other)
        for one, two in pairs
        for mine, other in zip(
            one.token_log_probabilities, two.token_log_probabilities, strict=True
        )
    ]
    return pieces, [abs(one.log_probability - two.log_probability) for one, two in pairs]


def count_equal(model: Sequence[Hypothesis], export: Sequence[Hypothesis]) -> int:
    """How many outputs are the same, piece by piece."""
    return sum(one.ids == two.ids for one, two in zip(model, export, strict=True))
