"""What may be asked of decoding, and what comes back.

What a score is
    A hypothesis of n pieces y_1 … y_n has the log-probability ``sum_t log p(y_t | y_<t, source)``
    and the score ``log-probability / n ** length_penalty``. The end-of-sequence piece is one of the
    n; the start piece that the decoder is fed first is not. That is the formula of transformers'
    ``generate`` and of fairseq. It is not the one of Wu et al. 2016, which divides by
    ``((5 + n) / 6) ** alpha``: there the same number is a much weaker preference for length, so
    a penalty found in a paper has to be tuned again.

How long a hypothesis may become
    At most ``max_length_factor * source pieces + max_length_offset`` pieces, end-of-sequence
    counted on both sides, and never more than the model has positions. What is cut off there has
    ``ended == False``; nothing is hidden.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from seq2seq.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Draw pieces at random instead of searching for the most probable ones.

    The filters are applied in the order of the fields. The draw is a function of (seed, source,
    number of the sample) alone: neither the other sentences nor the batch size have a say in it.

    Attributes:
        temperature: Divides the logits; below 1 sharpens.
        top_k: Draw among this many most probable pieces; 0 for all.
        top_p: Draw among the fewest pieces that together have this probability; 1 for all.
        seed: Another seed, another draw.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodeOptions:
    """What to search for, and when to stop.

    Attributes:
        beams: Hypotheses followed side by side; 1 is greedy search.
        length_penalty: Exponent of the length in the score; see the module's docstring.
        max_length_factor: Target pieces allowed for each source piece.
        max_length_offset: Target pieces allowed on top of that.
        min_length: Pieces before the end-of-sequence piece is allowed.
        no_repeat_ngram: No sequence of this many pieces, start piece included, occurs twice; 0
            allows all.
        early_stopping: A sentence is done as soon as it has as many finished hypotheses as beams.
            Without it the search goes on while the best open beam, at its present length, still
            beats the worst finished one.
        n_best: Hypotheses to return for each source, at most one for each beam.
        first_id: The piece every target begins with, a language tag for instance. It counts as
            certain.
        sampling: Draw `n_best` independent samples instead of searching; `beams` must be 1.

    Raises:
        ModelError: If the values contradict each other; all contradictions are named.
    """

    beams: int = 5
    length_penalty: float = 1.0
    max_length_factor: float = 2.0
    max_length_offset: int = 20
    min_length: int = 0
    no_repeat_ngram: int = 0
    early_stopping: bool = True
    n_best: int = 1
    first_id: int | None = None
    sampling: Sampling | None = None

    def __post_init__(self) -> None:
        problems = [*_search_problems(self), *_sampling_problems(self)]
        if problems:
            raise ModelError(f"decode options: {'; '.join(problems)}")

    @property
    def rows_per_sentence(self) -> int:
        """Hypotheses of one sentence that the model reads side by side."""
        return self.beams if self.sampling is None else self.n_best

    def length_limits(self, source_lengths: Sequence[int], positions: int) -> list[int]:
        """Compute the most pieces each output may have; see the module's docstring.

        Args:
            source_lengths: Pieces of each source.
            positions: The most the model can read.

        Returns:
            One limit for each source, at least 1.
        """
        factor, offset = self.max_length_factor, self.max_length_offset
        return [max(1, min(positions, int(factor * n + offset))) for n in source_lengths]


def _search_problems(options: DecodeOptions) -> Iterator[str]:
    for name, least in (
        ("beams", 1),
        ("n_best", 1),
        ("max_length_factor", 0),
        ("max_length_offset", 0),
        ("min_length", 0),
        ("no_repeat_ngram", 0),
    ):
        value = getattr(options, name)
        if value < least:
            yield f"{name} is '{value}', needs at least {least}"
    if options.max_length_factor == 0 == options.max_length_offset:
        yield "max_length_factor and max_length_offset are both '0', one must leave room for output"


def _sampling_problems(options: DecodeOptions) -> Iterator[str]:
    sampling = options.sampling
    if sampling is None:
        if options.n_best > options.beams >= 1:
            yield f"n_best is '{options.n_best}' with '{options.beams}' beams; search more beams"
        return
    if options.beams > 1:
        yield f"beams is '{options.beams}' with sampling, needs 1; n_best asks for more samples"
    if not sampling.temperature > 0:
        yield f"temperature is '{sampling.temperature}', needs more than 0"
    if sampling.top_k < 0:
        yield f"top_k is '{sampling.top_k}', needs at least 0"
    if not 0 < sampling.top_p <= 1:
        yield f"top_p is '{sampling.top_p}', needs more than 0 and at most 1"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output and its worth.

    Attributes:
        ids: Pieces as generated: end-of-sequence included, start excluded.
        score: The log-probability divided by ``len(ids) ** length_penalty``.
        log_probability: Natural logarithm, under the model itself, whatever was forbidden or
            filtered while it was found.
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
