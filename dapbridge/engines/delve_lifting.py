"""When the breakpoints that dlv leaves in the code of a standing target are taken out for a while (`agent.lifting`)."""

from contextlib import suppress
from enum import Enum

from dapbridge.agent.client import Channel, Child
from dapbridge.dap.messages import Event
from dapbridge.engines.relay.requests import RESUMING
from dapbridge.errors import ProtocolError

STOPPED = b'"event":"stopped"'
"""What dlv says when the target stands."""

_LOOKING = frozenset(
    (
        *("threads", "stackTrace", "scopes", "variables", "evaluate", "source", "loadedSources", "modules"),
        *("exceptionInfo", "completions", "disassemble", "readMemory", "cancel"),
    )
)
"""Requests that leave breakpoints alone and the target standing (`evaluate` unless it calls)."""


class _Are(Enum):
    """Where the breakpoints are, as far as it is for us."""

    IN = 0
    """In the code, wherever the target is: dlv may be about to do something with them."""
    OUT_AT_STOPS = 1
    """In the code of the target, which runs; the agent takes them out when dlv says that it stands."""
    OUT = 2


class LiftedBreakpoints:
    """Out while the target stands and dlv does nothing with them; back before it may."""

    def __init__(self) -> None:
        self._child: Child | None = None
        self._stands = False
        self._are = _Are.IN
        # Whether the agent has taken them out for sure when dlv's next stop is heard of here.
        self._agent_was_first = False
        # What dlv may be about to do with them.
        self._unanswered: set[int] = set()

    def open(self, child: Child, channel: Channel) -> None:
        """Begin, with this dlv and the connection to it."""
        self._child = child
        # By the agent, before anybody else hears of the stop.
        child.lift_breakpoints_at(channel, STOPPED)

    def note_sending(self, number: int, command: str, is_call: bool) -> None:
        """Take note of a request that is sent to dlv next."""
        if command in _LOOKING and not is_call:
            return
        if command in RESUMING and self._are is _Are.OUT and self._child is not None:
            # All that concerns them goes with this one request; dlv's next stop is that of this one.
            self._stands = False
            self._are = _Are.OUT_AT_STOPS
            self._agent_was_first = True
            with suppress(ProtocolError):
                self._child.put_breakpoints_back(until_stop=True)
            return
        self._unanswered.add(number)
        self._stands &= command not in RESUMING
        self._update()

    def note_answered(self, number: int, command: str, success: bool) -> None:
        """Take note of dlv's response to a request."""
        self._unanswered.discard(number)
        if command in RESUMING and not success:
            # It has let nothing run.
            self._stands = True
            self._agent_was_first = False
        self._update()

    def note_event(self, event: Event) -> None:
        """Take note of an event of dlv's."""
        if event.event == "stopped":
            self._stands = True
        elif event.event in ("continued", "terminated"):
            self._stands = False
        self._update()

    def _update(self) -> None:
        wanted = _Are.IN if self._unanswered else _Are.OUT if self._stands else _Are.OUT_AT_STOPS
        if self._child is None or wanted is self._are:
            return
        self._are = wanted
        was_first, self._agent_was_first = self._agent_was_first, False
        with suppress(ProtocolError):  # the agent is gone, and dlv with it
            if wanted is _Are.IN:
                self._child.put_breakpoints_back(until_stop=False)
            elif not (wanted is _Are.OUT and was_first):
                self._child.lift_breakpoints(stands=wanted is _Are.OUT)
