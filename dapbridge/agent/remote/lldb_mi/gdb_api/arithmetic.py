"""The operators of gdb.Value, as Python has them: of plain numbers."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any


def plain(other: Any) -> Any:
    """Return a value as Python's number; a number as it is."""
    return other.plain() if hasattr(other, "plain") else other


def _binary(operation: Callable[[Any, Any], Any], *, swapped: bool = False) -> Callable[[Any, Any], Any]:
    def apply(self: Any, other: Any) -> Any:
        mine, others = self.plain(), plain(other)
        return type(self)(operation(others, mine) if swapped else operation(mine, others))

    return apply


def _comparison(operation: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    return lambda self, other: operation(self.plain(), plain(other))


def _divided(one: Any, other: Any) -> Any:
    if isinstance(one, float) or isinstance(other, float):
        return one / other
    quotient = abs(one) // abs(other)
    return quotient if (one < 0) == (other < 0) else -quotient


def install(value: type) -> None:
    """Give the class its operators."""
    for name, operation in _OPERATIONS:
        setattr(value, f"__{name}__", _binary(operation))
        setattr(value, f"__r{name}__", _binary(operation, swapped=True))
    for name, compare in _COMPARISONS:
        setattr(value, f"__{name}__", _comparison(compare))


_OPERATIONS: tuple[tuple[str, Callable[[Any, Any], Any]], ...] = (
    ("mul", operator.mul),
    ("and", operator.and_),
    ("or", operator.or_),
    ("xor", operator.xor),
    ("lshift", operator.lshift),
    ("rshift", operator.rshift),
    ("mod", operator.mod),
    ("truediv", _divided),
    ("floordiv", _divided),
)
_COMPARISONS: tuple[tuple[str, Callable[[Any, Any], bool]], ...] = (
    ("lt", operator.lt),
    ("le", operator.le),
    ("gt", operator.gt),
    ("ge", operator.ge),
)
