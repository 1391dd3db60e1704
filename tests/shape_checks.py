"""Holds the code to the array shapes that its signatures state, while the tests run.

Shapes and nothing else: a general type checker would also refuse an ``int`` where a ``float`` is
asked for; mypy looks after the rest.
"""

import functools
import inspect
from collections.abc import Callable, Sequence
from types import UnionType
from typing import Any, Union, get_args, get_origin

import jaxtyping
from jaxtyping import AbstractArray, install_import_hook, jaxtyped


def check_modules(names: Sequence[str]) -> None:
    """Check the shapes that some modules state, which are still to be imported.

    The hook of jaxtyping decorates every function and class of a module, and a call of what is
    wrapped takes ten times as long; here only what states a shape is.
    """
    jaxtyping.jaxtyped = _wrap_what_states_a_shape  # which the hook writes into the modules
    install_import_hook(names, "shape_checks.check")


def _wrap_what_states_a_shape(*, typechecker: Any) -> Callable[[Any], Any]:
    def wrap(thing: Any) -> Any:
        function = thing.__init__ if inspect.isclass(thing) else thing
        if any(map(states_a_shape, getattr(function, "__annotations__", {}).values())):
            return jaxtyped(thing, typechecker=typechecker)
        return thing

    return wrap


def check(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a function so that arrays of another shape or dtype than it states are refused."""
    stated = {
        name: annotation
        for name, annotation in getattr(function, "__annotations__", {}).items()
        if states_a_shape(annotation)
    }
    if not stated:
        return function
    signature = inspect.signature(function)

    @functools.wraps(function)
    def checked(*arguments: Any, **named: Any) -> Any:
        given = signature.bind(*arguments, **named).arguments
        for name in stated.keys() & given.keys():
            _refuse_unless(_fits(given[name], stated[name]), name)
        result = function(*arguments, **named)
        _refuse_unless("return" not in stated or _fits(result, stated["return"]), "return")
        return result

    return checked


def states_a_shape(annotation: Any) -> bool:
    """Whether an annotation is the shape of an array, or holds one."""
    return _is_array(annotation) or any(map(states_a_shape, get_args(annotation)))


def _is_array(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, AbstractArray)


def _fits(value: Any, annotation: Any) -> bool:
    if _is_array(annotation):
        return isinstance(value, annotation)
    parts = get_args(annotation)
    if get_origin(annotation) in (Union, UnionType):
        return any(_fits(value, part) for part in parts)
    if get_origin(annotation) is tuple and Ellipsis not in parts:
        return all(_fits(one, part) for one, part in zip(value, parts, strict=True))
    if annotation is type(None):
        return value is None
    return not hasattr(value, "shape")  # some other type, which is mypy's affair


def _refuse_unless(fits: bool, name: str) -> None:
    if not fits:
        raise TypeError(f"{name} has another shape or dtype than stated")
