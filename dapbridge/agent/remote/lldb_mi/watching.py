"""Data breakpoints: `-x-watch…`, by the processor's debug registers.

LLDB tells that a place was touched; whether that counts (its value, the access, a condition) is decided here when the
target stands. A place on the stack ends with its frame: a breakpoint where its caller goes on takes the watch away; so
does a hit when the frame isn't there any more, for an exception passes by such a breakpoint.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import breakpoints, hits, looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_FIRST = 1 << 20
"""Their numbers begin here: LLDB counts them apart from breakpoints, of which there are never so many."""
_MODULE = "watch_places"


class Watch:
    """One watched place; `pieces` are LLDB's watchpoints, each of a debug register."""

    def __init__(self, number: int, wish: dict[str, Any], address: int, registers: int) -> None:
        self.number = number
        self.label = str(wish["label"])
        self.access = str(wish["access"])
        self.registers = registers
        self.pieces: list[Any] = []
        self.scope_end: Any = None
        self._owner: tuple[int, int, str] | None = None
        """The frame that the place belongs to: the kernel's number of its thread, its CFA, its function."""
        self._wish = wish
        self._address = address
        self._data = b""
        self._text = ""
        condition, count = hits.split(wish["condition"])
        self._condition = condition
        ignored = hits.Count(hits.OPERATORS.index(int.__gt__), wish["ignored_hits"]) if wish["ignored_hits"] else None
        self._counts: Callable[[Any], bool] | None = count or ignored

    def insert(self, session: Session) -> None:
        """Have it watched. Raises MiError."""
        options = lldb.SBWatchpointOptions()
        options.SetWatchpointTypeRead(self.access != "write")
        # The processor tells no reads from writes; values tell them.
        options.SetWatchpointTypeWrite(lldb.eWatchpointWriteTypeAlways)
        for address, size in _pieces(self._address, self._wish["size"]):
            error = lldb.SBError()
            made = session.target.WatchpointCreateByAddress(address, size, options, error)
            if not error.Success() or not made.IsValid():
                self.delete(session)
                raise MiError(
                    f"the processor, or the machine it is part of, refuses to watch {self.label}: {error.GetCString()}"
                )
            self.pieces.append(made)
        self._look(session)

    def delete(self, session: Session) -> None:
        """Have it watched no more."""
        for each in self.pieces:
            session.target.DeleteWatchpoint(each.GetID())
        if self.scope_end is not None:
            session.target.BreakpointDelete(self.scope_end.GetID())

    def hit(self, session: Session, thread: Any) -> dict[str, Any] | None:
        """Return the fields of `*stopped` for a hit, None for one that doesn't count."""
        if self._owner is not None and not _has_frame(session, *self._owner):
            end_scope(session, self.number)
            return {"reason": "watchpoint-scope", "wpnum": self.number}
        before, text = self._data, self._text
        self._look(session)
        has_changed = self._data != before
        if (self.access == "write" and not has_changed) or (self.access == "read" and has_changed):
            return None
        if not self._counts_now(session, thread):
            return None
        named = {"number": self.number, "exp": self.label}
        if self.access == "read":
            return {"reason": "read-watchpoint-trigger", "hw-rwpt": named, "value": {"value": self._text}}
        value = {"old": text, "new": self._text} if has_changed else {"value": self._text}
        if self.access == "write":
            return {"reason": "watchpoint-trigger", "wpt": named, "value": value}
        return {"reason": "access-watchpoint-trigger", "hw-awpt": named, "value": value}

    def end_with(self, session: Session, frame: Any) -> None:
        """Have it watched until a frame is left."""
        caller = frame.get_parent_frame()
        if caller is None or not caller.IsValid():
            return
        own = frame.GetCFA()
        self._owner = (frame.GetThread().GetThreadID(), own, str(frame.GetFunctionName()))

        def is_left(here: Any) -> bool:
            # The stack grows down: a recursion that comes back to the same place is further down.
            if here.GetSP() < own:
                return False
            session.ended_scopes.append(self.number)
            return True

        self.scope_end = session.target.BreakpointCreateByAddress(caller.GetPC())
        self.scope_end.SetThreadID(frame.GetThread().GetThreadID())
        hits.decide(session, self.scope_end, is_left)

    def _counts_now(self, session: Session, thread: Any) -> bool:
        import gdb

        session.hit_frame = thread.GetFrameAtIndex(0)
        try:
            looking.bind(session)
            if self._condition and not gdb.parse_and_eval(self._condition):
                return False
        except gdb.error:
            # One stop too many is better than none.
            return True
        finally:
            session.hit_frame = None
        return self._counts is None or self._counts(None)

    def _look(self, session: Session) -> None:
        """Read what is there now."""
        from dapbridge.agent.remote.lldb_mi.gdb_api.current import read_memory

        size = int(self._wish["size"])
        looking.bind(session)
        try:
            self._data = read_memory(self._address, size)
        except looking.part("views").ERRORS:
            self._data = b""
        self._text = self._shown()

    def _shown(self) -> str:
        import gdb

        size = int(self._wish["size"])
        try:
            type_ = self._type or gdb.lookup_type(
                {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long"}[size]
            )
            value = gdb.Value(self._address).cast(type_.pointer()).dereference()
            return str(looking.part("summaries").summarize(value, looking.part("views").Look(), 200))
        except (KeyError, *looking.part("views").ERRORS):
            return self._data.hex(" ")

    _type: Any = None

    def learn_type(self, session: Session) -> None:
        """Learn from the expression with which type the place is shown."""
        import gdb

        looking.bind(session)
        try:
            value = gdb.parse_and_eval(self._wish["expression"]) if self._wish["expression"] else None
        except gdb.error:
            return
        if value is not None and int(value.type.sizeof) == int(self._wish["size"]):
            self._type = value.type


def _pieces(address: int, size: int) -> list[tuple[int, int]]:
    found = []
    while size > 0:
        piece = next(each for each in (8, 4, 2, 1) if each <= size and address % each == 0)
        found.append((address, piece))
        address, size = address + piece, size - piece
    return found


@mi_command("-x-watch-place")
def watch_place(session: Session, *words: str) -> dict[str, Any]:
    """Tell where an expression's value lies: {"address", "size", "expression", "symbol", "scope"}."""
    return looking.run(session, _MODULE, "-x-watch-place", *words)


@mi_command("-x-watch-child")
def watch_child(session: Session, *words: str) -> dict[str, Any]:
    """Tell the same of a child of a node."""
    return looking.run(session, _MODULE, "-x-watch-child", *words)


@mi_command("-x-watch-address")
def watch_address(session: Session, *words: str) -> dict[str, Any]:
    """Tell the same of an address, which may be an expression."""
    return looking.run(session, _MODULE, "-x-watch-address", *words)


@mi_command("-x-watch", needs_rest=True)
def watch(session: Session, settings: str) -> dict[str, Any]:
    """Watch a place as `-x-watch-place` tells it, in the thread and frame that are named for one with a scope.

    settings: JSON with that and `access` (write, read, readWrite), `condition` ("" for none), `ignored_hits`, `label`.
    """
    wish = json.loads(settings)
    number = _FIRST + session.watch_count
    if not session.process.IsValid():
        if not wish["symbol"] or not session.target.FindSymbols(wish["symbol"]).GetSize():
            raise MiError(f"{wish['label']} can be watched once the debugger is attached")
        session.watch_count += 1
        session.early_watches[number] = wish
    else:
        session.watch_count += 1
        _insert(session, number, wish)
    return {"number": str(number), "addr": "<MULTIPLE>"}


def insert_early(session: Session) -> None:
    """Watch what was to be watched before the debugger was attached."""
    early, session.early_watches = session.early_watches, {}
    for number, wish in early.items():
        try:
            _insert(session, number, wish)
        except MiError as error:
            session.output.notice("x-misfit", {"number": str(number), "text": str(error)})


def _insert(session: Session, number: int, wish: dict[str, Any]) -> None:
    looking.bind(session)
    places = looking.part(_MODULE)
    import gdb

    try:
        address = int(places.present_address(wish))
        taken = sum(each.registers for each in session.watches.values())
        registers = places.check_registers(wish["label"], address, wish["size"], taken)
        if condition := hits.split(wish["condition"])[0]:
            gdb.parse_and_eval(condition)
    except gdb.error as error:
        raise MiError(str(error)) from None
    made = Watch(number, wish, address, registers)
    made.learn_type(session)
    made.insert(session)
    session.watches[number] = made
    if wish["scope"]:
        made.end_with(session, session.frame)


def _has_frame(session: Session, tid: int, cfa: int, function: str) -> bool:
    """Tell whether a frame is still on its thread's stack."""
    for frame in session.process.GetThreadByID(tid):
        if frame.GetCFA() >= cfa and not frame.IsInlined():
            return bool(frame.GetCFA() == cfa and frame.GetFunctionName() == function)
    return False


def end_scope(session: Session, number: int) -> None:
    """Take a watch away whose frame is gone, and tell it behind the stop that tells why."""
    breakpoints.forget(session, number)
    # Whoever reads it knows what is meant then.
    session.post(partial(session.output.notify, "breakpoint-deleted", {"id": number}))


def hit_of(session: Session, thread: Any) -> dict[str, Any] | None:
    """Return the fields of `*stopped` for a thread at a watchpoint, None for a hit that doesn't count."""
    number = int(thread.GetStopReasonDataAtIndex(0))
    for each in session.watches.values():
        if any(piece.GetID() == number for piece in each.pieces):
            hit: dict[str, Any] | None = each.hit(session, thread)
            return hit
    return {"reason": "watchpoint-trigger", "wpt": {"number": number, "exp": "?"}}
