"""Rust's types, which LLDB has as C++ ones: their names as in Rust, and the variant that an enum's value is."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
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
_TO_ARRAY = re.compile(r"(?P<element>.+?) ?\(\*\) ?\[(?P<count>\d+)\]\Z")
_ARRAY = re.compile(r"(?P<element>.+?) ?\[(?P<count>\d+)\]\Z")
_COUNTED = re.compile(r"alloc::(?:\w+::)+(?:Rc|Arc)<")
_VARIANT = re.compile(r"\$variant\$(?P<value>\d*)")
_FAT_POINTER = 16
_MAX_VTABLES = 100_000


@lru_cache(maxsize=4096)
def translate(name: str) -> str:
    """Return LLDB's name of a type as Rust has it, as far as that can be told: usize is u64 here."""
    name = _WORD.sub(lambda found: _WORDS[found[0]], name).replace("> >", ">>").replace("> >", ">>")
    pointers = len(name) - len(name.rstrip("*& "))
    stars = name[len(name) - pointers :]
    name = name.rstrip("*& ")
    if array := _TO_ARRAY.match(name):
        name = f"*mut [{translate(array['element'])}; {array['count']}]"
    elif array := _ARRAY.match(name):
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
        if found := re.match(r"\*const .*(?:Rc|Arc)Inner<(?P<content>.+)>\Z", str(inner.sb.GetName())):
            return re.sub(r"<[^<>,]+", f"<{found['content']}", name, count=1)
    return name


_IMPLEMENTS = re.compile(r"<(?P<type>.+) as .+>::\{vtable\}\Z")


def behind_vtable(vtable: int) -> Type | None:
    """Return the type whose methods a trait object's table has; None where the debug info doesn't tell."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.types import lookup_type

    for sb in current.target.FindGlobalVariables(r"\{vtable\}$", _MAX_VTABLES, lldb.eMatchTypeRegex):
        if sb.GetLoadAddress() == vtable and (found := _IMPLEMENTS.match(str(sb.GetName()))):
            try:
                return lookup_type(found["type"])
            except error:
                return None
    return None


def active_variant(variants: Type, value: Value | None) -> Field | None:
    """Return the field of the variant that an enum's value is; None where it is none, or there is no value."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.types import Field

    named = [(each, found["value"]) for each in variants.fields() if (found := _VARIANT.fullmatch(each.name or ""))]
    default = next((each for each, number in named if not number), None)
    for each, number in named:
        if number and value is not None and _is_it(value, each, int(number), default):
            default = each
            break
    if default is None or value is None:
        return None
    (inside,) = (each for each in default.type.fields() if each.name == "value")
    name = re.sub(r"\$Variant\Z", "", str(default.type.sb.GetName())).rsplit("$Inner::", 1)[-1].rsplit("::", 1)[-1]
    field = Field(name, inside.type, index=inside.index)
    # LLDB counts the place of a variant's members from the enum's own beginning.
    field.bitpos = default.bitpos
    field.variant = default
    return field


def _is_it(value: Value, variant: Field, number: int, default: Field | None) -> bool:
    """Tell whether a value is a variant; LLDB has but 32 bits of the number that says so."""
    tag = next((each for each in variant.type.fields() if each.name == "$discr$"), None)
    if tag is None:
        return False
    offset = (variant.bitpos + tag.bitpos) // 8
    try:
        found = int.from_bytes(value.data_at(offset, tag.type.sizeof), "little")
    except error:
        return False
    if default is not None and tag.type.sizeof == 8 and _is_capacity(default.type, offset):
        number |= 1 << 63
    return found == number


def _is_capacity(type_: Type, offset: int) -> bool:
    """Tell whether what lies at an offset is a number that never has its highest bit, such as a Vec's capacity."""
    for _ in range(12):
        if type_.code != codes.STRUCT:
            return False
        inside = [each for each in type_.fields() if not each.artificial and each.type.sizeof]
        holds = [each for each in inside if each.bitpos // 8 <= offset < each.bitpos // 8 + each.type.sizeof]
        if not holds:
            return False
        if str(holds[0].type.sb.GetName()).endswith(("NoHighBit", "raw_vec::Cap")):
            return True
        type_, offset = holds[0].type, offset - holds[0].bitpos // 8
    return False
