"""Runs inside gdb: `-x-threads`, all threads with their names; MI's own list has a frame of each, which takes long."""

from typing import Any

import gdb

from .commands import mi_command

Row = tuple[int, int, int, str | None]


class _Told:
    """The last answer: of hundreds of threads a new list is long, and mostly the old one."""

    def __init__(self) -> None:
        self.version = 0
        self.rows: list[Row] = []


_told = _Told()


@mi_command("-x-threads")
def x_threads(known: str = "") -> dict[str, Any]:
    """List the threads of all processes as [id, pid, tid, name]; a name is null where there is none.

    known: the version of the answer that the asker has. Where that is still true the answer is nothing but it.
    """
    rows = [_row(thread) for process in gdb.inferiors() for thread in process.threads()]
    if rows != _told.rows:
        _told.version, _told.rows = _told.version + 1, rows
    if known == str(_told.version):
        return {"version": _told.version}
    return {"version": _told.version, "threads": rows}


def _row(thread: Any) -> Row:
    pid, tid, _ = thread.ptid
    return thread.global_num, pid, tid or pid, thread.name
