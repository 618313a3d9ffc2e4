"""`-x-threads`, all threads with their names; needs no stacks."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.session import Session


@mi_command("-x-threads")
def x_threads(session: Session) -> dict[str, Any]:
    """List the threads as [id, pid, tid, name]; a name is null where there is none."""
    process = session.process
    if not process.IsValid():
        return {"threads": []}
    pid = process.GetProcessID()
    threads = (process.GetThreadAtIndex(index) for index in range(process.GetNumThreads()))
    return {"threads": [[each.GetIndexID(), pid, each.GetThreadID(), each.GetName() or None] for each in threads]}
