"""Runs inside gdb: `-x-threads`, all threads with their names; MI's own list has a frame of each, which takes long."""

from typing import Any

import gdb

from .commands import mi_command


@mi_command("-x-threads")
def x_threads() -> dict[str, Any]:
    """List the threads of all processes; a name is null where there is none."""
    threads = []
    for process in gdb.inferiors():
        for thread in process.threads():
            pid, tid, _ = thread.ptid
            threads.append({"id": thread.global_num, "pid": pid, "tid": tid or pid, "name": thread.name})
    return {"threads": threads}
