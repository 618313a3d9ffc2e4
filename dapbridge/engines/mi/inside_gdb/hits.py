"""Runs inside gdb: `$_x_hit(KEY, OPERATOR, NUMBER)`, true when the count of its own calls compares so with NUMBER.

At the end of a breakpoint's condition it counts the hits that fulfil the rest. OPERATOR is a place in OPERATORS.
"""

from collections import Counter
from typing import Any

import gdb

OPERATORS = (
    int.__eq__,
    int.__ne__,
    int.__gt__,
    int.__ge__,
    int.__lt__,
    int.__le__,
    lambda hits, number: hits % number == 0,
)


class _Hit(gdb.Function):  # type: ignore[misc]
    def __init__(self) -> None:
        super().__init__("_x_hit")
        self._counts: Counter[int] = Counter()

    def invoke(self, key: Any, operator: Any, number: Any) -> bool:
        self._counts[int(key)] += 1
        return bool(OPERATORS[int(operator)](self._counts[int(key)], int(number)))


_Hit()
