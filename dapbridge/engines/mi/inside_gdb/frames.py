"""Runs inside gdb: `-x-frames LOW HIGH`, frames of the selected thread as -stack-list-frames has them, but sooner.

A long stack is in few functions and files: these are told once, as `texts`, and named by their places in it.
"""

from typing import Any

import gdb

from .commands import mi_command

# GDB's own names for what is no function.
_SEPARATORS = {
    gdb.SIGTRAMP_FRAME: "<signal handler called>",
    gdb.DUMMY_FRAME: "<function called from gdb>",
    gdb.ARCH_FRAME: "<cross-architecture call>",
}


class _Texts:
    """Texts by their places in a list; None is at no place."""

    def __init__(self) -> None:
        self.all: list[str] = []
        self._places: dict[str, int] = {}

    def place(self, text: str | None) -> int | None:
        if text is None:
            return None
        found = self._places.get(text)
        if found is None:
            found = self._places[text] = len(self.all)
            self.all.append(text)
        return found


# By thread and level: frames that a walk may begin at, or each page of a long stack would walk all of it again.
_marks: dict[int, dict[int, Any]] = {}
_MARK_EVERY = 256


def _forget(event: Any) -> None:
    _marks.clear()


for _changes in (gdb.events.cont, gdb.events.register_changed, gdb.events.memory_changed, gdb.events.new_objfile):
    _changes.connect(_forget)


def _nearest(marks: dict[int, Any], low: int) -> tuple[int, Any]:
    """Return the frame nearest to a level that a walk to it can begin at."""
    level = max((each for each in marks if each <= low), default=0)
    frame = marks.get(level)
    # Symbols that were read since may have changed what is a frame.
    if frame is not None and frame.is_valid() and frame.level() == level:
        return level, frame
    return 0, gdb.newest_frame()


@mi_command("-x-frames")
def x_frames(low: str, high: str) -> dict[str, Any]:
    """Return the frames from level `low` to `high` as `rows` of address, function, file, line, library."""
    texts = _Texts()
    rows: list[list[Any]] = []
    marks = _marks.setdefault(gdb.selected_thread().global_num, {})
    level, frame = _nearest(marks, int(low))
    try:
        while frame is not None and level <= int(high):
            if level >= int(low):
                rows.append(_row(frame, texts))
            if level in (int(low), int(high)) or not level % _MARK_EVERY:
                marks[level] = frame
            frame = frame.older()
            level += 1
    except gdb.error:
        # A stack that can't be unwound any further ends there.
        if not rows:
            raise
    return {"low": int(low), "rows": rows, "texts": texts.all}


def _row(frame: Any, texts: _Texts) -> list[Any]:
    pc = frame.pc()
    name = _SEPARATORS.get(frame.type()) or frame.name()
    place = frame.find_sal()
    symtab = place.symtab
    if symtab is None:
        return [pc, texts.place(name), None, 0, texts.place(gdb.solib_name(pc))]
    return [pc, texts.place(name), texts.place(symtab.fullname()), place.line, None]
