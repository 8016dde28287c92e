"""The version of a rule: a hash that changes when the rule does, so that its stored votes are used no longer.

It covers the rule's source, the constants it reads (word lists, patterns, numbers) and the functions of its own file that
it calls, and theirs.
"""

import hashlib
import inspect
import re
import types
from collections.abc import Callable, Iterator
from typing import Any

import polars as pl

_PLAIN = (str, bytes, int, float, bool, types.NoneType)


def version(rule: Callable[..., Any], *more: str) -> str:
    """Return the version of a rule, with `more` that it depends on.

    >>> a, b = version(lambda text: "flood" in text), version(lambda text: "fire" in text)
    >>> len(a), a == b
    (16, False)
    """
    return hashed(*more, *_parts(rule, set()))


def hashed(*parts: str) -> str:
    """Return the version that stands for `parts`."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:16]


def constants(value: Any) -> str:
    """Return a text that is the same for equal constants (texts, numbers, patterns, and lists and tables of them)."""
    return str(_constant(value))


def _parts(rule: Callable[..., Any], known: set[int]) -> Iterator[str]:
    known.add(id(rule))
    try:
        yield inspect.getsource(rule)
    except (OSError, TypeError):
        yield type(rule).__qualname__
    if not isinstance(rule, types.FunctionType):
        return
    code = rule.__code__
    yield repr((code.co_code, rule.__defaults__, [each for each in code.co_consts if isinstance(each, _PLAIN)]))
    variables = {**rule.__globals__, **inspect.getclosurevars(rule).nonlocals}
    for name in sorted(_names(code)):
        value = variables.get(name)
        if isinstance(value, types.FunctionType):
            if value.__module__ == rule.__module__ and id(value) not in known:
                yield from _parts(value, known)
        elif (constant := _constant(value)) is not None:
            yield f"{name}={constant}"


def _names(code: types.CodeType) -> set[str]:
    """The names that a function and those inside it read."""
    inner = (each for each in code.co_consts if isinstance(each, types.CodeType))
    return {*code.co_names, *code.co_freevars}.union(*map(_names, inner))


def _constant(value: Any) -> str | None:
    """A text that is the same for equal constants, in every run; None for what is not a constant."""
    if isinstance(value, _PLAIN):
        return None if value is None else repr(value)
    if isinstance(value, re.Pattern):
        return f"{value.pattern!r} {value.flags}"
    if isinstance(value, pl.Series):
        return repr(value.to_list())
    if isinstance(value, dict):
        return str([(repr(key), _constant(each)) for key, each in value.items()])
    if isinstance(value, list | tuple):
        return str([_constant(each) for each in value])
    return str(sorted(str(_constant(each)) for each in value)) if isinstance(value, set | frozenset) else None
