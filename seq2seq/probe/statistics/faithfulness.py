"""Does what a measure shows go along with what the model does?

A head that finds the antecedent as often where the model is wrong as where it is right shows
something that the answer does not hang on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from seq2seq.probe.statistics.bootstrap import SEED, Estimate, mean_of


@dataclass(frozen=True)
class ByAnswer:
    """Accuracy of the chosen measure, parted by whether the model is right.

    Attributes:
        answer: what counts as the model's answer: "preferred" of two given translations, or
            "written" by itself.
        right: where the model is right; None if that is in fewer than two clusters.
        wrong: where it is wrong, in the same way.
        items_right: how many items.
        items_wrong: how many.
    """

    answer: str
    right: Estimate | None
    wrong: Estimate | None
    items_right: int
    items_wrong: int


def by_answer(
    answer: str,
    measured: Float[np.ndarray, " items"],
    model_right: Bool[np.ndarray, " items"],
    clusters: Sequence[str],
    *,
    seed: int = SEED,
) -> ByAnswer:
    """Part the accuracy of a measure by whether the model is right; its ties are a half."""
    return ByAnswer(
        answer,
        _share(measured, model_right, clusters, seed),
        _share(measured, ~model_right, clusters, seed),
        int(model_right.sum()),
        int((~model_right).sum()),
    )


def _share(
    measured: Float[np.ndarray, " items"],
    keep: Bool[np.ndarray, " items"],
    clusters: Sequence[str],
    seed: int,
) -> Estimate | None:
    left = [name for name, kept in zip(clusters, keep, strict=True) if kept]
    if len(set(left)) < 2:
        return None
    return mean_of(measured[keep], left, seed=seed)
