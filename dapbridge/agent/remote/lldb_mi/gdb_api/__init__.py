"""gdb's Python API on LLDB's, as far as values are looked at through it.

How values look is written once, in `engines/mi/inside_gdb`, in the terms of gdb's Python: the same value then looks the
same, whichever debugger shows it. `install` makes the module `gdb` that this code imports; `looking` imports the code.
Nothing here runs the target's code, save LLDB's evaluator where `current.may_call` lets it.
"""

from __future__ import annotations

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api import codes, errors
from dapbridge.agent.remote.lldb_mi.gdb_api.code import (
    Architecture,
    Block,
    Symtab,
    block_for_pc,
    decode_line,
    find_pc_line,
)
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current, read_memory, write_memory
from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import parse_and_eval, set_convenience_variable
from dapbridge.agent.remote.lldb_mi.gdb_api.frames import newest_frame, selected_frame, selected_thread, threads
from dapbridge.agent.remote.lldb_mi.gdb_api.lookup import locals_of
from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import demangled, format_address, info_symbol
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Field, Type, lookup_type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import LazyString, Value
from dapbridge.agent.remote.lldb_mi.gdb_api.visualizers import default_visualizer, lookups

_OF_FRAMES = (lldb.eValueTypeVariableArgument, lldb.eValueTypeVariableLocal)


class _Inferior:
    """gdb.Inferior."""

    @property
    def pid(self) -> int:
        return int(current.process.GetProcessID())

    def read_memory(self, address: Any, length: Any) -> bytes:
        return read_memory(int(address), int(length))

    def write_memory(self, address: Any, data: bytes) -> None:
        write_memory(int(address), bytes(data))

    def architecture(self) -> Architecture:
        return Architecture()

    def threads(self) -> list[Any]:
        return list(threads())


def _lookup_symbol(name: str, *_: Any) -> tuple[SimpleNamespace | None, bool]:
    found = next((each for each in locals_of(current.frame) if each.GetName() == name), None)
    if found is None:
        return None, False
    return SimpleNamespace(needs_frame=found.GetValueType() in _OF_FRAMES), False


def _nothing(*_: Any) -> None:
    return None


def _execute(command: str, from_tty: bool = False, to_string: bool = False) -> str:
    if command == "show language":
        return current.language
    if command == "set print asm-demangle on":
        return ""
    if command.startswith("info symbol "):
        return info_symbol(int(command.removeprefix("info symbol "), 0))
    if command.startswith("demangle -l c++ -- "):
        return demangled(command.removeprefix("demangle -l c++ -- "))
    if command.startswith("set var $orig_"):
        # lldb-server doesn't show it.
        return ""
    if command.startswith("set var "):
        parse_and_eval(command.removeprefix("set var "))
        return ""
    raise errors.error(f"there is no gdb here to do {command}")


def make_module() -> ModuleType:
    """Return a module that does for `gdb`."""
    module = ModuleType("gdb")
    inferior = _Inferior()
    module.__dict__.update(
        codes.TYPE_CODES,
        **codes.OTHERS,
        error=errors.error,
        MemoryError=errors.MemoryError,
        GdbError=errors.GdbError,
        Value=Value,
        Type=Type,
        Field=Field,
        LazyString=LazyString,
        lookup_type=lookup_type,
        lookup_symbol=_lookup_symbol,
        lookup_global_symbol=_nothing,
        lookup_static_symbol=_nothing,
        block_for_pc=block_for_pc,
        find_pc_line=find_pc_line,
        decode_line=decode_line,
        format_address=format_address,
        newest_frame=newest_frame,
        selected_thread=selected_thread,
        Block=Block,
        Symtab=Symtab,
        current_objfile=_nothing,
        parse_and_eval=parse_and_eval,
        set_convenience_variable=set_convenience_variable,
        selected_frame=selected_frame,
        selected_inferior=lambda: inferior,
        default_visualizer=default_visualizer,
        pretty_printers=lookups,
        invalidate_cached_frames=_nothing,
        execute=_execute,
        parameter=_nothing,
        VERSION="16",
    )
    return module


def install() -> None:
    """Let `import gdb` find this."""
    module = make_module()
    types = ModuleType("gdb.types")
    types.__dict__.update(
        get_basic_type=lambda type_: type_.unqualified().strip_typedefs(),
        apply_type_recognizers=_nothing,
        get_type_recognizers=list,
        has_field=lambda type_, name: type_.has_key(name),
        TypePrinter=object,
    )
    module.__dict__.update(types=types, printing=SimpleNamespace())
    sys.modules.setdefault("gdb", module)
    sys.modules.setdefault("gdb.types", types)
