"""Where a right and a wrong translation part: there a model decides for one of them."""

from collections.abc import Sequence


def first_difference(good: Sequence[int], bad: Sequence[int]) -> int | None:
    """Place of the first piece that differs; None where one is a beginning of the other."""
    pairs = enumerate(zip(good, bad, strict=False))
    return next((place for place, (one, other) in pairs if one != other), None)
