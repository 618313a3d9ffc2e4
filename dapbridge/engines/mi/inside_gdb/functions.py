"""Runs inside gdb: which function, as the compiler emitted it, an address belongs to."""

import gdb


def function_at(pc: int) -> gdb.Block | None:
    """Return the block of the function around an address, never that of an inlined one; None without debug info."""
    block = gdb.block_for_pc(pc)
    found = None
    while block is not None and not block.is_global and not block.is_static:
        if block.function is not None:
            found = block
        block = block.superblock
    return found


def key_of(function: gdb.Block) -> tuple[str, int, int]:
    """Return what tells functions apart, the clones of one source function too."""
    return str(function.function.linkage_name), function.start, function.end
