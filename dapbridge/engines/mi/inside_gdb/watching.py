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
from .views import ERRORS, address_of
from .watch_places import check_registers, present_address

_COMMANDS = {"write": "watch", "read": "rwatch", "readWrite": "awatch"}
_LOWEST = 0x10000
"""No program of fixed addresses begins below it."""
_used: dict[int, int] = {}


@mi_command("-x-watch")
def watch(settings: str) -> dict[str, Any]:
    """Watch a place as `-x-watch-place` tells it, in the thread and frame that are named for one with a scope.

    settings: JSON with that and `access` (write, read, readWrite), `condition` ("" for none), `ignored_hits`, `label`.
    """
    wish = json.loads(settings)
    address = present_address(wish)
    needed = check_registers(wish["label"], address, wish["size"], _taken())
    number = _insert(f"{_COMMANDS[wish['access']]} {_watched(wish, address)}", wish)
    _used[number] = needed
    return {"number": str(number), "addr": "<MULTIPLE>"}


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
