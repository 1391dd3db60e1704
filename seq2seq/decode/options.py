"""What may be asked of decoding, and what comes back.

What a score is
    A hypothesis of n pieces y_1 … y_n has the log-probability ``sum_t log p(y_t | y_<t, source)``
    and the score ``log-probability / n ** length_penalty``. The end-of-sequence piece is one of the
    n; the start piece that the decoder is fed first is not. That is the formula of transformers'
    ``generate`` and of fairseq. It is not the one of Wu et al. 2016, which divides by
    ``((5 + n) / 6) ** alpha``: there the same number is a much weaker preference for length, so
    a penalty found in a paper has to be tuned again.

What is given
    A first piece and a prefix are no choice of the model's and count as certain. Where there is a
    prefix, n counts neither, as in ``generate`` with ``decoder_input_ids``; a first piece alone is
    counted, as in ``generate`` with ``forced_bos_token_id``.

How long a hypothesis may become
    At most ``max_length`` pieces, end-of-sequence included; if that is None,
    ``max_length_factor * source pieces + max_length_offset``, end-of-sequence counted on both
    sides; and never more than the model has positions. What is cut off there has
    ``ended == False``; nothing is hidden.
"""

import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from seq2seq.errors import ModelError


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Draw each piece at random instead of searching for a probable output.

    Every source has random numbers of its own, which follow from the seed and from its pieces: a
    line gets the same draws in any batch, and so does the same line met twice.

    Attributes:
        temperature: Divides the logits; below 1 the probable becomes more probable.
        top_k: Draw among this many most probable pieces; 0 for all.
        top_p: Draw among the fewest most probable pieces that have this probability together.
        seed: Another seed, other draws.

    Raises:
        ModelError: A value is out of its range; all are named.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int = 1

    def __post_init__(self) -> None:
        fine = {
            "temperature": (0 < self.temperature < math.inf, "above 0"),
            "top_k": (self.top_k >= 0, "at least 0"),
            "top_p": (0 < self.top_p <= 1, "above 0 and at most 1"),
        }
        problems = [
            f"{name} is '{getattr(self, name)}', needed {needed}"
            for name, (is_fine, needed) in fine.items()
            if not is_fine
        ]
        if problems:
            raise ModelError(f"sampling: {'; '.join(problems)}")

    def seed_of(self, source: Sequence[int], draw: int) -> int:
        """The seed of one output.

        Args:
            source: Pieces of the source.
            draw: Which of several outputs for it, the first 0.

        Returns:
            Below 2**63.
        """
        text = f"{self.seed} {draw} {list(source)}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8]) >> 1


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
        prefix: Pieces that follow it, or begin every target where there is none; given, not chosen.
        sampling: Draw `n_best` outputs instead of searching; None searches.
        scored: Whether scores are needed. Where they are not, a program that finds its output
            without them leaves them out: they are nan.

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
    prefix: tuple[int, ...] = ()
    sampling: Sampling | None = None
    scored: bool = True

    def __post_init__(self) -> None:
        problems = list(_problems(self))
        if problems:
            raise ModelError(f"decode options: {'; '.join(problems)}")

    @property
    def given(self) -> tuple[int, ...]:
        """Pieces that every output begins with, whatever the model thinks."""
        return (*(() if self.first_id is None else (self.first_id,)), *self.prefix)

    @property
    def rows(self) -> int:
        """Outputs of each source that are written side by side."""
        return self.beams if self.sampling is None else self.n_best

    @property
    def uncounted(self) -> int:
        """How many of those the length in a score leaves out."""
        return len(self.given) if self.prefix else 0

    @property
    def needs_scores(self) -> bool:
        """Whether scores are asked for, or several hypotheses are compared by them."""
        return self.scored or self.rows > 1

    def score(self, log_probability: float, length: int) -> float:
        """Penalise a log-probability; see the module's docstring.

        Args:
            log_probability: Of an output.
            length: All of its pieces, those given included.

        Returns:
            What outputs are compared by.
        """
        return log_probability / math.pow(max(1, length - self.uncounted), self.length_penalty)

    def length_limits(self, source_lengths: Sequence[int], positions: int) -> list[int]:
        """Compute the most pieces each output may have; see the module's docstring.

        Args:
            source_lengths: Pieces of each source.
            positions: The most the model can read.

        Returns:
            One limit for each source, at least one more than what is given.

        Raises:
            ModelError: What is given leaves no room.
        """
        least = len(self.given) + 1
        if self.prefix and positions < least:
            raise ModelError(
                f"decode options: outputs are to begin with '{len(self.given)}' pieces, the model "
                f"can write {positions}; shorten the prefix"
            )
        if self.max_length is not None:
            return [min(positions, self.max_length)] * len(source_lengths)
        factor, offset = self.max_length_factor, self.max_length_offset
        return [max(least, min(positions, int(factor * n + offset))) for n in source_lengths]


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
    if options.prefix and (options.max_length or math.inf) <= len(options.given):
        yield (
            f"max_length is '{options.max_length}', and outputs are to begin with "
            f"{len(options.given)} pieces; raise it"
        )
    if options.max_length is not None and options.min_length > options.max_length >= 1:
        yield f"min_length is '{options.min_length}' with max_length '{options.max_length}'"
    if options.sampling is not None and options.beams > 1:
        yield f"beams is '{options.beams}' with sampling, which has none; ask for 1"
    if options.sampling is None and options.n_best > options.beams >= 1:
        yield f"n_best is '{options.n_best}' with '{options.beams}' beams; search more beams"


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output and its worth.

    Attributes:
        ids: Pieces as generated: end-of-sequence included, start excluded.
        score: The log-probability divided by ``len(ids) ** length_penalty``; nan, like that, where
            it was not asked for.
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
