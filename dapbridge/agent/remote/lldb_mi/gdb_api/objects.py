"""C++ objects behind pointers to their bases: which type they have, and where they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current, read_memory
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value


def distance(pointer: Value, one: Type, other: Type) -> int:
    """Return how far a pointer moves when it becomes one to a base, or to what derives from what it points to."""
    if one.code != codes.STRUCT or other.code != codes.STRUCT or one == other or not int(pointer):
        return 0
    if (offset := base_offset(one, other)) is not None:
        return offset
    if (offset := base_offset(other, one)) is not None:
        return -offset
    # By way of a virtual base, the object itself has to say it.
    return object_address(pointer) - int(pointer) if one.sb.IsPolymorphicClass() else 0


def base_offset(record: Type, base: Type, depth: int = 8) -> int | None:
    """Return where in a record a base of it lies; None where it isn't one, or where that differs by object."""
    for each in record.fields() if depth else ():
        if each.is_base_class and not each.is_virtual:
            own = each.type.strip_typedefs()
            if own == base:
                return each.bitpos // 8
            if (offset := base_offset(own, base, depth - 1)) is not None:
                return each.bitpos // 8 + offset
    return None


def object_type(address: int, record: Type) -> Type | None:
    """Return the type of the object at an address, as its table of virtual functions says; None where nothing does."""
    if not address:
        return None
    # Else LLDB might follow garbage.
    read_memory(address, 8)
    pointer = _pointer_to(address, record)
    pointer.SetPreferDynamicValue(lldb.eDynamicDontRunTarget)
    dynamic = pointer.GetDynamicValue(lldb.eDynamicDontRunTarget)
    if not dynamic.IsValid() or not dynamic.IsDynamic():
        return None
    pointee = dynamic.GetType().GetPointeeType()
    if not pointee.IsValid() or pointee.GetName() == record.sb.GetName():
        return None
    # A dynamic value's type answers some questions by its static one: not so that of a plain value of it.
    target = current.target
    return Type(target.CreateValueFromAddress("object", lldb.SBAddress(address, target), pointee).GetType())


def object_address(pointer: Value) -> int:
    """Return where the object begins that a pointer points into."""
    type_ = pointer.type.strip_typedefs()
    dynamic = _pointer_to(int(pointer), type_.target()).GetDynamicValue(lldb.eDynamicDontRunTarget)
    return int(dynamic.GetValueAsUnsigned()) if dynamic.IsValid() and dynamic.IsDynamic() else int(pointer)


def _pointer_to(address: int, record: Type) -> Any:
    target = current.target
    return target.CreateValueFromAddress("object", lldb.SBAddress(address, target), record.sb).AddressOf()
