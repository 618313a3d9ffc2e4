"""Rust's types, which LLDB has as C++ ones: their names as in Rust, and the variant that an enum's value is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.gdb_api.types import Field, Type
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_WORDS = {
    "unsigned char": "u8",
    "signed char": "i8",
    "unsigned short": "u16",
    "short": "i16",
    "unsigned int": "u32",
    "int": "i32",
    "unsigned long": "u64",
    "unsigned long long": "u64",
    "long": "i64",
    "long long": "i64",
    "unsigned __int128": "u128",
    "__int128": "i128",
    "float": "f32",
    "double": "f64",
    "char32_t": "char",
    "void": "()",
}
_WORD = re.compile(r"(?<![\w:])(?:" + "|".join(sorted(_WORDS, key=len, reverse=True)) + r")(?![\w:])")
_ARRAY = re.compile(r"(?P<element>.+?) ?\[(?P<count>\d+)\]\Z")
_COUNTED = re.compile(r"alloc::(?:\w+::)+(?:Rc|Arc)<")
_VARIANT = re.compile(r"\$variant\$(?P<value>\d*)")
_FAT_POINTER = 16


@lru_cache(maxsize=4096)
def translate(name: str) -> str:
    """Return LLDB's name of a type as Rust has it, as far as that can be told: usize is u64 here."""
    name = _WORD.sub(lambda found: _WORDS[found[0]], name).replace("> >", ">>").replace("> >", ">>")
    pointers = len(name) - len(name.rstrip("*& "))
    stars = name[len(name) - pointers :]
    name = name.rstrip("*& ")
    if array := _ARRAY.match(name):
        name = f"[{translate(array['element'])}; {array['count']}]"
    return "*mut " * stars.count("*") + "&" * stars.count("&") + name


def of_type(type_: Type, name: str) -> str:
    """Return a type's name as Rust has it."""
    if _COUNTED.match(name) and type_.code == codes.STRUCT and type_.sb.GetByteSize() == _FAT_POINTER:
        name = _with_unsized(type_, name)
    return translate(name)


def _with_unsized(type_: Type, name: str) -> str:
    """Return the name of an `Rc<str>`, of which LLDB says `Rc<unsigned char>`: by that of the pointer in it."""
    inner = type_
    for _ in range(4):
        first = next((each for each in inner.fields() if each.name in ("ptr", "pointer")), None)
        if first is None:
            break
        inner = first.type
        if found := re.search(r"(?:Rc|Arc)Inner<(?P<content>.+)>\Z", str(inner.sb.GetName())):
            return re.sub(r"<[^<>,]+", f"<{found['content']}", name, count=1)
    return name


def active_variant(variants: Type, value: Value | None) -> Field | None:
    """Return the field of the variant that an enum's value is; None where it is none, or there is no value."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.types import Field

    default = None
    for each in variants.fields():
        named = _VARIANT.fullmatch(each.name or "")
        if named is None:
            continue
        if not named["value"]:
            default = each
        elif value is not None and _discriminant(value, each) == int(named["value"]):
            default = each
            break
    if default is None or value is None:
        return None
    (inside,) = (each for each in default.type.fields() if each.name == "value")
    name = re.sub(r"\$Variant\Z", "", str(default.type.sb.GetName())).rsplit("$Inner::", 1)[-1].rsplit("::", 1)[-1]
    field = Field(name, inside.type, index=inside.index)
    field.bitpos = default.bitpos + inside.bitpos
    field.variant = default
    return field


def _discriminant(value: Value, variant: Field) -> int | None:
    tag = next((each for each in variant.type.fields() if each.name == "$discr$"), None)
    if tag is None:
        return None
    try:
        data = value.data_at((variant.bitpos + tag.bitpos) // 8, tag.type.sizeof)
    except error:
        return None
    return int.from_bytes(data, "little")
