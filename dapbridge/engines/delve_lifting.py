"""When the breakpoints that dlv leaves in the code of a standing target are taken out for a while (`agent.lifting`)."""

from contextlib import suppress

from dapbridge.agent.client import Child
from dapbridge.dap.messages import Event
from dapbridge.engines.relay.requests import RESUMING
from dapbridge.errors import ProtocolError

_LOOKING = frozenset(
    (
        *("threads", "stackTrace", "scopes", "variables", "evaluate", "source", "loadedSources", "modules"),
        *("exceptionInfo", "completions", "disassemble", "readMemory", "cancel"),
    )
)
"""Requests that leave breakpoints alone and the target standing (`evaluate` unless it calls)."""


class LiftedBreakpoints:
    """Out while the target stands and dlv does nothing with them; back before it may."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._stands = False
        self._is_lifted = False
        # What dlv may be about to do with them.
        self._unanswered: set[int] = set()

    def open(self, child: Child) -> None:
        """Begin, with this dlv."""
        self._child = child

    def note_sent(self, number: int, command: str, is_call: bool) -> None:
        """Take note of a request that is about to be sent to dlv."""
        if command in _LOOKING and not is_call:
            return
        self._unanswered.add(number)
        if command in RESUMING:
            self._stands = False
        self._update()

    def note_answered(self, number: int, command: str, success: bool) -> None:
        """Take note of dlv's response to a request."""
        if number in self._unanswered:
            self._unanswered.remove(number)
            # A refused one has let nothing run.
            self._stands |= command in RESUMING and not success
            self._update()

    def note_event(self, event: Event) -> None:
        """Take note of an event of dlv's."""
        if event.event == "stopped":
            self._stands = True
        elif event.event in ("continued", "terminated"):
            self._stands = False
        self._update()

    def _update(self) -> None:
        wanted = self._stands and not self._unanswered
        if self._child is None or wanted == self._is_lifted:
            return
        self._is_lifted = wanted
        with suppress(ProtocolError):  # the agent is gone, and dlv with it
            if wanted:
                self._child.lift_breakpoints()
            else:
                self._child.put_breakpoints_back()
