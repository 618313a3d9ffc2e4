"""Runs inside gdb: the MI commands for exceptions, panics and signals.

A filter's condition is a regular expression over the type's name, for a panic over its message. It becomes the
condition `$_x_thrown(N)` of the catchpoint, and no memory that can't be read keeps an exception from being told.
"""

import re
from typing import Any

import gdb

from . import cpp_exceptions, rust_panics, signals
from .commands import mi_command
from .thrown import Thrown, symbol_at

_filters: dict[int, tuple[str, re.Pattern[str]]] = {}


def _find(kind: str) -> Thrown:
    return rust_panics.find() if kind == "panic" else cpp_exceptions.find(kind)


class _IsThrown(gdb.Function):  # type: ignore[misc]
    """`$_x_thrown(N)`: whether what is thrown fits the condition of catchpoint N."""

    def __init__(self) -> None:
        super().__init__("_x_thrown")

    def invoke(self, number: Any) -> int:
        kind, pattern = _filters[int(number)]
        try:
            if kind != "panic" and "@plt" in symbol_at(gdb.newest_frame().pc()):
                # gdb's place as long as it doesn't know the run-time library; the next one is in there.
                return 0
            if not pattern.pattern:
                return 1
            thrown = _find(kind)
        except Exception as error:  # noqa: BLE001 - hostile memory may raise anything; one too many is better than none
            gdb.write(f"exception filter: {error!r}\n", gdb.STDLOG)
            return 1
        return int(bool(pattern.search(thrown.message if kind == "panic" else thrown.type_name)))


@mi_command("-x-catch")
def catch(kind: str, pattern: str = "") -> dict[str, Any]:
    """Set a catchpoint: kind is throw, rethrow, catch or panic, pattern "" or a filter's condition."""
    compiled = re.compile(pattern)
    if kind == "panic":
        breakpoint_ = gdb.Breakpoint(rust_panics.FUNCTION)
        number, is_pending = breakpoint_.number, breakpoint_.pending
    else:
        said = gdb.execute(f"catch {kind}", to_string=True)
        number, is_pending = int(re.findall(r"\d+", said)[0]), False
    _filters[number] = (kind, compiled)
    gdb.execute(f"condition {number} $_x_thrown({number})", to_string=True)
    return {"number": str(number), "addr": "<PENDING>" if is_pending else "<MULTIPLE>"}


@mi_command("-x-exception")
def exception(kind: str) -> dict[str, Any]:
    """Tell what the thread stands with, of the kind that its catchpoint has: {"type", "message", "expression"}."""
    try:
        thrown = _find(kind)
    except Exception as error:  # noqa: BLE001 - as above
        return {"type": "", "message": f"<{error}>", "expression": ""}
    return {"type": thrown.type_name, "message": thrown.message, "expression": thrown.expression}


@mi_command("-x-signal")
def signal(name: str) -> dict[str, Any]:
    """Tell more of the signal that the thread has got: {"message": text, "" for nothing}."""
    try:
        return {"message": signals.describe(name)}
    except Exception as error:  # noqa: BLE001 - as above
        return {"message": f"<{error}>"}


_IsThrown()
gdb.events.breakpoint_deleted.connect(lambda deleted: _filters.pop(deleted.number, None))
