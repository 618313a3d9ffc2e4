"""Where stacks end: at the program's main function, as in gdb; what has called it is the run-time library's."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import without_hash

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.session import Session

_RUST_MAIN = re.compile(r"\w+::main\Z")
_RUST_START = "__rust_begin_short_backtrace"
_CALLERS = 4
"""So many frames of Rust's library are between it and the main function, at most."""


def is_outermost(session: Session, frame: Any) -> bool:
    """Tell whether a frame is the last one of its stack."""
    caller = frame.GetThread().GetFrameAtIndex(frame.GetFrameID() + 1)
    return not caller.IsValid() or is_main(main_range(session), frame)


def main_range(session: Session) -> tuple[int, int]:
    """Return where the code of C's main function is; (0, 0) where that isn't known."""
    target = session.target
    symbol = target.GetModuleAtIndex(0).FindSymbol("main", lldb.eSymbolTypeCode)
    begin = symbol.GetStartAddress().GetLoadAddress(target) if symbol.IsValid() else lldb.LLDB_INVALID_ADDRESS
    if begin == lldb.LLDB_INVALID_ADDRESS:
        return 0, 0
    return begin, symbol.GetEndAddress().GetLoadAddress(target)


def is_main(range_: tuple[int, int], frame: Any) -> bool:
    """Tell whether a frame is that of the main function, be it C's, in a range, or Rust's."""
    if frame.IsInlined():
        return False
    # A caller stands behind its call, which may be the last instruction of its function.
    at = frame.GetPC() - bool(frame.GetFrameID())
    return bool(range_[0] <= at < range_[1]) or _is_rust_main(frame)


def _is_rust_main(frame: Any) -> bool:
    if not _RUST_MAIN.match(without_hash(str(frame.GetFunctionName() or ""))):
        return False
    thread, level = frame.GetThread(), frame.GetFrameID()
    callers = (thread.GetFrameAtIndex(level + each) for each in range(1, _CALLERS + 1))
    return any(_RUST_START in str(each.GetFunctionName() or "") for each in callers)
