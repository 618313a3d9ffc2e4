"""What the C++ library's operators would give, without calling them: `numbers[1]`, `owner->value`, `names.size()`.

The answers are taken from what the values show when they are opened.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.expressions import Node
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_ROWS = ("vector", "deque", "array", "span", "basic_string", "basic_string_view")


def _kind(value: Value) -> str:
    name = value.type.strip_typedefs().name or ""
    bare = name.removeprefix("std::").removeprefix("__cxx11::").removeprefix("__1::")
    if bare.startswith("__unique_if"):
        return "unique_ptr"
    return bare.partition("<")[0] if name.startswith("std::") else ""


def _children(value: Value) -> Any:
    from dapbridge.agent.remote.lldb_mi.looking import part

    look = part("views").Look()
    return part("dispatch").children_of(part("dispatch").view_of(value, None, look), None, look), look


def element_of(value: Value, index: Value) -> Value | None:
    """Return the element of a container that is a row; None for what is none. Raises gdb.error."""
    if _kind(value) not in _ROWS:
        return None
    if _kind(value).startswith("basic_string"):
        return _character(value, int(index))
    children, look = _children(value)
    drawn = children.get(int(index), int(index) + 1, look) if children is not None and int(index) >= 0 else []
    if not drawn:
        raise error(f"there is no [{int(index)}] in it")
    found: Value = drawn[0].make()
    return found


def _character(value: Value, index: int) -> Value:
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value
    from dapbridge.agent.remote.lldb_mi.looking import part

    text = part("dispatch").view_of(value, None, part("views").Look()).text
    unit = value.type.strip_typedefs().template_argument(0)
    if text is None or not 0 <= index <= text.length:
        raise error(f"there is no [{index}] in it")
    return Value.at(text.address + index * unit.sizeof, unit)


def pointer_in(value: Value) -> Value | None:
    """Return the pointer in a smart one; None for what is none."""
    kind = _kind(value)
    if kind in ("shared_ptr", "weak_ptr") and value.type.strip_typedefs().sb.GetNumberOfDirectBaseClasses():
        return value["_M_ptr"]
    if kind in ("shared_ptr", "weak_ptr"):
        return _first_pointer(value)
    if kind == "unique_ptr":
        return _first_pointer(value)
    if kind == "optional":
        children, look = _children(value)
        drawn = children.get(0, 1, look) if children is not None else []
        found: Value | None = drawn[0].make().address if drawn else None
        return found
    if kind.startswith(("_List_", "__normal_iterator", "_Rb_tree_", "_Deque_iterator")):
        return _first_pointer(value) if kind == "__normal_iterator" else None
    return None


def _first_pointer(value: Value, depth: int = 8) -> Value | None:
    type_ = value.type.strip_typedefs()
    if type_.code == codes.PTR:
        return value
    if not depth or type_.code != codes.STRUCT:
        return None
    for each in type_.fields():
        if hasattr(each, "bitpos") and (found := _first_pointer(value[each], depth - 1)) is not None:
            return found
    return None


def is_size_of(tree: Node) -> bool:
    """Tell whether an expression is `PATH.size()`."""
    from dapbridge.agent.remote.lldb_mi.expressions import is_path

    if tree.kind != "call" or len(tree.operands) != 1:
        return False
    method = tree.operands[0]
    return method.kind == "member" and method.text in ("size", "length") and is_path(method.operands[0])


def size_of(value: Value) -> Value:
    """Return the number of a container's elements. Raises gdb.error."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import NO_CALLS
    from dapbridge.agent.remote.lldb_mi.gdb_api.types import lookup_type
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value
    from dapbridge.agent.remote.lldb_mi.looking import part

    if value.type.strip_typedefs().code in (codes.REF, codes.RVALUE_REF):
        value = value.referenced_value()
    count = None
    if _kind(value).startswith("basic_string"):
        view = part("dispatch").view_of(value, None, part("views").Look())
        count = view.text.length if view.text is not None else None
    elif _kind(value):
        children, _ = _children(value)
        count = children.count if children is not None else None
    if count is None:
        raise error(NO_CALLS)
    return Value(count).cast(lookup_type("unsigned long"))
