"""Runs inside gdb: where what is to be watched lies, and how many of the processor's debug registers that takes.

A place on the stack belongs to a frame, and ends with it.
"""

import re
from typing import Any

import gdb

from .commands import mi_command
from .texts import read
from .thrown import symbol_at
from .values import find_child
from .views import ERRORS, RECORDS, REFERENCES, Value, address_of

REGISTERS = 4
"""That x86-64 has, and AArch64 at the least in use; each is for up to 8 bytes, aligned."""
RED_ZONE = 128

_MEMBER = re.compile(r"(.+)(?:\.|->)(\w+)\Z", re.DOTALL)
_MASK = 2**64 - 1


@mi_command("-x-watch-place")
def place_of(expression: str, size: str = "0") -> dict[str, Any]:
    """Tell where an expression's value lies: {"address", "size", "expression", "symbol", "scope"}.

    symbol: what the linker calls the place, "" on heap and stack. scope: the function with which it ends, or "".
    """
    return _described(gdb.parse_and_eval(expression), expression, int(size))


@mi_command("-x-watch-child")
def place_of_child(stop: str, number: str, start: str, name: str, size: str = "0") -> dict[str, Any]:
    """Tell the same of a child of a node, looked for from `start` on."""
    child = find_child(stop, number, int(start), name)
    if child.make is None:
        raise gdb.GdbError(f"{name} has no place in memory")
    return _described(child.make(), child.expression or "", int(size), name)


@mi_command("-x-watch-address")
def place_at(address: str, size: str) -> dict[str, Any]:
    """Tell the same of an address, which may be an expression."""
    place = int(gdb.parse_and_eval(address)) & _MASK
    _check_there(place)
    return {"address": place, "size": int(size), "expression": "", "symbol": "", "scope": ""}


def _check_there(address: int) -> None:
    if gdb.selected_inferior().pid:
        try:
            read(address, 1)
        except gdb.MemoryError:
            raise gdb.GdbError(f"there is no memory at {address:#x}") from None


def _described(value: Value, expression: str, size: int, name: str = "") -> dict[str, Any]:
    if value.type.strip_typedefs().code in REFERENCES:
        value = value.referenced_value()
    if _is_bit_field(expression):
        raise gdb.GdbError(f"{name or expression} is a bit field: only whole bytes can be watched")
    address = address_of(value)
    if not address or value.is_optimized_out:
        raise gdb.GdbError(
            f"{name or expression} has no place in memory: it is computed, in a register or optimized out"
        )
    _check_there(address)
    size = size or int(value.type.sizeof)
    scope = _scope(address, expression)
    symbol = "" if scope else symbol_at(address).partition(" in section")[0]
    return {"address": address, "size": size, "expression": expression, "symbol": symbol, "scope": scope}


def _is_bit_field(expression: str) -> bool:
    if (member := _MEMBER.match(expression)) is None:
        return False
    try:
        type_: Any = gdb.parse_and_eval(member[1]).type.strip_typedefs()
        if type_.code in (gdb.TYPE_CODE_PTR, *REFERENCES):
            type_ = type_.target().strip_typedefs()
        return type_.code in RECORDS and any(
            field.name == member[2] and getattr(field, "bitsize", 0) for field in type_.fields()
        )
    except ERRORS:
        return False


def _scope(address: int, expression: str) -> str:
    """Return the name of the function in whose frame a place lies, "" for a place that outlives it."""
    try:
        frame = gdb.selected_frame()
        inner, older = gdb.newest_frame(), frame.older()
        low = int(inner.read_register("sp")) - RED_ZONE
        high = int(older.read_register("sp")) if older is not None else low
    except ERRORS:
        return ""
    is_local = low <= address < high and _has_local(frame, expression)
    return str(frame.name() or "") if is_local else ""


def _has_local(frame: Any, expression: str) -> bool:
    """Tell whether a name of the expression is a local of the frame, which makes gdb tie the watch to it."""
    return any(_is_local(frame, name) for name in re.findall(r"[A-Za-z_]\w*", expression))


def _is_local(frame: Any, name: str) -> bool:
    try:
        symbol, _ = gdb.lookup_symbol(name, frame.block())
        return symbol is not None and bool(symbol.needs_frame)
    except ERRORS:
        return False


def check_registers(label: str, address: int, size: int, taken: int) -> int:
    """Return how many debug registers a place takes. Raises gdb.GdbError where so many aren't free."""
    needed = registers_for(address, size)
    if needed > REGISTERS:
        raise gdb.GdbError(
            f"{label} has {size} bytes, too many to watch: the processor has {REGISTERS} debug registers for 8 bytes "
            "each. Watch a part of it"
        )
    if needed > REGISTERS - taken:
        raise gdb.GdbError(
            f"too many data breakpoints: {label} needs {needed} of the processor's {REGISTERS} debug registers, and "
            f"{taken} are in use. Remove another data breakpoint first"
        )
    return needed


def registers_for(address: int, size: int) -> int:
    """Return how many debug registers a place takes: each is for 1, 2, 4 or 8 bytes at a multiple of that."""
    count = 0
    while size > 0 and count <= REGISTERS:
        piece = next(each for each in (8, 4, 2, 1) if each <= size and address % each == 0)
        address, size, count = address + piece, size - piece, count + 1
    return count


def present_address(wish: dict[str, Any]) -> int:
    """Return where the place is now; what has a symbol may have been found in an earlier run."""
    address, symbol = int(wish["address"]), wish["symbol"]
    if not symbol or symbol_at(address).partition(" in section")[0] == symbol:
        return address
    try:
        now = address_of(gdb.parse_and_eval(wish["expression"]))
    except ERRORS:
        now = None
    if not now or symbol_at(now).partition(" in section")[0] != symbol:
        raise gdb.GdbError(f"{wish['label']} isn't there any more")
    return now
