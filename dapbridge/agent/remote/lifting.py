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
        self._instruction = healing.BREAKPOINTS.get(os.uname().machine, b"")
        self._known: dict[int, bytes] = {}
        self._lifted: dict[int, bytes] = {}
        # Opened at the last look for them: nothing is written to a program that the process has become since.
        self._memory: int | None = None
        self.may_lift = False
        """Whether the debugger does nothing with them, so that they may be out when the process stands."""

    def learn(self) -> None:
        """Look for them ahead of the next stop, while the debugger does nothing with them."""
        with suppress(OSError):  # ended
            self._known |= self._find()

    def note_stop(self) -> None:
        """The debugger says that the process stands: take out those that are known, which takes no time."""
        if not self.may_lift or self._memory is None:
            return
        with suppress(OSError):  # ended
            self._take_out(self._still_in(self._memory))

    def lift(self) -> None:
        """Take out what is in, wherever it is; where that can't be, all stays as it is."""
        with suppress(OSError):  # ended, or a kernel that lets nobody but the debugger write there
            self._take_out(self._find())

    def put_back(self, *, until_stop: bool = False) -> None:
        """Put in again what was taken out, and leave them in for now, or until the debugger says that it stands."""
        self.may_lift = until_stop
        lifted, self._lifted = self._lifted, {}
        if not lifted:
            return
        try:
            self._write(dict.fromkeys(lifted, self._instruction))
        except OSError as error:
            self._log(f"process {self._pid}: breakpoints were not put back: {error.strerror}")

    def close(self) -> None:
        """Close the process's memory."""
        if self._memory is not None:
            os.close(self._memory)
            self._memory = None

    def _find(self) -> dict[int, bytes]:
        """Look through the program that the process runs now."""
        self.close()
        self._memory = os.open(f"/proc/{self._pid}/mem", os.O_RDWR | os.O_CLOEXEC)
        return healing.find_breakpoints(self._pid, self._leave)

    def _still_in(self, memory: int) -> dict[int, bytes]:
        """Return those of the known ones that the debugger has not taken away."""
        size = len(self._instruction)
        return {at: data for at, data in self._known.items() if os.pread(memory, size, at) == self._instruction}

    def _take_out(self, originals: dict[int, bytes]) -> None:
        self._write(originals)
        self._known |= originals
        self._lifted |= originals

    def _write(self, data: dict[int, bytes]) -> None:
        if self._memory is not None:
            healing.write(self._pid, self._memory, data)
