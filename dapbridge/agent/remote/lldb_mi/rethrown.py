"""What is thrown again: C++'s run-time library is told nothing of it, and takes it from the thread's own data.

So the breakpoint stands in `__cxa_rethrow` behind its call of `__cxa_get_globals`, which has just returned the place of
that; libstdc++ and LLVM's library do the same there.
"""

from __future__ import annotations

import sys
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.session import Session

FUNCTION = "__cxa_rethrow"
_RESOLVER = "_XRethrown"
_CALLS = ("call", "bl")
# From the beginning of a __cxa_exception to its _Unwind_Exception, whose first word says who has made it: "GNUCC++",
# "CLNGC++", and in the last byte whether it only refers to another one.
_UNWIND_OFFSETS = {0x474E5543432B2B: 80, 0x434C4E47432B2B: 96}
# From there: the type, or the exception that is referred to; and where the object begins.
_TYPE_OFFSET, _OBJECT_OFFSET = -80, 32


class _Resolver:
    """Finds the place in each module that LLDB loads (`breakpoint set -P`)."""

    def __init__(self, breakpoint_: Any, *_: Any) -> None:
        self._breakpoint = breakpoint_

    def __get_depth__(self) -> int:
        return int(lldb.eSearchDepthModule)

    def __callback__(self, context: Any) -> None:
        for found in context.GetModule().FindSymbols(FUNCTION):
            place = _behind_call(self._breakpoint.GetTarget(), found.GetSymbol())
            if place is not None:
                self._breakpoint.AddLocation(place)


def _behind_call(target: Any, function: Any) -> Any:
    instructions = function.GetInstructions(target)
    for at in range(instructions.GetSize() - 1):
        if str(instructions.GetInstructionAtIndex(at).GetMnemonic(target)).startswith(_CALLS):
            return instructions.GetInstructionAtIndex(at + 1).GetAddress()
    return None


def set_breakpoint(session: Session) -> Any:
    """Set the breakpoint."""
    # LLDB finds classes by their names only, in the main module of its own session.
    setattr(sys.modules["__main__"], _RESOLVER, _Resolver)
    session.run_console(f"script from __main__ import {_RESOLVER}")
    return session.target.BreakpointCreateFromScript(
        _RESOLVER, lldb.SBStructuredData(), lldb.SBFileSpecList(), lldb.SBFileSpecList()
    )


def find() -> tuple[int, int]:
    """Return the addresses of what is thrown again by the selected thread, and of its type. Raises gdb.error."""
    import gdb

    word = looking.part("thrown").word
    name = {"i386:x86-64": "rax", "aarch64": "x0"}.get(gdb.newest_frame().architecture().name(), "")
    caught = word(int(gdb.newest_frame().read_register(name)))
    for maker, offset in _UNWIND_OFFSETS.items():
        unwind = caught + offset
        if word(unwind) >> 8 == maker:
            if word(unwind) & 0xFF:
                primary = word(unwind + _TYPE_OFFSET)
                return primary, word(primary - _OBJECT_OFFSET + _TYPE_OFFSET)
            return unwind + _OBJECT_OFFSET, word(unwind + _TYPE_OFFSET)
    raise gdb.error("what is thrown again is of no known run-time library")
