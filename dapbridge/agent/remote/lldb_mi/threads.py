"""The threads, with names and no stacks (`-x-threads`), or as MI lists them."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session


@mi_command("-x-threads")
def x_threads(session: Session) -> dict[str, Any]:
    """List the threads as [id, pid, tid, name]; a name is null where there is none."""
    # From what was told, and the kernel: LLDB would ask lldb-server, which can't tell while the target runs.
    return {"threads": [[number, session.pid, tid, _name(session.pid, tid)] for number, tid in session.threads.items()]}


def _name(pid: int, tid: int) -> str | None:
    try:
        with open(f"/proc/{pid}/task/{tid}/comm", encoding="utf-8", errors="backslashreplace") as comm:
            return comm.read().rstrip("\n") or None
    except OSError:
        # Ended meanwhile.
        return None


@mi_command("-thread-info")
def thread_info(session: Session) -> dict[str, Any]:
    """List the threads with their states."""
    state = "stopped" if session.is_stopped else "running"
    threads = [{"id": number, "target-id": f"Thread {tid}", "state": state} for number, tid in session.threads.items()]
    if not session.is_stopped:
        return {"threads": threads}
    return {"threads": threads, "current-thread-id": session.process.GetSelectedThread().GetIndexID()}


@mi_command("-thread-select")
def select(session: Session, number: str) -> dict[str, Any]:
    """Select a thread."""
    session.wanted_thread = int(number)
    session.process.SetSelectedThread(session.thread)
    return {"new-thread-id": number}


@mi_command("-list-thread-groups")
def list_groups(session: Session) -> dict[str, Any]:
    """List the one process."""
    process = session.process
    if not process.IsValid():
        raise MiError("The program is not being run.")
    executable = str(session.target.GetExecutable().fullpath or "")
    return {"groups": [{"id": "i1", "type": "process", "pid": session.pid, "executable": executable or None}]}
