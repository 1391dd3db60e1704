"""Text made for these tests: references, and systems of a known quality."""

import random
from collections.abc import Callable

import pytest

References = Callable[..., list[str]]
System = Callable[..., list[str]]

WORDS = [
    "robot", "crane", "wrench", "lifted", "the", "a", "heavy", "because", "it", "was", "over",
    "street", "garden", "Sunday", "Berlin", "opened", "closed", "window", "slowly", "again",
]  # fmt: skip


def _references(count: int, *, seed: int = 1) -> list[str]:
    """Sentences of six to fourteen random words that end in a full stop."""
    drawn = random.Random(seed)
    return [" ".join(drawn.choices(WORDS, k=drawn.randint(6, 14))) + "." for _ in range(count)]


def _system(truth: list[str], wrong: float, *, seed: int) -> list[str]:
    """The references with each word replaced by another at the rate ``wrong``."""
    drawn = random.Random(seed)
    return [
        " ".join("mistake" if drawn.random() < wrong else word for word in line.split())
        for line in truth
    ]


@pytest.fixture
def references() -> References:
    """``references(count, seed=1)`` makes that many sentences."""
    return _references


@pytest.fixture
def system() -> System:
    """``system(truth, wrong, seed=n)`` makes a system with that share of wrong words."""
    return _system
