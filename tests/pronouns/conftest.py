"""The corpus of every language, made once for all tests of the package.

Tests that ask for ``rows``, ``items`` or ``fillers`` hold for every language; corpora other than
Spanish take a while to make, so those runs are slow. ``es_items`` is Spanish whatever the test.
"""

from functools import cache

import pytest

from seq2seq.pronouns.corpus import corpus_rows
from seq2seq.pronouns.items import Item, Row
from seq2seq.pronouns.lexicon import Lexicon, load_lexicon
from seq2seq.pronouns.patterns import Patterns, load_patterns

TEST_SPLITS = (
    *("dev", "T0", "T1", "T2", "T3", "T4", "T5", "T6"),
    *("dev_T5", "dev_T6", "dev_natural"),
)
OTHERS = ("de", "fr", "vi", "vi-cl")


@cache
def corpus(language: str) -> dict[str, list[Row]]:
    return corpus_rows(language, seed=1)


@cache
def corpus_items(language: str) -> dict[str, list[Item]]:
    """Items by split, in training those with the tested families only."""
    rows = corpus(language)
    found = {split: [r.item for r in some if r.item is not None] for split, some in rows.items()}
    found["train"] = [item for item in found["train"] if item.family in ("F1", "F2", "F3")]
    return found


@pytest.fixture(
    scope="session",
    params=["es", *(pytest.param(code, marks=pytest.mark.slow) for code in OTHERS)],
)
def language(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="session")
def lexicon(language: str) -> Lexicon:
    return load_lexicon(language)


@pytest.fixture(scope="session")
def patterns(language: str) -> Patterns:
    return load_patterns(language)


@pytest.fixture(scope="session")
def rows(language: str) -> dict[str, list[Row]]:
    return corpus(language)


@pytest.fixture(scope="session")
def items(language: str) -> dict[str, list[Item]]:
    return corpus_items(language)


@pytest.fixture(scope="session")
def fillers(rows: dict[str, list[Row]]) -> list[Row]:
    return [row for row in rows["train"] if row.item is None or row.item.family == "filler"]


@pytest.fixture(scope="session")
def es_items() -> dict[str, list[Item]]:
    return corpus_items("es")


@pytest.fixture(scope="session")
def es_rows() -> dict[str, list[Row]]:
    return corpus("es")
