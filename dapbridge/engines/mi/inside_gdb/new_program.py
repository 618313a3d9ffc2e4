"""Runs inside gdb: at an exec whose program gdb doesn't find below the sysroot, it is given the process's own file.

In the middle of the exec, before gdb puts the breakpoints back: with the old program's symbols still there it would
try the old places, fail, and leave the target standing without a word (gdb 16).
"""

import gdb


def _on_executable_changed(event: object) -> None:
    process = gdb.selected_inferior()
    if process.pid and gdb.current_progspace().executable_filename is None:
        gdb.execute(f"file /proc/{process.pid}/exe", to_string=True)


if hasattr(gdb.events, "executable_changed"):
    gdb.events.executable_changed.connect(_on_executable_changed)
else:
    # gdb 13: a new inferior, which has no symbols of the old program.
    gdb.execute("set follow-exec-mode new")
