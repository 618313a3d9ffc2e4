"""Rust's own formatters for LLDB (`rust-lldb`), for who types LLDB's commands; our views show Rust without them.

Debian's package has them without the module `rust_types` that they import, which is made here.
"""

from __future__ import annotations

import os
import re
import sys
from types import ModuleType
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.looking import part
from dapbridge.agent.remote.lldb_mi.session import Session

_FOLDER = "/usr/lib/rustlib/etc"
_MAX_UNITS = 64
_KINDS = (
    *("EMPTY", "STRUCT", "TUPLE", "STRUCT_VARIANT", "TUPLE_VARIANT"),
    *("ENUM", "REGULAR_ENUM", "SINGLETON_ENUM", "STD_PATH", "STD_PATHBUF"),
)
_VARIANTS = "$variants$"


def load(session: Session) -> None:
    """Load them once, where the program is Rust's and they are there."""
    if session.has_rust_formatters or not _is_rust(session.target):
        return
    session.has_rust_formatters = True
    if not os.path.exists(f"{_FOLDER}/lldb_lookup.py"):
        return
    if "rust_types" not in sys.modules:
        sys.modules["rust_types"] = _make_rust_types()
    interpreter = session.debugger.GetCommandInterpreter()
    result = lldb.SBCommandReturnObject()
    for each in ("command script import {}/lldb_lookup.py", "command source -s 1 {}/lldb_commands"):
        interpreter.HandleCommand(each.format(_FOLDER), result)
        if not result.Succeeded():
            # Nothing of a debugger's command depends on them.
            sys.stderr.write(f"no formatters of rust-lldb: {result.GetError()}\n")
            return


def _is_rust(target: Any) -> bool:
    program = target.GetModuleAtIndex(0)
    units = (program.GetCompileUnitAtIndex(index) for index in range(min(program.GetNumCompileUnits(), _MAX_UNITS)))
    return any(unit.GetLanguage() == lldb.eLanguageTypeRust for unit in units)


def _make_rust_types() -> ModuleType:
    """Return the module: which kind of Rust type a name is, and where no name says it, what its fields say."""
    shared = part("rust_types")
    kinds = type("RustType", (shared.RustType,), {name: name for name in _KINDS})

    def classify_struct(name: str, fields: Any) -> str:
        found = str(shared.classify_struct(name, fields))
        if found != "OTHER":
            return found
        names = [str(each.name) for each in fields]
        if not names:
            return "EMPTY"
        if names == [_VARIANTS]:
            return "ENUM"
        return "TUPLE" if all(re.fullmatch(r"__\d+", each) for each in names) else "STRUCT"

    module = ModuleType("rust_types")
    vars(module).update(RustType=kinds, classify_struct=classify_struct, classify_union=lambda fields: "OTHER")
    return module
