"""Labels that mean nothing: what a choice among heads can fit without any coreference.

Each pair of nouns is given one of the two as its "answer" by a hash, in every sentence alike.
Choosing a head for these labels on dev and reporting it on test says how much of an accuracy comes
from the freedom to choose; the rest is selectivity.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from seq2seq.probe.cases import Case
from seq2seq.probe.resampling import SEED


def control_labels(cases: Sequence[Case], *, seed: int = SEED) -> Bool[np.ndarray, " items"]:
    """Give every pair of nouns a fixed random answer.

    Args:
        cases: with one gold noun of two.
        seed: of the hash.

    Returns:
        Whether the case keeps its gold noun: pass it to `relabelled`.

    Source: Hewitt and Liang 2019, section 2 (control tasks).
    """
    raise NotImplementedError
