"""Holds the code to the array shapes that its signatures state, while the tests run.

Shapes and nothing else: a general type checker would also refuse an ``int`` where a ``float`` is
asked for; mypy looks after the rest.
"""

import dataclasses
import functools
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

import jaxtyping
from jaxtyping import AbstractArray, TypeCheckError, install_import_hook, jaxtyped

ABSENT = inspect.Parameter.empty


def check_modules(names: Sequence[str]) -> None:
    """Check the shapes that some modules state, which are still to be imported.

    The hook of jaxtyping decorates every function and class of a module, and a call of what is
    wrapped takes ten times as long; here only what states a shape is.
    """
    jaxtyping.jaxtyped = _wrap_what_states_a_shape  # which the hook writes into the modules
    install_import_hook(names, "tests.shape_checks.check")


def _wrap_what_states_a_shape(*, typechecker: Callable[..., Any]) -> Callable[[Any], Any]:
    def wrap(thing: Any) -> Any:
        if not inspect.isclass(thing):
            return typechecker(thing)
        if dataclasses.is_dataclass(thing) and not hasattr(thing.__init__, "__wrapped__"):
            thing.__init__ = typechecker(thing.__init__)
        return thing

    return wrap


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that arrays of another shape or dtype than it states are refused.

    Whether a call fits depends on the types, dtypes and shapes of its arrays alone, so jaxtyping,
    which takes a tenth of a millisecond, is asked only once about each combination.
    """
    stated = {
        name: annotation
        for name, annotation in getattr(function, "__annotations__", {}).items()
        if states_a_shape(annotation)
    }
    if not stated:
        return function
    returned = stated.pop("return", ABSENT)
    watched = _places(function, {*stated, *re.findall(r"{(\w+)}", str(returned))})
    fitting: set[Any] = set()

    @functools.wraps(function)
    def checked(*arguments: Any, **named: Any) -> Any:
        count = len(arguments)
        given = {
            name: arguments[place] if place < count else named.get(name, default)
            for name, place, default in watched
        }
        looks = tuple(map(_look, given.values()))
        if looks not in fitting:
            _refuse_misfits(function, given, stated)
            fitting.add(looks)
        result = function(*arguments, **named)
        if returned is not ABSENT:
            looks = (*looks, _look(result))
            if looks not in fitting:
                _refuse_misfits(
                    function, {**given, "return": result}, {**stated, "return": returned}
                )
                fitting.add(looks)
        return result

    return checked


def _places(function: Callable[..., Any], names: set[str]) -> list[tuple[str, Any, Any]]:
    """Name of some arguments of a function, their place if no name is given, and their default."""
    by_name = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.VAR_KEYWORD)
    return [
        (name, float("inf") if parameter.kind in by_name else place, parameter.default)
        for place, (name, parameter) in enumerate(inspect.signature(function).parameters.items())
        if name in names
    ]


def _look(value: Any) -> Any:
    """All that can decide whether a value fits."""
    shape = getattr(value, "shape", None)
    if shape is not None:
        return type(value), value.dtype, shape
    if isinstance(value, tuple):
        return tuple(map(_look, value))
    return value if isinstance(value, int) else type(value)


def _refuse_misfits(
    function: Callable[..., Any], given: Mapping[str, Any], stated: Mapping[str, Any]
) -> None:
    with jaxtyped("context"):  # in which a name stands for one size
        for name, annotation in stated.items():
            value = given[name]
            if value is not ABSENT and not _fits(value, annotation, given):
                raise TypeCheckError(
                    f"{function.__module__}.{function.__qualname__}: {name} is {_look(value)}, "
                    f"stated is {annotation}, beside {[*map(_look, given.values())]}"
                )


def states_a_shape(annotation: Any) -> bool:
    """Whether an annotation is the shape of an array, or holds one."""
    return _is_array(annotation) or any(map(states_a_shape, get_args(annotation)))


def _is_array(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, AbstractArray)


def _fits(value: Any, annotation: Any, given: Mapping[str, Any]) -> bool:
    if _is_array(annotation):
        dims = annotation.dim_str.format_map(given)  # an argument in braces is a size
        return isinstance(value, annotation.dtype[annotation.array_type, dims])
    parts = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return any(_fits(value, part, given) for part in parts)
    if get_origin(annotation) is tuple and Ellipsis not in parts:
        return all(_fits(one, part, given) for one, part in zip(value, parts, strict=True))
    if annotation is type(None):
        return value is None
    return not hasattr(value, "shape")  # some other type, which is mypy's affair
