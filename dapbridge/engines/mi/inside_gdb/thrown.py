"""Runs inside gdb: what is known of an exception or a panic, read without running any of the target's code."""

from typing import Any

import gdb

from .texts import Text
from .views import ERRORS

MAX_MESSAGE = 4000

# The first two integer arguments of a function.
_ARGUMENTS = {"i386:x86-64": ("rdi", "rsi"), "aarch64": ("x0", "x1")}


class Thrown:
    """An exception: its type as the language writes it, its message, and an expression for the object if any."""

    def __init__(self, type_name: str, message: str = "", expression: str = "") -> None:
        self.type_name = type_name
        self.message = message
        self.expression = expression


def word(address: int) -> int:
    """Return the word at an address. Raises gdb.error."""
    pointer = gdb.lookup_type("char").pointer()
    return int(gdb.Value(address & (2**64 - 1)).cast(pointer.pointer()).dereference())


def text_at(address: int, length: int | None = None) -> str:
    """Return a text of the target, up to its NUL or of a length, as it is but cut. Raises gdb.error."""
    data, has_more = Text(address, length).raw(MAX_MESSAGE)
    return data.decode("utf-8", "backslashreplace") + ("…" if has_more else "")


def arguments() -> tuple[int, int]:
    """Return the first two arguments of the function at whose beginning the thread stands. Raises gdb.error."""
    frame = gdb.newest_frame()
    try:
        names = _ARGUMENTS[frame.architecture().name()]
    except KeyError:
        raise gdb.error("arguments can't be read on this architecture") from None
    first, second = (int(frame.read_register(name)) & (2**64 - 1) for name in names)
    return first, second


def symbol_at(address: int) -> str:
    """Return the name of the symbol that an address belongs to; "" for none."""
    try:
        found: Any = gdb.execute(f"info symbol {address:#x}", to_string=True)
    except ERRORS:
        return ""
    return "" if found.startswith("No symbol") else str(found)
