"""Runs inside gdb: `-x-code-place ADDRESS`, the source line of a function or of any other code."""

from typing import Any

import gdb

from .commands import mi_command


@mi_command("-x-code-place")
def code_place(address: str) -> dict[str, Any]:
    """Return {"file", "line"}: where the function at an address was declared, else the line of its code."""
    pc = int(address, 0)
    block = gdb.block_for_pc(pc)
    if block is not None and block.function is not None and block.start == pc and block.function.symtab is not None:
        return {"file": block.function.symtab.fullname(), "line": block.function.line}
    found = gdb.find_pc_line(pc)
    if found.symtab is None:
        raise gdb.GdbError(f"there is no source for the code at {pc:#x}")
    return {"file": found.symtab.fullname(), "line": found.line}
