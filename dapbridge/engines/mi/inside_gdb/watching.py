"""Runs inside gdb: data breakpoints, by the processor's debug registers and nothing else.

Without them gdb would single-step the target, a thousand times slower. So a place is measured before it is watched,
with the registers that are free, and what gdb made is looked at. A place on the stack ends with its frame: there the
watched expression mentions the variable without reading it, and gdb notices when its frame is left.
"""

import json
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

_COMMANDS = {"write": "watch", "read": "rwatch", "readWrite": "awatch"}
_MEMBER = re.compile(r"(.+)(?:\.|->)(\w+)\Z", re.DOTALL)
_MASK = 2**64 - 1
_LOWEST = 0x10000
"""No program of fixed addresses begins below it."""
_used: dict[int, int] = {}


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


@mi_command("-x-watch")
def watch(settings: str) -> dict[str, Any]:
    """Watch a place as `-x-watch-place` tells it, in the thread and frame that are named for one with a scope.

    settings: JSON with that and `access` (write, read, readWrite), `condition` ("" for none), `ignored_hits`, `label`.
    """
    wish = json.loads(settings)
    size, label, access = wish["size"], wish["label"], wish["access"]
    address = _present_address(wish)
    needed = registers_for(address, size)
    if needed > REGISTERS:
        raise gdb.GdbError(
            f"{label} has {size} bytes, too many to watch: the processor has {REGISTERS} debug registers for 8 bytes "
            "each. Watch a part of it"
        )
    taken = _taken()
    if needed > REGISTERS - taken:
        raise gdb.GdbError(
            f"too many data breakpoints: {label} needs {needed} of the processor's {REGISTERS} debug registers, and "
            f"{taken} are in use. Remove another data breakpoint first"
        )
    number = _insert(f"{_COMMANDS[access]} {_watched(wish, address)}", wish)
    _used[number] = needed
    return {"number": str(number), "addr": "<MULTIPLE>"}


def registers_for(address: int, size: int) -> int:
    """Return how many debug registers a place takes: each is for 1, 2, 4 or 8 bytes at a multiple of that."""
    count = 0
    while size > 0 and count <= REGISTERS:
        piece = next(each for each in (8, 4, 2, 1) if each <= size and address % each == 0)
        address, size, count = address + piece, size - piece, count + 1
    return count


def _present_address(wish: dict[str, Any]) -> int:
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


def _watched(wish: dict[str, Any], address: int) -> str:
    """Return the expression to watch; each has a pointer of its own, for gdb reads it again now and then."""
    expression = wish["expression"]
    if not gdb.selected_inferior().pid:
        # There is nothing at the address yet, and it may become another one.
        if not wish["symbol"] or not expression or _is_loaded_anywhere():
            raise gdb.GdbError(f"{wish['label']} can be watched once the debugger is attached")
        return str(expression)
    name = f"$_x_place_{wish['id']}"
    gdb.set_convenience_variable(name[1:], gdb.Value(address).cast(_type(wish, address).pointer()))
    return f"*({name} + 0 * sizeof({expression}))" if wish["scope"] else f"-location *{name}"


def _is_loaded_anywhere() -> bool:
    """Tell whether the program gets its addresses when it is loaded: in its file they begin near 0."""
    starts = re.findall(r"^\s+0x([0-9a-f]+) - 0x", gdb.execute("info files", to_string=True), re.MULTILINE)
    return not starts or min(int(each, 16) for each in starts) < _LOWEST


def _type(wish: dict[str, Any], address: int) -> Any:
    """Return the type to show the place with: the expression's, or that of a number or of bytes."""
    size = wish["size"]
    try:
        value = gdb.parse_and_eval(wish["expression"]) if wish["expression"] else None
        if value is not None and address_of(value) == address and value.type.sizeof == size and value.type.name:
            return value.type
    except ERRORS:
        pass
    numbers = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long"}
    language = gdb.parameter("language")
    try:
        gdb.execute("set language c", to_string=True)
        return gdb.lookup_type(numbers[size]) if size in numbers else gdb.lookup_type("unsigned char").array(size - 1)
    finally:
        gdb.execute(f"set language {language}", to_string=True)


def _insert(command: str, wish: dict[str, Any]) -> int:
    before = {each.number for each in gdb.breakpoints()}
    try:
        said = gdb.execute(command, to_string=True)
        (made,) = [each for each in gdb.breakpoints() if each.number not in before]
        if not said.startswith("Hardware"):
            raise gdb.GdbError(f"{wish['label']} can't be watched by the processor's debug registers")
        made.condition = wish["condition"] or None
        made.ignore_count = wish["ignored_hits"]
    except ERRORS as error:
        for each in gdb.breakpoints():
            if each.number not in before:
                each.delete()
        if "Selected thread is running" in str(error):
            raise gdb.GdbError(f"pause the program first, to watch {wish['label']} with this gdb") from None
        if "Could not insert hardware" in str(error):
            raise gdb.GdbError(
                f"the processor, or the machine it is part of, refuses to watch {wish['label']}"
            ) from None
        raise
    return int(made.number)


def _taken() -> int:
    """Return how many debug registers are in use, those of the user's own watchpoints guessed as one each."""
    kinds = (gdb.BP_HARDWARE_WATCHPOINT, gdb.BP_READ_WATCHPOINT, gdb.BP_ACCESS_WATCHPOINT)
    return sum(_used.get(each.number, 1) for each in gdb.breakpoints() if each.type in kinds)


gdb.execute("set can-use-hw-watchpoints 1", to_string=True)
gdb.events.breakpoint_deleted.connect(lambda deleted: _used.pop(deleted.number, None))
