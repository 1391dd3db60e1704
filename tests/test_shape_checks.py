"""Shapes that signatures state are checked while the tests run, in every module that states one."""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType
from typing import Any

import numpy as np
import pytest
from jaxtyping import TypeCheckError

import seq2seq
from tests.shape_checks import states_a_shape


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
