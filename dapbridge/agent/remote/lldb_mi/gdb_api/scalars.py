"""The text of a value without children, as gdb's `print` has it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from decimal import Context, Decimal
from typing import TYPE_CHECKING

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import name_at

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_CHARACTERS = {
    lldb.eBasicTypeChar: "",
    lldb.eBasicTypeSignedChar: "",
    lldb.eBasicTypeUnsignedChar: "",
    lldb.eBasicTypeWChar: "L",
    lldb.eBasicTypeSignedWChar: "L",
    lldb.eBasicTypeUnsignedWChar: "L",
    lldb.eBasicTypeChar8: "u8",
    lldb.eBasicTypeChar16: "u",
    lldb.eBasicTypeChar32: "U",
}
_ESCAPES = {7: "a", 8: "b", 9: "t", 10: "n", 11: "v", 12: "f", 13: "r", 27: "033"}
_DIGITS = {2: 5, 4: 9, 8: 17}
_LONG_DOUBLE_DIGITS = 18


def format_scalar(value: Value, format_: str = "") -> str:
    """Return the text; format_: x, d, u, o, t, c or a as gdb has them."""
    type_ = value.type.strip_typedefs()
    if type_.code in (codes.REF, codes.RVALUE_REF):
        return format_scalar(value.referenced_value(), format_)
    if format_ and type_.is_scalar and type_.code not in (codes.FLT, codes.FUNC, codes.VOID):
        return _formatted(value, type_, format_)
    make = _TEXTS.get(type_.code)
    return make(value, type_) if make is not None else _as_lldb_has_it(value)


def _formatted(value: Value, type_: Type, format_: str) -> str:
    bits = value.integer(signed=False)
    if format_ == "x":
        return hex(bits)
    if format_ == "o":
        return f"0{bits:o}" if bits else "0"
    if format_ == "t":
        return f"{bits:b}"
    if format_ == "u":
        return str(bits)
    if format_ == "a":
        return _address_text(bits)
    number = value.integer(signed=True)
    return f"{number} {_character(number, '')}" if format_ == "c" else str(number)


def _integer(value: Value, type_: Type) -> str:
    number = int(value)
    prefix = _CHARACTERS.get(type_.basic)
    if prefix is None or current.language == "rust":
        return str(number)
    return f"{number} {prefix}{_character(number, prefix)}"


def _character(number: int, prefix: str) -> str:
    code = number & 0xFF if not prefix or prefix == "u8" else number & 0xFFFFFFFF
    if code in (39, 92):
        return f"'\\{chr(code)}'"
    if code in _ESCAPES:
        return f"'\\{_ESCAPES[code]}'"
    if code < 0x7F and code >= 0x20:
        return f"'{chr(code)}'"
    if prefix not in ("", "u8") and code <= 0x10FFFF and chr(code).isprintable():
        return f"'{chr(code)}'"
    return f"'\\{code & 0xFFFFFFFF:03o}'"


def _bool(value: Value, type_: Type) -> str:
    number = value.integer(signed=False)
    return ("false", "true")[number] if number < 2 else str(number)


def _float(value: Value, type_: Type) -> str:
    data = value.data()
    if len(data) > 8:
        return _long_double(data)
    number = decode_float(data)
    if number != number:
        (bits,) = struct.unpack("<Q" if len(data) == 8 else "<I", data)
        mantissa = bits & ((1 << 52) - 1 if len(data) == 8 else (1 << 23) - 1)
        return f"{'-' if bits >> (8 * len(data) - 1) else ''}nan({mantissa:#x})"
    return f"{number:.{_DIGITS.get(len(data), 17)}g}"


def decode_float(data: bytes) -> float:
    """Return the number of 2, 4, 8, or 10 (x87) bytes; these lose what doesn't fit into Python's float."""
    if len(data) in (2, 4, 8):
        (number,) = struct.unpack({2: "<e", 4: "<f", 8: "<d"}[len(data)], data)
        return float(number)
    return float(_exactly(data))


def _exactly(data: bytes) -> Decimal:
    mantissa, head = struct.unpack_from("<QH", data)
    exponent = (head & 0x7FFF) - 16383 - 63
    if head & 0x7FFF == 0x7FFF:
        return Decimal("nan" if mantissa << 1 & (1 << 64) - 1 else "inf").copy_sign(Decimal(-1 if head >> 15 else 1))
    wide = Context(prec=60)
    number = wide.multiply(Decimal(mantissa), wide.power(Decimal(2), exponent))
    return -number if head >> 15 else number


def _long_double(data: bytes) -> str:
    number = _exactly(data)
    if not number.is_finite():
        return str(number).lower().replace("infinity", "inf")
    rounded = Context(prec=_LONG_DOUBLE_DIGITS).plus(number)
    if not rounded:
        return "0"
    text = f"{rounded:.{_LONG_DOUBLE_DIGITS}g}"
    head, e, exponent = text.partition("e")
    if "." in head:
        head = head.rstrip("0").rstrip(".")
    return f"{head}e{int(exponent):+03d}" if e else head


def _enum(value: Value, type_: Type) -> str:
    number = int(value)
    fields = type_.fields()
    for each in fields:
        if each.enumval == number:
            return str(each.name)
    used = [each for each in fields if each.enumval and each.enumval & number == each.enumval]
    if number <= 0 or not _are_flags([each.enumval for each in fields]):
        return str(number)
    rest = number
    for each in used:
        rest &= ~each.enumval
    if not used:
        return f"(unknown: {rest:#x})"
    names = " | ".join(str(each.name) for each in used)
    return f"({names} | unknown: {rest:#x})" if rest else f"({names})"


def _are_flags(values: list[int]) -> bool:
    seen = 0
    for each in values:
        if each < 0 or each & seen or (each & each - 1):
            return False
        seen |= each
    return bool(values)


def _pointer(value: Value, type_: Type) -> str:
    return _address_text(value.integer(signed=False))


def _address_text(address: int) -> str:
    name = name_at(address)
    return f"{address:#x} <{name}>" if name else hex(address)


def _function(value: Value, type_: Type) -> str:
    return f"{{{type_}}} {_address_text(int(value))}"


def _as_lldb_has_it(value: Value) -> str:
    sb = value.as_sb()
    text = sb.GetSummary() or sb.GetValue()
    if text is None:
        failure = sb.GetError()
        return f"<{failure}>" if failure.Fail() else "{...}"
    return str(text)


_TEXTS: dict[int, Callable[[Value, Type], str]] = {
    codes.INT: _integer,
    codes.CHAR: _integer,
    codes.BOOL: _bool,
    codes.FLT: _float,
    codes.ENUM: _enum,
    codes.PTR: _pointer,
    codes.FUNC: _function,
    codes.VOID: lambda value, type_: "void",
}
