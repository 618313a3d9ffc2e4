"""Runs inside gdb: `-x-threads`, all threads with their names; MI's own list has a frame of each, which takes long."""

from typing import Any

import gdb

from .commands import mi_command


@mi_command("-x-threads")
def x_threads() -> dict[str, Any]:
    """List the threads of all processes as [id, pid, tid, name]; a name is null where there is none."""
    return {"threads": [_row(thread) for process in gdb.inferiors() for thread in process.threads()]}


def _row(thread: Any) -> tuple[int, int, int, str | None]:
    pid, tid, _ = thread.ptid
    return thread.global_num, pid, tid or pid, thread.name
