"""Shapes that signatures state are checked while the tests run, in every module that states one."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from jaxtyping import Float, Int, TypeCheckError

import seq2seq
from tests.shape_checks import check, states_a_shape

ONES = np.ones


def functions() -> Iterator[FunctionType]:
    """Functions and methods of the package that state a shape."""
    for module in pkgutil.walk_packages(seq2seq.__path__, "seq2seq."):
        if module.name.endswith("__main__"):
            continue
        loaded = importlib.import_module(module.name)
        owners: list[Any] = [
            loaded,
            *(one for _, one in inspect.getmembers(loaded, inspect.isclass)),
        ]
        for owner in owners:
            for function in vars(owner).values():
                if not isinstance(function, FunctionType) or function.__module__ != module.name:
                    continue
                if any(map(states_a_shape, function.__annotations__.values())):
                    yield function


def test_every_function_that_states_a_shape_is_checked() -> None:
    found = {f"{one.__module__}.{one.__qualname__}": one for one in functions()}
    assert len(found) > 100
    assert [name for name, one in found.items() if not hasattr(one, "__wrapped__")] == []


def test_an_array_of_another_shape_or_kind_than_stated_is_refused() -> None:
    from seq2seq.probe.measures.accuracy import items_right

    items_right(np.array([[0.5, 0.25]]), np.array([[0.5, 0.5]]))
    for wrong in (np.array([0.5, 0.25]), np.array([[1, 2]])):
        with pytest.raises(TypeCheckError, match="gold"):
            items_right(wrong, np.array([[0.5, 0.5]]))


@check
def joined(
    some: Float[np.ndarray, "rows width"],
    *,
    more: Float[np.ndarray, "rows width"] | None = None,
    sizes: tuple[Int[np.ndarray, " rows"], int] = (ONES(2, int), 1),
    count: int = 0,
    result: Any = None,
) -> Float[np.ndarray, "{count} width"]:
    return ONES((count, some.shape[1])) if result is None else result


def test_calls_that_fit_are_let_through() -> None:
    for width in (3, 5, 3):
        assert joined(ONES((2, width)), more=ONES((2, width)), count=4).shape == (4, width)
        assert joined(ONES((2, width)), more=None).shape == (0, width)
        assert joined(some=ONES((2, width)), sizes=(ONES(2, int), 7), count=1).shape == (1, width)


@pytest.mark.parametrize(
    ("named", "wrong"),
    [
        ({"more": ONES((2, 4))}, "joined: more"),  # other sizes than of the first
        ({"more": ONES((2, 3), np.int64)}, "joined: more"),
        ({"more": ONES((2, 3)).tolist()}, "joined: more"),
        ({"sizes": (ONES(3, int), 1)}, "joined: sizes"),
        ({"sizes": (ONES(2), 1)}, "joined: sizes"),
        ({"sizes": (ONES(2, int), ONES(2))}, "joined: sizes"),
        ({"result": ONES((0, 4))}, "joined: return"),
        ({"result": ONES((4, 3)), "count": 5}, "joined: return"),
        ({"result": ONES((0, 3), np.int64)}, "joined: return"),
        ({"result": None, "count": True, "more": ONES((2, 3, 1))}, "joined: more"),
    ],
)
def test_calls_that_do_not_fit_are_refused_each_time_also_after_others_like_them(
    named: dict[str, Any], wrong: str
) -> None:
    for _ in range(2):
        for right in ({}, {"more": ONES((2, 3))}, {"result": ONES((4, 3)), "count": 4}):
            joined(ONES((2, 3)), **right)
        with pytest.raises(TypeCheckError, match=wrong):
            joined(ONES((2, 3)), **named)
