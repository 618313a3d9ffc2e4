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


@mi_command("-x-frames")
def x_frames(low: str, high: str) -> dict[str, Any]:
    """Return the frames from level `low` to `high` as `rows` of address, function, file, line, library."""
    texts = _Texts()
    rows: list[list[Any]] = []
    frame = gdb.newest_frame()
    level = 0
    try:
        while frame is not None and level <= int(high):
            if level >= int(low):
                rows.append(_row(frame, texts))
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
