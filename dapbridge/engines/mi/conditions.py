"""When a breakpoint counts: DAP's `condition` and `hitCondition` → options of -break-insert.

The debugger itself decides on both, compiled once, so that a hit that doesn't count costs no more than it has to.
"""

import re

from msgspec import Struct

from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.expressions import assigns
from dapbridge.errors import UserError

OPERATORS = ("==", "!=", ">", ">=", "<", "<=", "%")
_HIT_CONDITION = re.compile(
    rf"\s*(?P<operator>{'|'.join(sorted(OPERATORS, key=len, reverse=True))})?\s*(?P<number>\d+)\s*"
)
_MAX_HITS = 2**31 - 1


class When(Struct, frozen=True):
    """A condition in the target's language (None: always), and how many hits that fulfil it pass unseen first."""

    condition: str | None = None
    ignored_hits: int = 0

    def options(self) -> list[str | int]:
        """Return the options of -break-insert (GDB manual, "GDB/MI Breakpoint Commands")."""
        options: list[str | int] = ["-c", self.condition] if self.condition else []
        return [*options, "-i", self.ignored_hits] if self.ignored_hits else options


def parse_hit_condition(text: str) -> tuple[str, int]:
    """Return operator and number; a plain number N means the Nth hit on. Raises UserError."""
    found = _HIT_CONDITION.fullmatch(text)
    number = int(found["number"]) if found else 0
    if found is None or number > _MAX_HITS or (number == 0 and found["operator"] == "%"):
        raise UserError(
            f"hit condition {text!r}: expected a number N (from the Nth hit on), or one after ==, !=, >, >=, <, <= or %"
            " (every Nth hit), e.g. % 100"
        )
    return found["operator"] or ">=", number


def parse_condition(text: str | None) -> str | None:
    """Return a condition without blanks around it, None for none. Raises UserError for one that changes something."""
    condition = (text or "").strip()
    if assigns(condition):
        raise UserError(f"condition {condition!r} would change the target at each hit; to compare, write ==")
    return condition or None


def parse_when(context: Context, condition: str | None, hit_condition: str | None) -> When:
    """Return when a breakpoint counts; hits are those that fulfil the condition. Raises UserError."""
    condition = parse_condition(condition)
    if not (hit_condition or "").strip():
        return When(condition)
    operator, number = parse_hit_condition(hit_condition or "")
    if operator in (">", ">="):
        return When(condition, max(number - (operator == ">="), 0))
    # Numbers instead of texts: in some languages a text would have to be put into the target's memory.
    counted = f"$_x_hit({next(context.ids)}, {OPERATORS.index(operator)}, {number})"
    return When(f"({condition}) && {counted}" if condition else counted)
