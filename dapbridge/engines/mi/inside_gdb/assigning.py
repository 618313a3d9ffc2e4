"""Runs inside gdb: a value is given another one, in gdb's own syntax or as it was shown to the user."""

import ast
import re
from collections.abc import Callable

import gdb

from .texts import Text
from .views import Value

# As values are shown: 98 'b', 0x5555 <main>, 0x5555 "text"; only the first part is meant when that is edited.
_SHOWN = re.compile(r"""(-?\d+|0x[0-9a-f]+) (?:'.*'|<.*>|".*")\Z""", re.DOTALL)
_LITERAL = re.compile(r'"(?:[^"\\]|\\.)*"\Z', re.DOTALL)


def assign(make: Callable[[], Value], expression: str | None, content: str, *, rust: bool) -> None:
    """Assign. Raises gdb.error with gdb's words."""
    content = content.strip()
    value = make()
    if _LITERAL.match(content) and _assign_text(value, content, rust=rust):
        return
    if shown := _SHOWN.match(content):
        content = shown[1]
    if content in ("true", "false") and value.type.strip_typedefs().code == gdb.TYPE_CODE_BOOL and not rust:
        # C has no such words.
        content = str(int(content == "true"))
    if expression is None or expression.startswith("$__"):
        expression = _by_address(value)
    gdb.parse_and_eval(f"{expression} = {content}")


def _by_address(value: Value) -> str:
    if value.address is None:
        raise gdb.GdbError("this value has no place in memory and can't be changed")
    gdb.set_convenience_variable("__place", value.address)
    return "*$__place"


def _assign_text(value: Value, literal: str, *, rust: bool) -> bool:
    """Write a text where the old one is, if it is one that has room of its own; return whether it is."""
    type_ = value.type.strip_typedefs()
    if type_.code in (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF):
        value = value.referenced_value()
        type_ = value.type.strip_typedefs()
    data = _encoded(literal)
    name = type_.name or ""
    if type_.code == gdb.TYPE_CODE_ARRAY and type_.target().strip_typedefs().sizeof == 1:
        _write(int(value.address), data, int(type_.sizeof))
        return True
    if re.match(r"std::(?:__cxx11::)?basic_string<char,", name):
        _assign_cpp_string(value, data)
        return True
    if rust and name.endswith("string::String"):
        _assign_rust_string(value, data)
        return True
    return False


def _encoded(literal: str) -> bytes:
    try:
        return str(ast.literal_eval(literal)).encode("utf-8", "surrogateescape")
    except (SyntaxError, ValueError) as error:
        raise gdb.GdbError(f"{literal} is no text: {error}") from None


def _write(address: int, data: bytes, room: int) -> None:
    if len(data) > room:
        raise gdb.GdbError(f"no room for {len(data)} bytes: there are {room}")
    gdb.selected_inferior().write_memory(address, data.ljust(room, b"\0"))


def _assign_cpp_string(value: Value, data: bytes) -> None:
    address = int(value["_M_dataplus"]["_M_p"])
    is_local = address == int(value["_M_local_buf"].address)
    capacity = 15 if is_local else int(value["_M_allocated_capacity"])
    if len(data) > capacity:
        raise gdb.GdbError(f"no room for {len(data)} bytes: this string has a capacity of {capacity}")
    gdb.selected_inferior().write_memory(address, data + b"\0")
    length = value["_M_string_length"]
    gdb.selected_inferior().write_memory(int(length.address), len(data).to_bytes(8, "little"))


def _assign_rust_string(value: Value, data: bytes) -> None:
    from .rust_views import _dig, _first_pointer, _number

    bytes_ = value["vec"]
    capacity = _number(_dig(bytes_["buf"], lambda each: False, field="cap"))
    if len(data) > capacity:
        raise gdb.GdbError(f"no room for {len(data)} bytes: this String has a capacity of {capacity}")
    text = Text(int(_first_pointer(bytes_)), len(data))
    gdb.selected_inferior().write_memory(text.address, data)
    gdb.selected_inferior().write_memory(int(bytes_["len"].address), len(data).to_bytes(8, "little"))
