"""The breakpoints' instructions, "traps": in the target's code while it runs, out of it while it stands.

LLDB leaves them in. Then a thread that stands at a breakpoint runs into it in the moment in which lldb-server dies,
before anybody can heal, and the target ends. So at a stop that is told the code's own bytes are written over all traps,
and these are put back right before what lets the target run or changes a breakpoint. LLDB and lldb-server know nothing
of it: what they show of the code has no traps anyway. Only the loop's thread lays and lifts.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from typing import TYPE_CHECKING

import lldb

from dapbridge.agent.remote import healing

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.session import Session

_ADDRESS = re.compile(r", address = 0x([0-9a-f]+)")


class Traps:
    """Those of a session's target."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._trap = healing.BREAKPOINTS.get(os.uname().machine, b"")
        self._places: list[int] | None = None
        """Where breakpoints are, LLDB's own aside; None if it is to be looked up."""
        self._originals: dict[int, bytes] = {}
        """The code's own bytes."""
        self._lifted: list[list[int]] = []
        """Where traps are out, by pages. More than are really out do no harm: all are LLDB's."""
        self._are_held = False
        """Whether a block has them laid."""
        self._is_lift_due = False
        """Whether a block has had them laid since they were last taken out."""

    @contextmanager
    def laid(self) -> Iterator[None]:
        """Have the traps in the code for the block; `settle` lifts them again."""
        if self._are_held or self._session.hit_frame is not None:
            # A hit is decided on while LLDB holds the target in the middle of its run.
            yield
            return
        try:
            self._are_held = True
            self.lay()
            yield
        finally:
            self._are_held = False
            self._is_lift_due = True

    def settle(self) -> None:
        """Lift what blocks had laid, if the target is told to stand; for the loop, where nothing waits that it does.

        A thousand breakpoints are many commands, and to look at all places behind each of them takes a third as long.
        """
        if self._is_lift_due:
            self.lift_if_standing()
            # Behind it: an interrupt may come in between.
            self._is_lift_due = False

    def lift_if_standing(self) -> None:
        """Take the traps out if the target stands, and that is what was told last."""
        session = self._session
        if (
            session.is_attached
            and session.is_told_stopped
            and session.stands.is_set()
            # That it runs is known here before the event has come.
            and session.process.GetThreadAtIndex(0).GetFrameAtIndex(0).IsValid()
        ):
            self.lift()

    def lift(self) -> None:
        """Take the traps out of the code of the target, which must stand."""
        places = self._all_places() if self._trap else []
        pages = [list(page) for _, page in groupby(places, lambda place: place // healing.PAGE)]
        self._for_each(pages, self._lift_page)

    def take_out(self) -> None:
        """Take the traps out for good, for the target is let go; lldb-server doesn't mind that they are gone."""
        self.lift()
        # A command that still comes must not lay them.
        self._lifted = []

    def lay(self) -> None:
        """Put the traps that were taken out back."""
        self._for_each(self._lifted, lambda memory, page: self._exchange(memory, page, dict.fromkeys(page, self._trap)))
        # Behind it: an interrupt may come in between.
        self._lifted = []

    def _for_each(self, pages: list[list[int]], change: Callable[[int, list[int]], None]) -> None:
        """Change pages of code; what can't be done with one is left."""
        if not pages:
            return
        try:
            memory = os.open(f"/proc/{self._session.pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        except OSError as error:
            sys.stderr.write(f"the code can't be reached: {error}\n")
            return
        try:
            for page in pages:
                try:
                    change(memory, page)
                except OSError as error:
                    sys.stderr.write(f"the code at {page[0]:#x} can't be changed: {error}\n")
        finally:
            os.close(memory)

    def forget_places(self) -> None:
        """Breakpoints were set, deleted, or found other places."""
        self._places = None

    def forget_code(self) -> None:
        """The code at an address may be another."""
        self._places = None
        self._originals.clear()

    def _all_places(self) -> list[int]:
        if self._places is None:
            found = (
                location.GetLoadAddress()
                for breakpoint_ in self._session.target.breakpoint_iter()
                for location in breakpoint_
            )
            self._places = [each for each in found if each != lldb.LLDB_INVALID_ADDRESS]
        # LLDB tells of no change of its own ones: the linker's, and where frames return to that a step has left.
        own = _ADDRESS.findall(self._session.run_console("breakpoint list --internal"))
        return sorted({*self._places, *(int(each, 16) for each in own)})

    def _lift_page(self, memory: int, page: list[int]) -> None:
        size = len(self._trap)
        begin, count = page[0], page[-1] + size - page[0]
        now = os.pread(memory, count, begin)
        there = [at for at in page if now[at - begin : at - begin + size] == self._trap]
        if any(at not in self._originals for at in there):
            failure = lldb.SBError()
            code = self._session.process.ReadMemory(begin, count, failure)
            if failure.Fail():
                raise OSError(str(failure))
            self._originals.update((at, code[at - begin : at - begin + size]) for at in there)
        if there:
            self._lifted.append(there)
            self._exchange(memory, there, self._originals)

    def _exchange(self, memory: int, page: list[int], content: dict[int, bytes]) -> None:
        """Write what belongs to each of the places of a page, in one piece."""
        size = len(self._trap)
        begin = page[0]
        data = bytearray(os.pread(memory, page[-1] + size - begin, begin))
        for at in page:
            data[at - begin : at - begin + size] = content[at]
        try:
            os.pwrite(memory, data, begin)
        except OSError:
            # A kernel with proc_mem.force_override=ptrace lets only the tracer write to code.
            failure = lldb.SBError()
            self._session.process.WriteMemory(begin, bytes(data), failure)
            if failure.Fail():
                raise OSError(str(failure)) from None
