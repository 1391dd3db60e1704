"""What may be asked of decoding, and what comes back.

What a score is
    A hypothesis of n pieces y_1 … y_n has the log-probability ``sum_t log p(y_t | y_<t, source)``
    and the score ``log-probability / n ** length_penalty``. The end-of-sequence piece is one of the
    n; the start piece that the decoder is fed first is not. That is the formula of transformers'
    ``generate`` and of fairseq. It is not the one of Wu et al. 2016, which divides by
    ``((5 + n) / 6) ** alpha``: there the same number is a much weaker preference for length, so
    a penalty found in a paper has to be tuned again.

How long a hypothesis may become
    At most ``max_length`` pieces, end-of-sequence included; if that is None,
    ``max_length_factor * source pieces + max_length_offset``, end-of-sequence counted on both
    sides; and never more than the model has positions. What is cut off there has
    ``ended == False``; nothing is hidden.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from seq2seq.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeOptions:
    """What to search for, and when to stop.

    Attributes:
        beams: Hypotheses followed side by side; 1 is greedy search.
        length_penalty: Exponent of the length in the score; see the module's docstring.
        max_length_factor: Target pieces allowed for each source piece.
        max_length_offset: Target pieces allowed on top of that.
        max_length: Target pieces allowed whatever the source; None to count the source's.
        min_length: Pieces before the end-of-sequence piece is allowed.
        no_repeat_ngram: No sequence of this many pieces, start piece included, occurs twice; 0
            allows all.
        early_stopping: A sentence is done as soon as it has as many finished hypotheses as beams.
            If False the search goes on while the best open beam, at its present length, still
            beats the worst finished one; if ``"never"``, while it could at its greatest length.
        forbidden: Sequences of pieces that no output holds; a piece alone is a sequence of one.
        renormalize: Share out the probability of what is forbidden among the rest.
        n_best: Hypotheses to return for each source, at most one for each beam.
        first_id: The piece every target begins with, a language tag for instance. It counts as
            certain.

    Raises:
        ModelError: If the values contradict each other; all contradictions are named.
    """

    beams: int = 5
    length_penalty: float = 1.0
    max_length_factor: float = 2.0
    max_length_offset: int = 20
    max_length: int | None = None
    min_length: int = 0
    no_repeat_ngram: int = 0
    early_stopping: bool | Literal["never"] = True
    n_best: int = 1
    first_id: int | None = None
    forbidden: tuple[tuple[int, ...], ...] = ()
    renormalize: bool = False

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ModelError(f"decode options: {'; '.join(problems)}")

    def length_limits(self, source_lengths: Sequence[int], positions: int) -> list[int]:
        """Compute the most pieces each output may have; see the module's docstring.

        Args:
            source_lengths: Pieces of each source.
            positions: The most the model can read.

        Returns:
            One limit for each source, at least 1.
        """
        if self.max_length is not None:
            return [min(positions, self.max_length)] * len(source_lengths)
        factor, offset = self.max_length_factor, self.max_length_offset
        return [max(1, min(positions, int(factor * n + offset))) for n in source_lengths]


def _problems(options: DecodeOptions) -> Iterator[str]:
    for name, least in (
        ("beams", 1),
        ("n_best", 1),
        ("max_length_factor", 0),
        ("max_length_offset", 0),
        ("max_length", 1),
        ("min_length", 0),
        ("no_repeat_ngram", 0),
    ):
        value = getattr(options, name)
        if value is not None and value < least:
            yield f"{name} is '{value}', needs at least {least}"
    if options.max_length_factor == 0 == options.max_length_offset:
        yield "max_length_factor and max_length_offset are both '0', one must leave room for output"
    if options.n_best > options.beams >= 1:
        yield f"n_best is '{options.n_best}' with '{options.beams}' beams; search more beams"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output and its worth.

    Attributes:
        ids: Pieces as generated: end-of-sequence included, start excluded.
        score: The log-probability divided by ``len(ids) ** length_penalty``.
        log_probability: Natural logarithm, under the model itself, whatever was forbidden while it
            was found, unless that was to be shared out.
        ended: Whether the model itself ended the output; otherwise it was cut off at its limit.
    """

    ids: tuple[int, ...]
    score: float
    log_probability: float
    ended: bool


@dataclass(frozen=True, slots=True)
class ForcedScore:
    """What the model thinks of a target that was given to it.

    Attributes:
        token_log_probabilities: One natural logarithm for each piece of the target.
    """

    token_log_probabilities: tuple[float, ...]

    @property
    def log_probability(self) -> float:
        """The logarithm of the probability of the whole target."""
        return sum(self.token_log_probabilities)

    def score(self, length_penalty: float) -> float:
        """Compute the score that beam search gives this target.

        Args:
            length_penalty: As in `DecodeOptions`.

        Returns:
            The log-probability divided by ``length ** length_penalty``.
        """
        length = float(len(self.token_log_probabilities))
        return self.log_probability / math.pow(length, length_penalty)
