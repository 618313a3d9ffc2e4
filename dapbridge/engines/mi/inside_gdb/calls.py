"""Runs inside gdb: `-x-unwind-calls` takes off the stack what is left of calls that gdb has made.

gdb does that by itself when a signal ends a call (unwindonsignal), but not at a breakpoint in it.
"""

from typing import Any

import gdb

from .commands import mi_command


@mi_command("-x-unwind-calls")
def unwind_calls() -> dict[str, Any]:
    """Unwind the selected thread's calls; return how many there were."""
    count = 0
    while (called := _find_called()) is not None:
        called.select()
        # With the called function's frame gdb drops its own below it, and all registers are again what they were.
        gdb.execute("return", to_string=True)
        count += 1
    return {"count": count}


def _find_called() -> Any:
    """Return the frame of the function that gdb has called, None where there is none."""
    frame = gdb.newest_frame() if gdb.selected_thread() is not None else None
    while frame is not None:
        older = frame.older()
        if older is not None and older.type() == gdb.DUMMY_FRAME:
            return frame
        frame = older
    return None
