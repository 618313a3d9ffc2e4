"""Runs inside gdb: `-x-registers STOP GROUP`, registers as the frame has them, by gdb's own groups."""

from typing import Any

import gdb

from .commands import mi_command
from .values import describe
from .views import Child, Look

GENERAL = "general"
OTHERS = "other"
_NO_GROUPS = ("all", "save", "restore")


@mi_command("-x-registers")
def registers(stop: str, group: str, format_: str = "") -> dict[str, Any]:
    """List a group's registers, and with "general" the other groups: {"registers": [...], "groups": [[name, count]]}.

    "other" has those of no group.
    """
    frame = gdb.selected_frame()
    groups = _groups(frame.architecture())
    if group not in groups:
        raise gdb.GdbError(f"there is no group of registers named '{group}'")
    others = [[name, len(names)] for name, names in groups.items() if name != GENERAL]
    return {
        "registers": [_describe(frame, name, format_) for name in groups[group]],
        "groups": others if group == GENERAL else [],
    }


def _groups(architecture: Any) -> dict[str, list[str]]:
    names = [each.name for each in architecture.register_groups() if each.name not in _NO_GROUPS]
    groups = {name: [each.name for each in architecture.registers(name)] for name in sorted(names)}
    grouped = {each for group in groups.values() for each in group}
    every = [each.name for each in architecture.registers("all")]
    groups.setdefault(GENERAL, [])
    groups[OTHERS] = [each for each in every if each not in grouped]
    return {name: group for name, group in groups.items() if group or name == GENERAL}


def _describe(frame: Any, name: str, format_: str) -> dict[str, Any]:
    try:
        value = frame.read_register(name)
        # Of plain numbers people want to see the bits; addresses have names, and flags theirs.
        is_plain = value.type.strip_typedefs().code == gdb.TYPE_CODE_INT
    except (gdb.error, ValueError):
        is_plain = False
    look = Look(format_="x" if is_plain and format_ in ("", "-") else format_)
    return describe(Child(name, lambda: gdb.selected_frame().read_register(name), f"${name}"), look)
