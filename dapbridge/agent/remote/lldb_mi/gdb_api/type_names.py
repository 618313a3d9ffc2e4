"""Names of types → types: those that were given out, the basic ones, and what LLDB knows."""

from __future__ import annotations

import re
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error

spelled: dict[str, Any] = {}
"""The types whose names were given out: in an expression the same text means the same type."""


def find_type(name: str) -> Any:
    """Return the SBType of a name. Raises gdb.error."""
    known = spelled.get(name.strip())
    if known is not None:
        return known
    bare = re.sub(r"\b(?:const|volatile|struct|class|union|enum)\b\s*", "", name).strip()
    stars = len(bare) - len(bare.rstrip("* "))
    pointers = bare[len(bare) - stars :].count("*")
    bare = bare.rstrip("* ")
    basic = _BASIC_NAMES.get(bare)
    if bare in spelled:
        sb = spelled[bare]
    else:
        sb = current.target.GetBasicType(basic) if basic is not None else current.target.FindFirstType(bare)
    if not sb.IsValid() or not bare:
        raise error(f"No type named {name}.")
    for _ in range(pointers):
        sb = sb.GetPointerType()
    return sb


_BASIC_NAMES = {
    "void": lldb.eBasicTypeVoid,
    "bool": lldb.eBasicTypeBool,
    "_Bool": lldb.eBasicTypeBool,
    "char": lldb.eBasicTypeChar,
    "signed char": lldb.eBasicTypeSignedChar,
    "unsigned char": lldb.eBasicTypeUnsignedChar,
    "short": lldb.eBasicTypeShort,
    "unsigned short": lldb.eBasicTypeUnsignedShort,
    "int": lldb.eBasicTypeInt,
    "unsigned": lldb.eBasicTypeUnsignedInt,
    "unsigned int": lldb.eBasicTypeUnsignedInt,
    "long": lldb.eBasicTypeLong,
    "unsigned long": lldb.eBasicTypeUnsignedLong,
    "long int": lldb.eBasicTypeLong,
    "unsigned long int": lldb.eBasicTypeUnsignedLong,
    "long unsigned int": lldb.eBasicTypeUnsignedLong,
    "long long": lldb.eBasicTypeLongLong,
    "unsigned long long": lldb.eBasicTypeUnsignedLongLong,
    "float": lldb.eBasicTypeFloat,
    "double": lldb.eBasicTypeDouble,
    "long double": lldb.eBasicTypeLongDouble,
    "wchar_t": lldb.eBasicTypeWChar,
    "char16_t": lldb.eBasicTypeChar16,
    "char32_t": lldb.eBasicTypeChar32,
    "__int128": lldb.eBasicTypeInt128,
    "unsigned __int128": lldb.eBasicTypeUnsignedInt128,
    **dict.fromkeys(("i8",), lldb.eBasicTypeSignedChar),
    **dict.fromkeys(("u8",), lldb.eBasicTypeUnsignedChar),
    **dict.fromkeys(("i16",), lldb.eBasicTypeShort),
    **dict.fromkeys(("u16",), lldb.eBasicTypeUnsignedShort),
    **dict.fromkeys(("i32",), lldb.eBasicTypeInt),
    **dict.fromkeys(("u32",), lldb.eBasicTypeUnsignedInt),
    **dict.fromkeys(("i64", "isize"), lldb.eBasicTypeLong),
    **dict.fromkeys(("u64", "usize"), lldb.eBasicTypeUnsignedLong),
    **dict.fromkeys(("f32",), lldb.eBasicTypeFloat),
    **dict.fromkeys(("f64",), lldb.eBasicTypeDouble),
}


def split_arguments(name: str) -> list[str]:
    """Return the template arguments that a type's name ends with."""
    if not name.endswith(">"):
        return []
    depth, last, found = 0, len(name) - 1, []
    for at in range(len(name) - 1, -1, -1):
        character = name[at]
        depth += (character in ">)]") - (character in "<([")
        if (character == "," and depth == 1) or (character == "<" and depth == 0):
            found.append(name[at + 1 : last].strip())
            last = at
            if depth == 0:
                break
    return found[::-1]
