"""The attach through lldb-server, what comes before it, and letting go."""

from __future__ import annotations

import time
from typing import Any

import lldb

from dapbridge.agent.remote import processes
from dapbridge.agent.remote.lldb_mi import events, fitness, looking, signals, symbols, threads, watching
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_LIMIT_S = 30


@mi_command("-x-prepare")
def prepare(session: Session) -> dict[str, Any]:
    """Say which LLDB it is, and what is known to be wrong with that."""
    version = session.debugger.GetVersionString()
    if warning := fitness.warning_of(version):
        session.output.notice("x-warning", {"text": warning})
    return {"version": version}


@mi_command("-file-exec-and-symbols", needs_traps=True)
def load_program(session: Session, path: str = "") -> dict[str, Any]:
    """Have the symbols of a program and of the process's libraries; new_program.py does it at an exec."""
    if session.is_attached:
        return {}
    symbols.read(session, path)
    events.listen(session)
    # What the first stop will want: mostly there is time for that when the target runs.
    session.later.append(lambda: looking.part("values"))
    return {}


@mi_command("-target-attach")
def attach(session: Session, pid: str) -> dict[str, Any]:
    """Attach to the process, which stands then."""
    if int(pid) != session.pid:
        raise MiError(f"this server is for process {session.pid}")
    if tracer := processes.tracer_pid(session.pid):
        raise MiError(f"process {pid} is already traced by process {tracer}")
    if session.reading is not None:
        session.reading.join()
    error = lldb.SBError()
    process = session.target.ConnectRemote(session.events, f"fd://{session.connection}", "gdb-remote", error)
    if not error.Success():
        raise MiError(f"lldb-server: {error.GetCString()}")
    _wait_for(session, lldb.eStateConnected)
    process.RemoteAttachToProcessWithID(session.pid, error)
    if not error.Success():
        raise MiError(str(error.GetCString()))
    _wait_for(session, lldb.eStateStopped)
    signals.apply(session)
    watching.insert_early(session)
    output = session.output
    output.notify("thread-group-started", {"id": "i1", "pid": pid})
    threads.tell_all(session)
    events.start(session)
    session.is_attached = session.is_told_stopped = True
    session.stands.set()
    session.after_answer.append(lambda: output.exec_async("stopped", {"thread-id": 1, "stopped-threads": "all"}))
    # Behind the commands that have come by now: as a rule it goes on at once.
    session.post(session.traps.lift_if_standing)
    return {}


def _wait_for(session: Session, state: int) -> None:
    """Take events until the process is in a state. Raises MiError."""
    deadline = time.monotonic() + _LIMIT_S
    event = lldb.SBEvent()
    while time.monotonic() < deadline:
        if not session.events.WaitForEvent(1, event) or not lldb.SBProcess.EventIsProcessEvent(event):
            continue
        now = lldb.SBProcess.GetStateFromEvent(event)
        if now == state:
            return
        if now in (lldb.eStateExited, lldb.eStateDetached, lldb.eStateInvalid):
            process = lldb.SBProcess.GetProcessFromEvent(event)
            raise MiError(process.GetExitDescription() or "the attach has failed")
    raise MiError(f"lldb-server gave no answer for {_LIMIT_S} s")


@mi_command("-target-detach")
def detach(session: Session, group: str = "") -> dict[str, Any]:
    """Take all breakpoints out and let the process go on."""
    if not session.let_go():
        raise MiError("lldb-server has not let go")
    return {}


@mi_command("-gdb-exit", kind="exit")
def leave(session: Session) -> dict[str, Any]:
    """End the server; it lets go then."""
    return {}
