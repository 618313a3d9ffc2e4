"""LLDB's events, taken by a thread of their own and told as MI's async records by the server's loop."""

from __future__ import annotations

import sys
import threading
from functools import partial
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import breakpoints, exits, hits, modules, new_program, stops, threads
from dapbridge.agent.remote.lldb_mi.session import Hits, Session

_TARGET_EVENTS = (
    lldb.SBTarget.eBroadcastBitModulesLoaded
    | lldb.SBTarget.eBroadcastBitModulesUnloaded
    | lldb.SBTarget.eBroadcastBitBreakpointChanged
)
_WAIT_S = 3600


def listen(session: Session) -> None:
    """Have the target's events come to the session's listener."""
    session.events.StartListeningForEvents(session.target.GetBroadcaster(), _TARGET_EVENTS)


def start(session: Session) -> None:
    """Begin to tell events."""
    threading.Thread(target=_run, args=(session,), daemon=True).start()
    threads.keep_looking(session)


def _run(session: Session) -> None:
    while True:
        event = lldb.SBEvent()
        # In here LLDB decides on a stop: conditions, log points and counts are looked at by this thread.
        if session.events.WaitForEvent(_WAIT_S, event):
            noted = _note(session, event)
            session.post(partial(_tell, session, event, noted))


def _note(session: Session, event: Any) -> Hits:
    """Note at once whether the target stands; return what was decided on the hits of a stop."""
    noted, session.hits = session.hits, Hits()
    if lldb.SBProcess.EventIsProcessEvent(event):
        state = lldb.SBProcess.GetStateFromEvent(event)
        if state in (lldb.eStateRunning, lldb.eStateStepping):
            session.stands.clear()
        elif not lldb.SBProcess.GetRestartedFromEvent(event):
            session.stands.set()
            return noted
        elif session.interrupt_wanted or session.rest_wanted:
            # The interrupt may have gone unheard in the middle of the hit.
            session.process.SendAsyncInterrupt()
    return Hits()


def _tell(session: Session, event: Any, noted: Hits) -> None:
    if lldb.SBProcess.EventIsProcessEvent(event):
        _tell_state(session, event, noted)
    elif lldb.SBTarget.EventIsTargetEvent(event):
        session.traps.forget_code()
        _tell_modules(session, event)
    elif lldb.SBBreakpoint.EventIsBreakpointEvent(event):
        session.traps.forget_places()
        breakpoints.tell_change(session, event)
    session.output.prompt()


def _tell_state(session: Session, event: Any, noted: Hits) -> None:
    if not event.GetType() & lldb.SBProcess.eBroadcastBitStateChanged or not session.is_attached:
        return
    state = lldb.SBProcess.GetStateFromEvent(event)
    stands = state in (lldb.eStateStopped, lldb.eStateCrashed) and not lldb.SBProcess.GetRestartedFromEvent(event)
    if stands:
        session.stop_hits = noted
        hits.decide_left(session, noted)
    if session.log_lines is not None:
        session.log_lines.flush()
    if stands:
        if stops.is_none(session):
            session.stands.clear()
            session.traps.lay()
            error = session.process.Continue()
            if error.Success():
                return
            session.stands.set()
            sys.stderr.write(f"the target can't go on: {error.GetCString()}\n")
        session.stop_count += 1
        if stops.is_exec(session):
            new_program.take_over(session)
        threads.tell_all(session)
        stops.tell(session)
    elif state in (lldb.eStateRunning, lldb.eStateStepping):
        session.traps.lay()
        if session.is_told_stopped:
            session.is_told_stopped = False
            session.output.exec_async("running", {"thread-id": "all"})
    elif state == lldb.eStateExited:
        exits.tell(session)


def _tell_modules(session: Session, event: Any) -> None:
    kind = "library-loaded" if event.GetType() & lldb.SBTarget.eBroadcastBitModulesLoaded else "library-unloaded"
    for index in range(lldb.SBTarget.GetNumModulesFromEvent(event)):
        module = lldb.SBTarget.GetModuleAtIndexFromEvent(index, event)
        name = modules.path_in_target(session, module)
        if name.startswith("/") and not name.startswith("/proc/"):
            host_name = str(module.GetFileSpec().fullpath or "")
            session.output.notify(kind, {"id": name, "target-name": name, "host-name": host_name})
