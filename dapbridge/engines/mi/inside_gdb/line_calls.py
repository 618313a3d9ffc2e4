"""Runs inside gdb: `-x-line-calls`, the calls that a thread has before it on its line (x86-64, AArch64)."""

import re
from typing import Any

import gdb

from .commands import mi_command
from .functions import function_at

_CALL = re.compile(r"^(?:(?:bnd|notrack)\s+)*(?:callq?|bl|blr)\s+(?P<operand>\S.*)$")
_DIRECT = re.compile(r"^(?P<address>0x[0-9a-f]+)")
_NAMED = re.compile(r"<(?P<name>.+)>$")
_STUB = re.compile(r"^(?P<name>.+)@plt$")
_REGISTER = re.compile(r"^(?:\*%)?(?P<name>[a-z][a-z0-9]+)$")
_FROM_MEMORY = re.compile(r"^\*-?0x[0-9a-f]+\(%rip\)\s+#\s+(?P<address>0x[0-9a-f]+)")


@mi_command("-x-line-calls")
def line_calls() -> dict[str, Any]:
    """Return {"pc", "calls": [{"address", "name", "has_lines"}]} in the order of the code.

    has_lines is None where only the running program knows whom it calls.
    """
    pc = gdb.newest_frame().pc()
    found = []
    for start, end in _ranges(pc):
        for instruction in gdb.selected_inferior().architecture().disassemble(start, end - 1):
            match = _CALL.match(instruction["asm"].strip())
            if match:
                found.append(_describe(instruction["addr"], match["operand"], is_next=instruction["addr"] == pc))
    return {"pc": hex(pc), "calls": found}


def _ranges(pc: int) -> list[tuple[int, int]]:
    """Return the pieces of code of the line at `pc`, that of `pc` only from there on."""
    place, function = gdb.find_pc_line(pc), function_at(pc)
    if place.symtab is None or function is None:
        return []
    entries = [(each.pc, each.line) for each in place.symtab.linetable() if function.start <= each.pc < function.end]
    ends = [each for each, _ in entries[1:]] + [function.end]
    pieces = [(start, end) for (start, line), end in zip(entries, ends, strict=True) if line == place.line]
    return [(max(start, pc) if start <= pc < end else start, end) for start, end in pieces if start < end]


def _describe(address: int, operand: str, *, is_next: bool) -> dict[str, Any]:
    named = _NAMED.search(operand)
    name = named["name"] if named else None
    target = _target(operand, name, is_next=is_next)
    if target is None:
        return {"address": hex(address), "name": f"{operand.partition('#')[0].strip()} (indirect)", "has_lines": None}
    function = function_at(target)
    if function is not None and function.start == target:
        name = function.function.print_name
    else:
        name = re.sub(r"^\*|@plt$", "", name or _symbol_at(target))
    place = gdb.find_pc_line(target)
    return {"address": hex(address), "name": name, "has_lines": place.symtab is not None and place.line > 0}


def _target(operand: str, name: str | None, *, is_next: bool) -> int | None:
    if direct := _DIRECT.match(operand):
        stub = _STUB.match(name or "")
        return (stub and _address_of(stub["name"])) or int(direct["address"], 16)
    if memory := _FROM_MEMORY.match(operand):
        return int(gdb.parse_and_eval(f"*(unsigned long *) {memory['address']}"))
    register = _REGISTER.match(operand)
    if register and is_next:
        return int(gdb.parse_and_eval(f"(unsigned long) ${register['name']}"))
    return None


def _address_of(name: str) -> int | None:
    try:
        return int(gdb.parse_and_eval(f"(unsigned long) &'{name}'"))
    except gdb.error:
        return None


def _symbol_at(address: int) -> str:
    named = _NAMED.search(gdb.execute(f"info symbol {address:#x}", to_string=True))
    return named["name"] if named else hex(address)
