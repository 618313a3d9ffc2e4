"""Breakpoints that are out of a process's code while it stands, so that the death of its debugger costs it nothing.

Some debuggers leave them in: killed by force then, they leave behind a thread that stands at a breakpoint and runs into
it before anybody could take it out. The debugger isn't told, so it must do nothing with them in the meantime.
"""

from __future__ import annotations

import os
from contextlib import suppress

from dapbridge.agent.remote import healing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class Lifting:
    """The breakpoints of one debugger in process `pid`."""

    def __init__(self, pid: int, leave: frozenset[int], log: Callable[[str], None]) -> None:
        """leave: the addresses of those that are somebody else's."""
        self._pid = pid
        self._leave = leave
        self._log = log
        self._lifted: dict[int, bytes] = {}
        self.may_lift = False
        """Whether the debugger does nothing with them, so that they may be out when the process stands."""

    def note_stop(self) -> None:
        """The debugger says that the process stands."""
        if self.may_lift:
            self.lift()

    def lift(self) -> None:
        """Take out what is in; where that can't be, all stays as it is."""
        with suppress(OSError):  # ended, or a kernel that lets nobody but the debugger write there
            found = healing.find_breakpoints(self._pid)
            originals = {address: data for address, data in found.items() if address not in self._leave}
            healing.write_back(self._pid, originals)
            self._lifted |= originals

    def put_back(self, *, until_stop: bool = False) -> None:
        """Put in again what was taken out, and leave them in for now, or until the debugger says that it stands."""
        self.may_lift = until_stop
        lifted, self._lifted = self._lifted, {}
        if not lifted:
            return
        instruction = healing.BREAKPOINTS.get(os.uname().machine, b"")
        try:
            healing.write_back(self._pid, dict.fromkeys(lifted, instruction))
        except OSError as error:
            self._log(f"process {self._pid}: breakpoints were not put back: {error.strerror}")
