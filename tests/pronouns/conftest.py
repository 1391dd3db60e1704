"""The corpus, made once for all tests of the package."""

import pytest

from seq2seq.pronouns.corpus import corpus_rows
from seq2seq.pronouns.items import Item, Row

TEST_SPLITS = ("dev", "T0", "T1", "T2", "T3", "T4", "T5", "T6")


@pytest.fixture(scope="session")
def rows() -> dict[str, list[Row]]:
    return corpus_rows("es", seed=1)


@pytest.fixture(scope="session")
def items(rows: dict[str, list[Row]]) -> dict[str, list[Item]]:
    """Items by split, the contrastive ones only in training."""
    found = {split: [r.item for r in some if r.item is not None] for split, some in rows.items()}
    found["train"] = [item for item in found["train"] if item.contrastive]
    return found


@pytest.fixture(scope="session")
def fillers(rows: dict[str, list[Row]]) -> list[Row]:
    return [row for row in rows["train"] if row.item is None]
