"""Which weights are the best so far: by the dev score asked for, and by what breaks its ties.

A score may say nothing: BLEU is 0 while a model learns its first words, and in a language that its
tokenizer cannot split. Weights of equal score are therefore told apart by chrF, which sees parts of
words, then by the loss, and where that is equal too the later ones are the better trained. The
order is total, so what was discarded once could never have come back.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from seq2seq.train.checkpoint import Candidate, Progress
from seq2seq.train.log import Value

LOSS = "loss_nats_per_token"


class ValidatedWeights(Protocol):
    """Weights that a validation has looked at.

    Attributes:
        score: By the recipe's ``train.select_by``.
        chrf: chrF of the same translations; None in runs of earlier versions.
        loss: Nats for each piece of the references; None in runs of earlier versions.
    """

    @property
    def score(self) -> float: ...  # noqa: D102
    @property
    def chrf(self) -> float | None: ...  # noqa: D102
    @property
    def loss(self) -> float | None: ...  # noqa: D102


@dataclass(frozen=True)
class Validation:
    """What a validation found on the dev set."""

    metric: str
    """What the score is: ``bleu`` for instance."""
    score: float
    chrf: float
    loss: float
    """Nats for each piece of the references, label smoothing off."""
    values: Mapping[str, Value]
    """All of it, for the log."""

    def candidate(self, step: int) -> Candidate:
        """The weights of a step with what was found of them."""
        return Candidate(step, self.score, chrf=self.chrf, loss=self.loss)

    def to_text(self) -> str:
        """One line for people."""
        shown = [
            f"{name} {value:.2f}" if name != LOSS else f"loss {value:.3f}"
            for name, value in self.values.items()
            if isinstance(value, float) and not name.endswith("seconds")
        ]
        return "dev " + "  ".join(shown)


def ranking_key(one: ValidatedWeights) -> tuple[float, float, float]:
    """What weights are compared by, the greater the better: score, chrF, and the loss turned round.

    Differences that no table would print decide nothing: chance, and which machine added up.
    """
    chrf = float("-inf") if one.chrf is None else round(one.chrf, 2)
    loss = float("-inf") if one.loss is None else -round(one.loss, 4)
    return round(one.score, 2), chrf, loss


def decided_by(metric: str, best: ValidatedWeights, other: ValidatedWeights) -> str:
    """What told two sets of weights apart: the metric, ``chrf``, ``loss``, or else ``step``."""
    names = (metric, "chrf", "loss")
    pairs = zip(names, ranking_key(best), ranking_key(other), strict=True)
    return next((name for name, ours, theirs in pairs if ours != theirs), "step")


def equal_so_far(
    equal: Mapping[str, float] | None, metric: str, found: ValidatedWeights
) -> dict[str, float]:
    """Which scores have been the same in every validation.

    Args:
        equal: Those of the validations before, None before the first.
        metric: What the score is.
        found: The newest validation.

    Returns:
        Score by name; the metric first.
    """
    score, chrf, _ = ranking_key(found)
    now = {metric: score, "chrf": chrf}
    if equal is None:
        return now
    return {name: value for name, value in now.items() if equal.get(name) == value}


def count_validation(progress: Progress, found: Validation, *, gained: bool) -> None:
    """Note in a run's progress that its weights were validated.

    Args:
        progress: Changed.
        found: What the validation found.
        gained: Whether it is the best so far.
    """
    before = progress.equal_scores if progress.validated_step else None
    progress.equal_scores = equal_so_far(before, found.metric, found)
    progress.validated_step = progress.step
    progress.validations += 1
    progress.validations_without_gain = 0 if gained else progress.validations_without_gain + 1


def first_varying_score(equal: Mapping[str, float], metric: str, validations: int) -> str:
    """The score that decides: the first that has not been the same in every validation."""
    if validations < 2 or metric not in equal:
        return metric
    return "loss" if "chrf" in equal else "chrf"


def undecided_note(equal: Mapping[str, float], metric: str, validations: int) -> str:
    """Say that the score tells no weights apart, and what does instead; empty where it does."""
    decides = first_varying_score(equal, metric, validations)
    if decides == metric:
        return ""
    return (
        f"dev {metric} is {equal[metric]:.2f} in all {validations} validations: "
        f"{decides.replace('chrf', 'chrF')} decides"
    )


def score_text(one: ValidatedWeights, told: str) -> str:
    """The score, and what it was told apart by from another of equal score."""
    score = f"{one.score:.2f}"
    if told == "chrf" and one.chrf is not None:
        score += f" (chrf {one.chrf:.2f})"
    if told == "loss" and one.loss is not None:
        score += f" (loss {one.loss:.4f})"
    return score
