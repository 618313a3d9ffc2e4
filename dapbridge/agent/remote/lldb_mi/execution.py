"""`-exec-…`: the target goes on, is stepped or interrupted (GDB manual, "GDB/MI Program Execution")."""

from __future__ import annotations

from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session


@mi_command("-exec-continue", kind="running")
def continue_(session: Session, *options: str) -> dict[str, Any]:
    """Let the target go on; one thread alone where the scheduler is locked."""
    _refuse_backwards(options)
    thread = session.thread
    _lock(session, thread)
    session.stepping_thread = None
    _check(session.process.Continue())
    return {}


@mi_command("-exec-next", kind="running")
def next_(session: Session, *options: str) -> dict[str, Any]:
    """Step to another line, over calls."""
    _refuse_backwards(options)
    thread = _begin_step(session)
    if not thread.GetFrameAtIndex(0).GetLineEntry().IsValid():
        raise MiError("Cannot find bounds of current function")
    error = lldb.SBError()
    thread.StepOver(_mode(session), error)
    _check(error)
    return {}


@mi_command("-exec-step", kind="running")
def step(session: Session, *options: str) -> dict[str, Any]:
    """Step to another line, into calls of functions with lines."""
    _refuse_backwards(options)
    thread = _begin_step(session)
    if not thread.GetFrameAtIndex(0).GetLineEntry().IsValid():
        raise MiError("Cannot find bounds of current function")
    error = lldb.SBError()
    thread.StepInto("", lldb.LLDB_INVALID_LINE_NUMBER, error, _mode(session))
    _check(error)
    return {}


@mi_command("-exec-next-instruction", kind="running")
def next_instruction(session: Session, *options: str) -> dict[str, Any]:
    """Step by an instruction, over calls."""
    _refuse_backwards(options)
    error = lldb.SBError()
    _begin_step(session).StepInstruction(True, error)
    _check(error)
    return {}


@mi_command("-exec-step-instruction", kind="running")
def step_instruction(session: Session, *options: str) -> dict[str, Any]:
    """Step by an instruction."""
    _refuse_backwards(options)
    error = lldb.SBError()
    _begin_step(session).StepInstruction(False, error)
    _check(error)
    return {}


@mi_command("-exec-finish", kind="running")
def finish(session: Session) -> dict[str, Any]:
    """Go on until the frame has returned."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.outermost import is_outermost

    level = session.wanted_frame or 0
    thread = _begin_step(session)
    frame = thread.GetFrameAtIndex(level)
    if is_outermost(session, frame):
        raise MiError('"finish" not meaningful in the outermost frame.')
    error = lldb.SBError()
    if level:
        thread.StepOutOfFrame(frame, error)
    else:
        thread.StepOut(error)
    _check(error)
    session.step_kind = "function-finished"
    return {}


@mi_command("-exec-until", kind="running")
def until(session: Session, place: str) -> dict[str, Any]:
    """Go on to an address of the function."""
    error = lldb.SBError()
    _begin_step(session).RunToAddress(int(place.removeprefix("*"), 0), error)
    _check(error)
    session.step_kind = "location-reached"
    return {}


@mi_command("-exec-interrupt")
def interrupt(session: Session, *options: str) -> dict[str, Any]:
    """Stop the target; `*stopped` follows."""
    if session.process.IsValid() and not session.is_told_stopped:
        session.interrupt()
    return {}


def _begin_step(session: Session) -> Any:
    thread = session.thread
    session.stepping_thread = thread.GetIndexID()
    session.step_kind = "end-stepping-range"
    _lock(session, thread)
    return thread


def _is_locked(session: Session) -> bool:
    return session.settings.get("scheduler-locking") == "on"


def _mode(session: Session) -> int:
    return int(lldb.eOnlyThisThread if _is_locked(session) else lldb.eOnlyDuringStepping)


def _lock(session: Session, thread: Any) -> None:
    """Make the other threads stand if the scheduler is locked; they run again after the next stop."""
    if not _is_locked(session):
        return
    session.lone_thread = thread.GetThreadID()
    for other in session.process:
        if other.GetIndexID() != thread.GetIndexID() and not other.IsSuspended():
            other.Suspend()
            session.suspended.append(other.GetIndexID())


def _refuse_backwards(options: tuple[str, ...]) -> None:
    if "--reverse" in options:
        raise MiError("LLDB can't run a program backwards")


def _check(error: Any) -> None:
    if not error.Success():
        raise MiError(str(error.GetCString()))
