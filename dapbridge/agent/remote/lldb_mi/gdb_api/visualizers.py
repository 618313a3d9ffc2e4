"""gdb.default_visualizer: GCC's printers for its C++ library where they are there, for all else LLDB's formatters."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Callable, Iterator
from typing import Any

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_GCC_PRINTERS = "/usr/share/gcc/python"
_FORMATTED = (codes.STRUCT, codes.UNION, codes.PTR)

lookups: list[Callable[[Value], Any]] = []
"""gdb.pretty_printers."""


def default_visualizer(value: Value) -> Any:
    """Return a printer for a value; None for what is shown as it is."""
    for lookup in lookups:
        if (printer := lookup(value)) is not None:
            return printer
    type_ = value.type.strip_typedefs()
    return _lldb_formatter(value) if type_.code in (codes.STRUCT, codes.UNION) else None


def register_gcc_printers() -> None:
    """Use GCC's printers. Raises ImportError, and whatever a version of them may raise that is not known here."""
    sys.path.append(_GCC_PRINTERS)
    from libstdcxx.v6 import printers

    if printers.libstdcxx_printer is None:
        printers.build_libstdcxx_dictionary()
    find = printers.libstdcxx_printer

    def lookup(value: Value) -> Any:
        name = value.type.strip_typedefs().name or ""
        return find(value) if name.startswith(("std::", "__gnu_cxx::")) and current.language != "rust" else None

    lookups.append(lookup)


class _Formatter:
    """A printer made of LLDB's summary and children of a value."""

    def __init__(self, sb: Any, summary: str, *, has_children: bool) -> None:
        self._sb = sb
        self._summary = summary
        if has_children:
            self.children = self._children

    def to_string(self) -> str:
        return self._summary

    def display_hint(self) -> str | None:
        first = self._sb.GetChildAtIndex(0)
        return "array" if str(first.GetName() or "").startswith("[") else None

    def _children(self) -> Iterator[tuple[str, Value]]:
        for index in itertools.count():
            child = self._sb.GetChildAtIndex(index)
            if not child.IsValid():
                return
            yield str(child.GetName() or f"[{index}]"), Value.of(child.GetNonSyntheticValue())


def _lldb_formatter(value: Value) -> Any:
    if not current.session.is_stopped:
        return None
    sb = value.as_sb()
    has_children = sb.GetTypeSynthetic().IsValid()
    has_summary = sb.GetTypeSummary().IsValid()
    if not has_children and not has_summary:
        return None
    sb.SetPreferSyntheticValue(True)
    summary = sb.GetSummary() or "" if has_summary else ""
    if not has_children and not summary:
        # One of another system's type of that name.
        return None
    return _Formatter(sb.GetSyntheticValue() if has_children else sb, summary, has_children=has_children)
