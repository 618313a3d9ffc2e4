"""Registers of a frame as values, by gdb's names for them."""

from __future__ import annotations

from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_NAMES = {"pc": "pc", "sp": "sp", "fp": "fp", "eflags": "rflags"}
_ADDRESSES = frozenset({"rip", "pc", "sp", "fp", "rsp", "rbp", "lr", "x29", "x30"})


def find(frame: Any, name: str) -> Value | None:
    """Return a register; None for one that there is none of."""
    sb = frame.FindRegister(_NAMES.get(name, name))
    if not sb.IsValid():
        return None
    return to_value(sb, frame, name)


def to_value(sb: Any, frame: Any, name: str) -> Value:
    """Return LLDB's value of a register as one of gdb's."""
    value = Value(type_=Type(sb.GetType()))
    value.sb = sb
    if name in _ADDRESSES:
        target = frame.GetThread().GetProcess().GetTarget()
        value._type = Type(target.GetBasicType(lldb.eBasicTypeVoid)).pointer()
    return value
