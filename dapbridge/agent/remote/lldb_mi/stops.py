"""Why the target stands: LLDB's reason → the fields of MI's `*stopped` (GDB manual, "GDB/MI Async Records")."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import breakpoints, signals, watching
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Hits, Session

_NO_REASONS = (lldb.eStopReasonInvalid, lldb.eStopReasonNone)
_STEPS = (lldb.eStopReasonPlanComplete, lldb.eStopReasonTrace)
_INTERRUPTED = {"reason": "signal-received", "signal-name": "SIGINT", "signal-meaning": "Interrupt"}
_INTERRUPTS = 8
"""The rank of a thread that stands by an interrupt; behind it are those that just stand."""
_STOP_SIGNALS = frozenset({"SIGSTOP"})


def tell(session: Session) -> None:
    """Tell `*stopped` for the thread that has the most to say."""
    session.interrupt_wanted = False
    thread = _find_thread(session)
    _drop_step(session)
    session.process.SetSelectedThread(thread)
    session.let_all_run()
    session.is_told_stopped = True
    fields = _fields(session, thread)
    if session.lone_has_ended and _rank(session, thread) >= _INTERRUPTS:
        # Nobody has asked for this stop.
        fields = {}
    session.lone_has_ended = False
    session.stop_hits = Hits()
    session.watch_hits.clear()
    fields = fields | {
        "thread-id": session.number_of(thread.GetThreadID()),
        "stopped-threads": "all",
        "frame": _frame(thread),
    }
    # Before anybody knows that it stands.
    session.traps.lift()
    session.output.exec_async("stopped", fields)


def _drop_step(session: Session) -> None:
    """Have LLDB forget a step that this stop has ended early: else the next continue would take it up again."""
    if session.stepping_thread is None:
        return
    stepping = session.process.GetThreadByIndexID(session.stepping_thread)
    if stepping.IsValid() and stepping.GetStopReason() != lldb.eStopReasonPlanComplete:
        session.process.SetSelectedThread(stepping)
        # It may have had none that LLDB lets go of.
        with suppress(MiError):
            session.run_console("thread plan discard 1")


def is_exec(session: Session) -> bool:
    """Tell whether the target has become another program."""
    return any(thread.GetStopReason() == lldb.eStopReasonExec for thread in session.process)


def is_none(session: Session) -> bool:
    """Tell whether the target stands for nothing that anybody is told of."""
    process = session.process
    threads = (process.GetThreadAtIndex(index) for index in range(process.GetNumThreads()))
    reasons = [each for each in threads if each.GetStopReason() not in _NO_REASONS]
    if session.interrupt_wanted and not any(each.GetStopReason() == lldb.eStopReasonWatchpoint for each in reasons):
        return False
    # Each is asked: a hit is counted.
    left = [_is_left(session, each) for each in reasons]
    return bool(left) and all(left)


def _is_left(session: Session, thread: Any) -> bool:
    reason = thread.GetStopReason()
    if reason == lldb.eStopReasonSignal:
        name = signals.name_of(session, _datum(thread, 0))
        # Stopped for a rest (session.py), or at what is no breakpoint any more.
        return name in _STOP_SIGNALS or (name == "SIGTRAP" and thread.GetFrameAtIndex(0).GetPC() in session.left_places)
    if reason in _STEPS:
        # LLDB's own step over a breakpoint, in whose middle it was interrupted.
        return session.stepping_thread is None
    if reason == lldb.eStopReasonBreakpoint:
        return not breakpoints.hits_of(session, thread)
    if reason == lldb.eStopReasonWatchpoint:
        hit = watching.hit_of(session, thread)
        if hit is not None:
            session.watch_hits[thread.GetIndexID()] = hit
        return hit is None
    return False


def _find_thread(session: Session) -> Any:
    process = session.process
    threads = [process.GetThreadAtIndex(index) for index in range(process.GetNumThreads())]
    return min(threads, key=lambda each: _rank(session, each))


def _rank(session: Session, thread: Any) -> int:
    reason = thread.GetStopReason()
    if reason in _NO_REASONS:
        return 9
    if reason == lldb.eStopReasonSignal and signals.name_of(session, _datum(thread, 0)) in _STOP_SIGNALS:
        # Which some thread has to take.
        return _INTERRUPTS
    if thread.GetIndexID() == session.stepping_thread:
        return 0
    return 2 if reason in _STEPS else 1


def _datum(thread: Any, index: int) -> int:
    return int(thread.GetStopReasonDataAtIndex(index))


def _fields(session: Session, thread: Any) -> dict[str, Any]:
    reason = thread.GetStopReason()
    if reason == lldb.eStopReasonBreakpoint and session.ended_scopes:
        ended, session.ended_scopes = session.ended_scopes, []
        for number in ended:
            watching.end_scope(session, number)
        return {"reason": "watchpoint-scope", "wpnum": ended[0]}
    if reason == lldb.eStopReasonBreakpoint:
        numbers = breakpoints.hits_of(session, thread)
        if not numbers:
            # It doesn't count; it is where the interrupt has worked.
            return _INTERRUPTED
        return {"reason": "breakpoint-hit", "disp": "keep", "bkptno": numbers[0]}
    if reason == lldb.eStopReasonWatchpoint:
        return session.watch_hits.get(thread.GetIndexID()) or {}
    if reason == lldb.eStopReasonSignal:
        number = _datum(thread, 0)
        name = signals.name_of(session, number)
        return {"reason": "signal-received", "signal-name": name, "signal-meaning": signals.meaning_of(number)}
    if reason == lldb.eStopReasonExec:
        session.traps.forget_code()
        return {"reason": "exec"}
    if reason in _STEPS and session.stepping_thread is None:
        return _INTERRUPTED
    if reason in _STEPS:
        return _step_fields(session, thread)
    return {}


def _step_fields(session: Session, thread: Any) -> dict[str, Any]:
    kind, session.step_kind = session.step_kind, "end-stepping-range"
    fields: dict[str, Any] = {"reason": kind}
    if kind == "function-finished":
        value = thread.GetStopReturnValue()
        if value.IsValid() and value.GetError().Success():
            from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import LAST, set_convenience_variable
            from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

            kept = value.Persist()
            set_convenience_variable(LAST, Value.of(kept))
            fields |= {"gdb-result-var": kept.GetName(), "return-value": kept.GetValue() or kept.GetSummary() or ""}
    return fields


def _frame(thread: Any) -> dict[str, Any]:
    return {"addr": f"0x{thread.GetFrameAtIndex(0).GetPC():016x}"}
