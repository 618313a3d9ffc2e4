"""The engines that the end-to-end tests run with, and the one table of what doesn't apply to one of them, and why.

A test of this table is run with gdb alone; with lldb it is reported as expected to fail, with its reason, and not run.
"""

from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

import pytest

ALL = ("gdb", "lldb")

current: ContextVar[str] = ContextVar("engine", default="gdb")
"""The engine of the test that runs now."""

_GDB_ONLY: dict[str, str] = {
    "test_bench.py": "measures gdb against gdb",
}
"""Whole modules, by why they are about gdb alone: they aren't run with lldb, nor counted."""

_LLDB_ONLY = "test_lldb_"
"""How modules begin that are about lldb alone."""

LLDB_CANNOT: dict[str, str] = {
    "test_gdb_values_cpp.py::test_a_users_own_printer_serves_also_an_endless_row": "a printer of gdb's; "
    "test_lldb_values.py has a formatter of LLDB's, whose rows have an end",
    "test_gdb_values_cpp.py::test_pointers_to_what_is_in_registers_only": "LLDB doesn't know DW_OP_implicit_pointer",
    "test_gdb_disassembly.py::test_a_function_is_what_gdb_itself_makes_of_it": "compares with gdb's `disassemble`",
    "test_gdb_reverse.py": "LLDB can't record and go back (no process record in LLDB 19)",
    "test_gdb_reverse_threads.py": "LLDB can't record and go back (no process record in LLDB 19)",
}
"""Modules ("file.py") and tests ("file.py::test") that don't apply to lldb, and why."""


def parameters(file: str, test: str, wanted: Sequence[str]) -> list[Any]:
    """Return the values of the fixture `engine` for a test."""
    found: list[Any] = []
    if file.startswith("test_lldb"):
        return [engine for engine in wanted if engine == "lldb"]
    for engine in wanted:
        if engine == "gdb":
            if not file.startswith(_LLDB_ONLY):
                found.append(engine)
        elif file not in _GDB_ONLY and f"{file}::{test}" not in _GDB_ONLY:
            reason = LLDB_CANNOT.get(file) or LLDB_CANNOT.get(f"{file}::{test}")
            marks = [pytest.mark.xfail(reason=f"{engine}: {reason}", run=False)] if reason else []
            found.append(pytest.param(engine, marks=marks))
    return found
