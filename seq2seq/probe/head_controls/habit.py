"""What a head does whatever the words are: its liking for a distance, and attention that has none.

Rows of attention made of a habit alone are measured like real ones. A head that beats its own habit
reads something of the sentence.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from seq2seq.probe.statistics.bootstrap import cluster_sums


@dataclass(frozen=True)
class Habit:
    """The average attention of each measure at each distance from the query.

    Attributes:
        offsets: key less query, ascending; only those that occurred.
        means: of each measure at each of them.
    """

    offsets: Int[np.ndarray, " offsets"]
    means: Float[np.ndarray, "measures offsets"]


def habit_of(
    rows: Float[np.ndarray, "measures items keys"],
    queries: Int[np.ndarray, " items"],
    lengths: Int[np.ndarray, " items"],
) -> Habit:
    """Average by distance what one query position of each item gives its real keys.

    Take it from dev: on the items that are reported, a distance that occurs once would give the
    head back instead of its habit.
    """
    keys = rows.shape[2]
    real = _real(lengths, keys)
    offsets, places = np.unique((np.arange(keys) - queries[:, None])[real], return_inverse=True)
    counts = np.bincount(places)
    return Habit(offsets, cluster_sums(rows[:, real], places) / counts)


def habit_rows(
    habit: Habit,
    queries: Int[np.ndarray, " items"],
    lengths: Int[np.ndarray, " items"],
) -> Float[np.ndarray, "measures items keys"]:
    """Attention rows made of a habit alone, 0 beyond each item's length.

    Between distances that occurred it is interpolated, beyond them it is that of the last one.
    """
    keys = int(lengths.max())
    offsets = np.arange(keys) - queries[:, None]
    rows = np.stack([np.interp(offsets, habit.offsets, means) for means in habit.means])
    filled: Float[np.ndarray, "measures items keys"] = rows * _real(lengths, keys)
    return filled


def uniform_rows(lengths: Int[np.ndarray, " items"]) -> Float[np.ndarray, "items keys"]:
    """Attention that looks at all pieces of each text alike, 0 beyond its length."""
    rows: Float[np.ndarray, "items keys"] = _real(lengths, int(lengths.max())) / lengths[:, None]
    return rows


def _real(lengths: Int[np.ndarray, " items"], keys: int) -> Bool[np.ndarray, "items keys"]:
    real: Bool[np.ndarray, "items keys"] = np.arange(keys) < lengths[:, None]
    return real
