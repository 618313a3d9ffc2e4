"""Runs inside gdb: log points. A breakpoint gets the condition `$_x_log(N)`, which tells a line and is never true.

So gdb goes on by itself, and says nothing of the hit in MI; its dprintf is slower for telling each hit there too.
An error in a condition would stop the target: whatever goes wrong is told in the line.

Telling costs as much as a hit does, so lines are told together: the first one at once, those right behind it when they
are asked for (`-x-flush-log`), become many, or the target stops.
"""

import contextlib
import json
import re
import time
from typing import Any

import gdb

from .commands import mi_command
from .dispatch import view_of
from .hits import OPERATORS
from .notices import notify
from .summaries import summarize
from .views import Look

MAX_LINE = 8000
"""Longer lines are cut, in characters."""
MAX_VALUE = 500
MAX_S = 0.2
"""For so long one hit may look at values; what takes longer is cut."""
QUIET_S = 0.05
"""After so long without a line the next one is told at once."""
MAX_KEPT = 1 << 14
"""In characters."""

_ESCAPED = re.compile(r'\\(["\\])')
_ends: list[gdb.Breakpoint] = []
_log_points: dict[int, "_LogPoint"] = {}


class _Lines:
    """The lines that are not told yet, each with the number of its log point."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, str]] = []
        self._size = 0
        self._told_at = 0.0

    def add(self, number: int, line: str) -> None:
        self._kept.append((number, line))
        self._size += len(line)
        if self._size > MAX_KEPT or time.monotonic() - self._told_at > QUIET_S:
            self.flush()

    def flush(self) -> None:
        if self._kept:
            # Not where there is nothing: nobody asks again behind that, so the next line has to be told at once.
            self._told_at = time.monotonic()
            kept, self._kept, self._size = self._kept, [], 0
            notify("x-log", {"lines": kept})


_lines = _Lines()


class _LogPoint:
    """One log point: its texts and expressions by turns, and when it counts."""

    def __init__(self, parts: list[str], condition: str, hits: tuple[int, int] | None) -> None:
        self._parts = parts
        self._condition = condition
        self._hits = hits
        self._hit_count = 0

    def line(self) -> str | None:
        """Return the line of the present hit, None where this hit has none."""
        try:
            if self._condition and not gdb.parse_and_eval(self._condition):
                return None
        except Exception as error:  # noqa: BLE001 - hostile memory may raise anything; it is the user's to read
            return f"<error in the condition: {error}>"
        self._hit_count += 1
        if self._hits and not OPERATORS[self._hits[0]](self._hit_count, self._hits[1]):
            return None
        look = Look(rust=gdb.selected_frame().language() == "rust", limit_s=MAX_S)
        return "".join(_value(part, look) if index % 2 else part for index, part in enumerate(self._parts))


class _Log(gdb.Function):  # type: ignore[misc]
    """`$_x_log(N)`: tell the line of log point N; 0."""

    def __init__(self) -> None:
        super().__init__("_x_log")

    def invoke(self, number: Any) -> int:
        try:
            key = int(number)
            line = _log_points[key].line()
            if line is not None:
                if len(line) > MAX_LINE:
                    line = line[:MAX_LINE] + "…"
                _lines.add(key, line)
        except BaseException as error:  # noqa: BLE001 - an interrupt too: the target must go on
            gdb.write(f"log point: {error!r}\n", gdb.STDLOG)
        return 0


class _End(gdb.Breakpoint):  # type: ignore[misc]
    """Stops where the program ends itself, tells the lines, and that the reader has to let it go on.

    When PID 1 of a container ends, the kernel kills all that is on its way out of this sidecar.
    """

    def __init__(self) -> None:
        super().__init__(function="_exit", internal=True, qualified=True)

    def stop(self) -> bool:
        if not _log_points:
            return False
        _lines.flush()
        notify("x-log-end", {})
        return True


def _value(expression: str, look: Look) -> str:
    try:
        value = gdb.parse_and_eval(expression)
        view = view_of(value, None, look)
        if view.text is not None:
            return _bare(view.text.shown(MAX_VALUE))
        if view.summary is not None:
            value.fetch_lazy()
        return summarize(value, look, MAX_VALUE, view=view)
    except Exception as error:  # noqa: BLE001 - as above
        return f"<error: {error}>"


def _bare(shown: str) -> str:
    """Return a text without what is before its quotes, and without these."""
    text, _, cut = shown.partition('"')[2].rpartition('"')
    return _ESCAPED.sub(r"\1", text) + cut


@mi_command("-x-flush-log")
def flush_log() -> dict[str, Any]:
    """Tell the lines that are not told yet."""
    _lines.flush()
    return {}


@mi_command("-x-break-log")
def break_log(number: str, settings: str) -> dict[str, Any]:
    """Make breakpoint `number`, still disabled, a log point and enable it.

    settings: JSON with `parts` (a text, an expression, a text, …), `condition` ("" for none), `hits` (null, or the
    place of an operator in OPERATORS and a number that the count of hits is compared with).
    """
    breakpoint_ = next((each for each in gdb.breakpoints() if each.number == int(number)), None)
    if breakpoint_ is None:
        raise gdb.GdbError(f"No breakpoint number {number}.")
    if not _ends:
        # A program may have no such function.
        with contextlib.suppress(gdb.error):
            _ends.append(_End())
    _log_points[breakpoint_.number] = _LogPoint(**json.loads(settings))
    breakpoint_.condition = f"$_x_log({number})"
    breakpoint_.enabled = True
    return {}


_Log()
gdb.events.breakpoint_deleted.connect(lambda deleted: _log_points.pop(deleted.number, None))
for _ending in (gdb.events.stop, gdb.events.exited):
    _ending.connect(lambda event: _lines.flush())
