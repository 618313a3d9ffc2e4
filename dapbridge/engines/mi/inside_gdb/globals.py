"""Runs inside gdb: `-x-globals STOP`, what a frame's file has outside of its functions, and their statics."""

from collections.abc import Iterator
from typing import Any

import gdb

from .commands import mi_command
from .values import Node, is_rust, keep
from .views import Child, Children, Listed, Look, Value

MAX_LINES = 50_000
"""As many entries of a file's line table are looked at for functions with statics."""


class Globals(Node):
    """The globals of one compilation unit, as a node: they are read when a page of them is shown."""

    def __init__(self, children: list[Child], *, rust: bool) -> None:
        super().__init__(lambda: gdb.Value(0), None, rust=rust, indexed=False)
        self._listed = Listed(children)

    def children(self, look: Look) -> Children | None:
        return self._listed


@mi_command("-x-globals")
def x_globals(stop: str) -> dict[str, Any]:
    """Return the node of the globals of the frame's compilation unit: {"node": number, "count": how many}."""
    frame = gdb.selected_frame()
    function = frame.function()
    symtab = function.symtab if function is not None else frame.find_sal().symtab
    if symtab is None:
        raise gdb.GdbError("there is no debug info of what stands here")
    locals_ = _names_in(frame)
    children = [
        _child(symbol.name, symbol, None if symbol.name in locals_ else symbol.name)
        for block in (symtab.global_block(), symtab.static_block())
        for symbol in block
        if symbol.is_variable and symbol.name and not _is_made_up(symbol.name)
    ]
    children += [_child(f"{owner}::{symbol.name}", symbol, None) for owner, symbol in _statics(symtab)]
    children.sort(key=lambda each: (each.name.startswith(("std::", "__", "core::", "alloc::")), each.name))
    return {"node": keep(stop, Globals(children, rust=is_rust(frame))), "count": len(children)}


def _child(name: str, symbol: Any, expression: str | None) -> Child:
    def make() -> Value:
        # A thread's own ones are those of the thread that looks.
        return symbol.value(gdb.selected_frame()) if symbol.needs_frame else symbol.value()

    return Child(name, make, expression, declared=symbol)


def _is_made_up(name: str) -> bool:
    return "{vtable" in name or name.startswith(("_ZTV", "vtable for ", "typeinfo "))


def _names_in(frame: Any) -> set[str]:
    """Return the names of the frame's own variables, which hide globals."""
    names: set[str] = set()
    try:
        block = frame.block()
    except RuntimeError:
        return names
    while block is not None and not block.is_static and not block.is_global:
        names.update(symbol.name for symbol in block)
        block = block.superblock
    return names


def _statics(symtab: Any) -> Iterator[tuple[str, Any]]:
    """Yield the functions of a file that have variables of their own that outlive a call, and these."""
    seen = set()
    try:
        lines = symtab.linetable()
    except RuntimeError:
        return
    for at, line in enumerate(lines):
        if at >= MAX_LINES:
            return
        block = gdb.block_for_pc(line.pc)
        found = []
        while block is not None and block.start is not None and not block.is_static and not block.is_global:
            if (key := (block.start, block.end, block.function and block.function.name)) in seen:
                break
            seen.add(key)
            found += [
                each for each in block if each.is_variable and each.name and each.addr_class == gdb.SYMBOL_LOC_STATIC
            ]
            if block.function is not None:
                break
            block = block.superblock
        if found and (function := _function_around(line.pc)):
            for symbol in found:
                yield function, symbol


def _function_around(pc: int) -> str:
    block = gdb.block_for_pc(pc)
    while block is not None and block.function is None:
        block = block.superblock
    return "" if block is None else str(block.function.name).partition("(")[0]
