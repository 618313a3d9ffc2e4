"""gdb.default_visualizer: GCC's printers for its C++ library where they are there, for all else LLDB's formatters."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.formatters import find_formatter, is_formatted
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_GCC_PRINTERS = "/usr/share/gcc/python"

lookups: list[Callable[[Value], Any]] = []
"""gdb.pretty_printers."""


def default_visualizer(value: Value) -> Any:
    """Return a printer for a value; None for what is shown as it is."""
    for lookup in lookups:
        if (printer := lookup(value)) is not None:
            return printer
    return find_formatter(value) if is_formatted(value.type.strip_typedefs()) else None


def register_gcc_printers() -> None:
    """Use GCC's printers. Raises ImportError, and whatever a version of them may raise that is not known here."""
    sys.path.append(_GCC_PRINTERS)
    from libstdcxx.v6 import printers

    if printers.libstdcxx_printer is None:
        printers.build_libstdcxx_dictionary()
    find = printers.libstdcxx_printer

    def lookup(value: Value) -> Any:
        name = value.type.strip_typedefs().name or ""
        is_gccs = name.startswith(("std::", "__gnu_cxx::")) and not name.startswith(("std::__1::", "std::__ndk1::"))
        return find(value) if is_gccs and current.language != "rust" else None

    lookups.append(lookup)
