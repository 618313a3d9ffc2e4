"""The threads, with names and no stacks (`-x-threads`), or as MI lists them; and what is told of them.

lldb-server tells of threads only when the target stands. While it runs the kernel's list is looked at, now and then and
whenever somebody asks: a thread that lives for less than that may be told by nothing.
"""

from __future__ import annotations

import os
import threading
import time
from functools import partial
from typing import Any

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_LOOK_S = 0.2
_MAX_NAME = 64
"""The kernel keeps 15 bytes."""


def keep_looking(session: Session) -> None:
    """Begin to tell of threads that come and go while the target runs."""
    threading.Thread(target=_keep_looking, args=(session,), daemon=True).start()


def _keep_looking(session: Session) -> None:
    while True:
        time.sleep(_LOOK_S)
        if not session.stands.is_set() and _running(session) != list(session.threads.values()):
            seen = threading.Event()
            session.post(partial(_look_and_say, session, seen))
            seen.wait()


def _look_and_say(session: Session, seen: threading.Event) -> None:
    _look(session)
    session.output.prompt()
    seen.set()


def _look(session: Session) -> None:
    """Tell of the threads that have come and gone while the target runs, as the kernel knows them."""
    if not session.is_attached or session.stands.is_set():
        return
    now = _running(session)
    _tell(session, now)
    if session.lone_thread is not None and session.lone_thread not in now:
        # All others stand, and lldb-server waits for a stop that never comes.
        session.lone_thread = None
        session.lone_has_ended = True
        session.interrupt()


def _running(session: Session) -> list[int]:
    """Return the threads in the order of their numbers, then those that have none; a zombie has ended."""
    try:
        found = {int(each) for each in os.listdir(f"/proc/{session.pid}/task")}
        with open(f"/proc/{session.pid}/stat", "rb") as stat:
            if stat.read().rpartition(b")")[2].split()[0] == b"Z":
                found.discard(session.pid)
    except OSError:
        # The process has ended, which is told otherwise.
        return list(session.threads.values())
    known = [tid for tid in session.threads.values() if tid in found]
    return [*known, *sorted(found.difference(known))]


def tell_all(session: Session) -> None:
    """Tell of the threads that have come and gone, as LLDB knows them while the target stands."""
    _tell(session, [thread.GetThreadID() for thread in session.process])


def _tell(session: Session, now: list[int]) -> None:
    present = set(now)
    for number, tid in list(session.threads.items()):
        if tid not in present:
            del session.threads[number], session.thread_numbers[tid]
            session.output.notify("thread-exited", {"id": number, "group-id": "i1"})
    for tid in now:
        number = session.number_of(tid)
        if number not in session.threads:
            session.threads[number] = tid
            session.output.notify("thread-created", {"id": number, "group-id": "i1"})


@mi_command("-x-threads")
def x_threads(session: Session) -> dict[str, Any]:
    """List the threads as [id, pid, tid, name]; a name is null where there is none."""
    _look(session)
    return {"threads": [[number, session.pid, tid, _name(session.pid, tid)] for number, tid in session.threads.items()]}


def _name(pid: int, tid: int) -> str | None:
    # Of hundreds of threads: a file object for each would take most of the time.
    try:
        comm = os.open(f"/proc/{pid}/task/{tid}/comm", os.O_RDONLY | os.O_CLOEXEC)
        try:
            return os.read(comm, _MAX_NAME).decode("utf-8", "backslashreplace").rstrip("\n") or None
        finally:
            os.close(comm)
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
    return {
        "threads": threads,
        "current-thread-id": session.number_of(session.process.GetSelectedThread().GetThreadID()),
    }


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
