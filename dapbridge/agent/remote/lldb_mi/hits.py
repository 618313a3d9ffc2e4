"""When a breakpoint's hit counts: LLDB looks at the condition, and calls `on_hit` for what comes behind that.

The host asks for counts by `$_x_hit(KEY, OPERATOR, NUMBER)` at the end of a condition; here these words are taken off
and become a count. OPERATOR is a place in OPERATORS.
"""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Callable
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.session import Hits, Session

OPERATORS: tuple[Callable[[int, int], bool], ...] = (
    int.__eq__,
    int.__ne__,
    int.__gt__,
    int.__ge__,
    int.__lt__,
    int.__le__,
    lambda hits, number: hits % number == 0,
)
_COUNTED = re.compile(r"(?:\((?P<condition>.*)\) && )?\$_x_hit\(\d+, (?P<operator>\d+), (?P<number>\d+)\)\Z", re.DOTALL)
_FUNCTION = "_x_on_hit"
_OWN = 1 << 31
"""Numbers from here on are negative ones, which LLDB gives to its own."""
_ANY_THREAD = lldb.LLDB_INVALID_THREAD_ID
_NAME = "dapbridge"
"""Breakpoints of this name have the callback: to be given it one by one takes LLDB ten times as long."""

Decide = Callable[[Any], bool]
"""Given the SBFrame of a hit, says whether it stops the target."""


class Count:
    """Stops at the hits whose number fits."""

    def __init__(self, operator: int, number: int) -> None:
        self._fits = OPERATORS[operator]
        self._number = number
        self._hits = 0

    def __call__(self, frame: Any) -> bool:
        self._hits += 1
        return self._fits(self._hits, self._number)


def split(condition: str) -> tuple[str, Count | None]:
    """Return a condition without the count at its end, and the count, if there is one."""
    counted = _COUNTED.match(condition)
    if counted is None:
        return condition, None
    return counted["condition"] or "", Count(int(counted["operator"]), int(counted["number"]))


class When:
    """Stops at the hits at which a condition is true, and that fit a count of these if there is one."""

    def __init__(self, session: Session, number: int, condition: str, count: Count | None) -> None:
        self._session = session
        self._number = number
        self._condition = condition
        self._count = count

    def __call__(self, frame: Any) -> bool:
        from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import is_true

        try:
            if self._condition and not is_true(self._condition):
                return False
        except Exception as error:  # noqa: BLE001 - hostile memory may raise anything; one stop too many is better than none
            failed = {"number": str(self._number), "text": str(error)}
            self._session.post(lambda: self._session.output.notice("x-condition-failed", failed))
            return True
        return self._count is None or self._count(frame)


def set_when(session: Session, breakpoint_: Any, condition: str, ignored_hits: int) -> None:
    """Set when the hits of a breakpoint count."""
    condition, count = split(condition)
    if count is None and ignored_hits:
        # LLDB's own count would be one for each place.
        count = Count(OPERATORS.index(int.__gt__), ignored_hits)
    if condition or count is not None:
        decide(session, breakpoint_, When(session, breakpoint_.GetID(), condition, count))
    else:
        watch_hits(session, breakpoint_)


def decide(session: Session, breakpoint_: Any, decision: Decide) -> None:
    """Have `decision` asked at each hit of a breakpoint, in LLDB's thread for events."""
    # Not at a hit, for which the target stands.
    looking.part("views")
    session.decisions[breakpoint_.GetID()] = decision
    watch_hits(session, breakpoint_)


def watch_hits(session: Session, breakpoint_: Any) -> None:
    """Have it noted at which breakpoint a thread stands: of several at one place LLDB itself names all."""
    if not session.has_callback:
        session.has_callback = True
        # LLDB finds functions by their names only, in the main module of its own session.
        setattr(sys.modules["__main__"], _FUNCTION, lambda *arguments: _on_hit(session, *arguments))
        session.run_console(f"script from __main__ import {_FUNCTION}")
        lldb.SBBreakpointName(session.target, _NAME).SetScriptCallbackFunction(_FUNCTION)
    breakpoint_.AddNameWithErrorHandling(_NAME)


def forget(session: Session, number: int) -> None:
    """A breakpoint is gone."""
    session.decisions.pop(number, None)


def _on_hit(session: Session, frame: Any, location: Any, *_: Any) -> bool:
    stops = _decide(session, session.hits, frame, location.GetBreakpoint().GetID())
    if session.log_lines is not None:
        session.log_lines.wait_for_room()
    return stops or session.interrupt_wanted or session.rest_wanted


def decide_left(session: Session, hits: Hits) -> None:
    """Decide on those hits of a stop that LLDB hasn't asked about: it doesn't where an interrupt came in between."""
    for thread in session.process:
        if thread.GetStopReason() != lldb.eStopReasonBreakpoint:
            continue
        for number in numbers_at(thread):
            if (thread.GetIndexID(), number) not in hits.decided and _is_for(session, thread, number):
                _decide(session, hits, thread.GetFrameAtIndex(0), number)


def _ask(session: Session, decision: Decide, frame: Any) -> bool:
    looking.bind(session)
    return decision(frame)


def numbers_at(thread: Any) -> list[int]:
    """Return the breakpoints at whose common place a thread stands, those aside that are LLDB's own means."""
    numbers = (thread.GetStopReasonDataAtIndex(index) for index in range(0, thread.GetStopReasonDataCount(), 2))
    return [int(each) for each in numbers if each < _OWN]


def _is_for(session: Session, thread: Any, number: int) -> bool:
    breakpoint_ = session.target.FindBreakpointByID(number)
    is_ours = number in session.decisions or number in session.places
    return is_ours and breakpoint_.IsEnabled() and breakpoint_.GetThreadID() in (_ANY_THREAD, thread.GetThreadID())


def _decide(session: Session, hits: Hits, frame: Any, number: int) -> bool:
    thread = frame.GetThread().GetIndexID()
    hits.decided.add((thread, number))
    decision = session.decisions.get(number)
    with session.lock:
        session.hit_frame = frame
        try:
            stops = decision is None or _ask(session, decision, frame)
        except Exception:  # noqa: BLE001 - one stop too many is better than none
            traceback.print_exc(file=sys.stderr)
            stops = True
        finally:
            session.hit_frame = None
    if stops:
        hits.stopping.setdefault(thread, []).append(number)
    return stops
