"""Runs inside gdb: `-x-goto-targets FILE LINE`, where a thread could be sent, and `-x-goto ADDRESS`, which sends it."""

from typing import Any

import gdb

from .commands import mi_command
from .functions import function_at, key_of


@mi_command("-x-goto-targets")
def goto_targets(file: str, line: str) -> dict[str, Any]:
    """Return {"targets": [{"address", "line", "function"}]}: in functions with a thread, where the line begins."""
    quoted = file.replace("\\", "\\\\").replace('"', '\\"')
    try:
        _, places = gdb.decode_line(f'"{quoted}":{line}')
    except gdb.error:
        places = None
    if not places:
        raise gdb.GdbError(f"line {line} has no code")
    starts = sorted({pc for place in places for pc in _starts(place.symtab, place.line)})
    functions = {pc: function for pc in starts if (function := function_at(pc)) is not None}
    entered = _functions_of_threads()
    targets = [
        {"address": hex(pc), "line": places[0].line, "function": function.function.print_name}
        for pc, function in functions.items()
        if key_of(function) in entered
    ]
    if not targets:
        names = ", ".join(sorted({function.function.print_name for function in functions.values()}))
        raise gdb.GdbError(f"line {line} is in {names or 'no function'}, and no thread stands there; {_WHY}")
    return {"targets": targets}


@mi_command("-x-goto")
def goto(address: str) -> dict[str, Any]:
    """Set where the selected thread goes on. Nothing runs."""
    pc = int(address, 0)
    frame = gdb.newest_frame()
    here, there = function_at(frame.pc()), function_at(pc)
    if here is None or there is None or key_of(here) != key_of(there):
        names = [each.function.print_name if each else "code without debug info" for each in (here, there)]
        raise gdb.GdbError(f"the thread stands in {names[0]}, the line is in {names[1]}; {_WHY}")
    frame.select()
    gdb.execute(f"set var $pc = {pc:#x}", to_string=True)
    if frame.architecture().name().startswith("i386"):
        # Else the kernel goes back to repeat a system call that the thread may have been stopped in.
        gdb.execute("set var $orig_rax = -1", to_string=True)
    return {}


_WHY = "a jump can't leave its function, whose frame and variables the code needs"


def _starts(symtab: gdb.Symtab, line: int) -> list[int]:
    """Return where pieces of a line's code begin."""
    found = []
    before = None
    for entry in symtab.linetable():
        if entry.line == line and before != line:
            found.append(entry.pc)
        before = entry.line
    return found


def _functions_of_threads() -> set[tuple[str, int, int]]:
    selected = gdb.selected_thread()
    found = set()
    try:
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            function = function_at(gdb.newest_frame().pc())
            if function is not None:
                found.add(key_of(function))
    finally:
        if selected is not None:
            selected.switch()
    return found
