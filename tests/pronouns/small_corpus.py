"""A hundredth of the corpus, made by all that makes the whole; small enough to be made again.

    python -m tests.pronouns.small_corpus SEED

prints a digest of it.
"""

import hashlib
import sys
from unittest.mock import patch

from seq2seq.pronouns import acting, causal, fillers, selectional, verb_choices
from seq2seq.pronouns.corpus import corpus_rows


def digest(seed: int) -> str:
    """One number for all rows of a small Spanish corpus, in their order."""
    with (
        patch.multiple(acting, _BLOCKS={"dev": 1, "train": 1}, _BLOCKS_KEPT=1),
        patch.multiple(causal, _SETTINGS=1),
        patch.multiple(selectional, _BLOCKS={"dev": 1, "train": 1}, _CYCLE_BLOCKS={"train": 1}),
        patch.multiple(verb_choices, _EACH=1),
        patch.multiple(
            fillers,
            **{"_PROPERTIES": 1, "_PROPERTIES_OF_NEW": 1, "_PRONOUNS": 1, "_PRONOUNS_OF_NEW": 1},
            **{"_CONTRASTS": 60, "_CHOICES": 60, "_CONJUNCTIONS": 10, "_CLAUSES_EACH": 1},
        ),
    ):
        rows = corpus_rows("es", seed=seed)
    return hashlib.sha256(repr(rows).encode()).hexdigest()


if __name__ == "__main__":
    print(digest(int(sys.argv[1])))  # noqa: T201
