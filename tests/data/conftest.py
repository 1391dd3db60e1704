"""Small corpora made for these tests."""

import random
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from seq2seq.data.pair_table import PairTable

Pairs = list[tuple[str, str]]
SYLLABLES = ["ka", "lo", "mi", "ter", "un", "so", "bra", "ve", "ni", "po", "chen", "ge"]


def _pairs(count: int, *, seed: int = 1) -> Pairs:
    """Pairs of four to nine made-up words; the target is the source's words turned round.

    Words are many and share syllables, so that a vocabulary of pieces is worth learning.
    """
    drawn = random.Random(seed)
    words = ["".join(drawn.choices(SYLLABLES, k=drawn.randint(1, 4))) for _ in range(5000)]
    lines = [drawn.choices(words, k=drawn.randint(4, 9)) for _ in range(count)]
    return [(" ".join(line) + ".", " ".join(w[::-1] for w in line) + "!") for line in lines]


@pytest.fixture
def pairs() -> Callable[..., Pairs]:
    """``pairs(count, seed=1)`` makes that many pairs."""
    return _pairs


@pytest.fixture
def dataset() -> Callable[[Pairs], PairTable]:
    """``dataset(pairs)`` is a corpus of them as ``read_corpus`` would give it."""
    return lambda rows: PairTable.of(
        {"source": [row[0] for row in rows], "target": [row[1] for row in rows]}
    )


@pytest.fixture
def write(tmp_path: Path) -> Callable[[Mapping[str, bytes | str]], Path]:
    """``write({name: content})`` makes files and returns their folder."""

    def write_files(files: Mapping[str, bytes | str]) -> Path:
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.encode()
            (tmp_path / name).write_bytes(data)
        return tmp_path

    return write_files
