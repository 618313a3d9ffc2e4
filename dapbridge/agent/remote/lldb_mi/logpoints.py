"""Log points: a breakpoint whose hit tells a line, and lets the target go on.

Telling costs as much as a hit does, so lines are told together: the first one at once, those right behind it when they
are asked for (`-x-flush-log`), become many, or the target stops.
"""

from __future__ import annotations

import json
import re
import threading
import time
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import hits, looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import is_true
from dapbridge.agent.remote.lldb_mi.session import Session

MAX_LINE = 8000
"""Longer lines are cut, in characters."""
MAX_VALUE = 500
MAX_S = 0.2
"""For so long one hit may look at values; what takes longer is cut."""
FIRST_S = 2.0
"""For so long the first one may, for which LLDB reads debug info."""
QUIET_S = 0.05
"""After so long without a line the next one is told at once."""
MAX_KEPT = 1 << 14
"""In characters."""
MAX_BEHIND = 1 << 17
"""With so many characters that nobody has read the target stands and waits."""
_ESCAPED = re.compile(r'\\(["\\])')


class Lines:
    """The lines that are not told yet, each with the number of its log point."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._lock = threading.Lock()
        self._kept: list[tuple[int, str]] = []
        self._size = 0
        self._told_at = 0.0
        self._has_room = threading.Event()

    def add(self, number: int, line: str) -> None:
        """Take a line, in LLDB's thread for events."""
        with self._lock:
            self._kept.append((number, line))
            self._size += len(line)
            is_due = self._size > MAX_KEPT or time.monotonic() - self._told_at > QUIET_S
            if is_due:
                self._told_at = time.monotonic()
        if is_due:
            self._session.post(self._tell)

    def wait_for_room(self) -> None:
        """Keep the target standing while nobody reads what is told; whoever wants it to stand is let through."""
        if self._size < MAX_BEHIND:
            return
        self._has_room.clear()
        session = self._session
        if self._size >= MAX_BEHIND and not (session.rest_wanted or session.interrupt_wanted):
            self._has_room.wait()

    def let_through(self) -> None:
        """End a wait for room."""
        self._has_room.set()

    def flush(self) -> None:
        """Tell what is kept, in the loop's thread."""
        with self._lock:
            kept, self._kept, self._size = self._kept, [], 0
            if kept:
                # Not where there is nothing: nobody asks again behind that, so the next line has to be told at once.
                self._told_at = time.monotonic()
        if kept:
            self._session.output.notice("x-log", {"lines": kept})
        self._has_room.set()

    def _tell(self) -> None:
        self.flush()
        self._session.output.prompt()


class LogPoint:
    """One log point: its texts and expressions by turns, and when it counts; a decision of hits.py."""

    def __init__(
        self, lines: Lines, number: int, parts: list[str], condition: str, hits: tuple[int, int] | None
    ) -> None:
        self._lines = lines
        self._number = number
        self._parts = parts
        self._condition = condition
        self._hits = hits
        self._hit_count = 0
        self._limit_s = FIRST_S

    def __call__(self, frame: Any) -> bool:
        """Tell the line of this hit, if it has one; the target goes on."""
        line = self._line(frame)
        if line is not None:
            self._lines.add(self._number, line if len(line) <= MAX_LINE else line[:MAX_LINE] + "…")
        return False

    def _line(self, frame: Any) -> str | None:
        try:
            if self._condition and not is_true(self._condition):
                return None
        except Exception as error:  # noqa: BLE001 - hostile memory may raise anything; it is the user's to read
            return f"<error in the condition: {error}>"
        self._hit_count += 1
        if self._hits and not hits.OPERATORS[self._hits[0]](self._hit_count, self._hits[1]):
            return None
        is_rust = frame.GetCompileUnit().GetLanguage() == lldb.eLanguageTypeRust
        look = looking.part("views").Look(rust=is_rust, limit_s=self._limit_s)
        self._limit_s = MAX_S
        return "".join(_value(part, look) if index % 2 else part for index, part in enumerate(self._parts))


def _value(expression: str, look: Any) -> str:
    import gdb

    try:
        value = gdb.parse_and_eval(expression)
        view = looking.part("dispatch").view_of(value, None, look)
        if view.text is not None:
            shown = str(view.text.shown(MAX_VALUE))
            # Without what is before its quotes, and without these.
            text, _, cut = shown.partition('"')[2].rpartition('"')
            return _ESCAPED.sub(r"\1", text) + cut
        if view.summary is not None:
            value.fetch_lazy()
        return str(looking.part("summaries").summarize(value, look, MAX_VALUE, view=view))
    except Exception as error:  # noqa: BLE001 - as above
        return f"<error: {error}>"


@mi_command("-x-flush-log")
def flush_log(session: Session) -> dict[str, Any]:
    """Tell the lines that are not told yet."""
    if session.log_lines is not None:
        session.log_lines.flush()
    return {}


@mi_command("-x-break-log", needs_rest=True)
def break_log(session: Session, number: str, settings: str) -> dict[str, Any]:
    """Make breakpoint `number`, still disabled, a log point and enable it.

    settings: JSON with `parts` (a text, an expression, a text, …), `condition` ("" for none), `hits` (null, or the
    place of an operator in OPERATORS and a number that the count of hits is compared with).
    """
    breakpoint_ = session.target.FindBreakpointByID(int(number))
    if not breakpoint_.IsValid():
        raise MiError(f"No breakpoint number {number}.")
    looking.part("summaries")
    if session.log_lines is None:
        session.log_lines = Lines(session)
    hits.decide(session, breakpoint_, LogPoint(session.log_lines, int(number), **json.loads(settings)))
    breakpoint_.SetEnabled(True)
    return {}
