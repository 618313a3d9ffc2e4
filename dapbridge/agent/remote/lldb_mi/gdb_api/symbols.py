"""Names for addresses, as gdb writes them: `main+4`, `vtable for zoo::Dog+16`."""

from __future__ import annotations

import ctypes
import re
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api.current import current

_NAMED = (lldb.eSymbolTypeCode, lldb.eSymbolTypeData, lldb.eSymbolTypeTrampoline, lldb.eSymbolTypeResolver)
_HASH = re.compile(r"::h[0-9a-f]{16}\Z")


def symbol_at(address: int) -> tuple[str, int] | None:
    """Return the symbol that an address belongs to, and how far behind its beginning that is."""
    target = current.target
    place = target.ResolveLoadAddress(address)
    if not place.IsValid() or not place.GetSection().IsValid():
        return None
    symbol = place.GetSymbol()
    is_stub = symbol.GetType() == lldb.eSymbolTypeTrampoline
    if not symbol.IsValid() or symbol.GetType() not in _NAMED or (symbol.IsSynthetic() and not is_stub):
        return None
    name = name_of(symbol) + ("@plt" if is_stub else "")
    return (name, address - symbol.GetStartAddress().GetLoadAddress(target)) if name else None


def name_of(symbol: Any) -> str:
    """Return the name of an SBSymbol, SBFunction or a global's SBValue, demangled."""
    return without_hash(str(symbol.GetName() or "").removeprefix("::"))


def without_hash(name: str) -> str:
    """Return a Rust function's name without the hash that its symbol ends with."""
    return _HASH.sub("", name)


def name_at(address: int) -> str:
    """Return the symbol and the distance to it, "" where there is none."""
    found = symbol_at(address)
    if found is None:
        return ""
    return f"{found[0]}+{found[1]}" if found[1] else found[0]


def format_address(address: int) -> str:
    """gdb.format_address."""
    name = symbol_at(address)
    return f"{address:#x} <{name[0]}+{name[1]}>" if name else hex(address)


def info_symbol(address: int) -> str:
    """Return what gdb's command `info symbol` says."""
    name = name_at(address)
    section = current.target.ResolveLoadAddress(address).GetSection().GetName()
    return f"{name.replace('+', ' + ')} in section {section}\n" if name else "No symbol matches.\n"


def demangled(name: str) -> str:
    """Return the name of a C++ symbol as C++ writes it, by the library that LLDB is linked with."""
    library = ctypes.CDLL("libstdc++.so.6")
    library.__cxa_demangle.restype = ctypes.c_void_p
    status = ctypes.c_int()
    found = library.__cxa_demangle(name.encode(), None, None, ctypes.byref(status))
    if not found:
        return name
    try:
        return ctypes.string_at(found).decode("utf-8", "backslashreplace")
    finally:
        ctypes.CDLL(None).free(ctypes.c_void_p(found))
