"""What a client asks first at each stop is asked for it in advance, while the news of the stop is on its way.

Editors ask for `threads`, and a debugger that has just stopped may have to read them all for that: so the time it takes
passes while the editor hears of the stop. The request is laid ready beside the debugger when the target goes on; where
that was in vain, since the client has said something meanwhile, it is sent from here. A client that asked something
else first at its last stop is left alone, for its own question would wait behind ours.
"""

from collections.abc import Callable
from functools import partial

from dapbridge.dap.messages import Event, Response
from dapbridge.engines.relay.debugger import Debugger, Foreseen, OnResponse
from dapbridge.engines.relay.requests import RESUMING

_COMMAND = "threads"
STOPPED = b'"event":"stopped"'
"""How a stop begins with debuggers that put no spaces into their JSON."""


class FirstQuestion:
    """At most one question that was asked in advance, up to the client's first request of a stop."""

    def __init__(self) -> None:
        self._is_habit = False
        self._is_first = False
        self._asked: Asked | None = None

    def take(self, command: str) -> "Asked | None":
        """Take note of a request of the client's; return it if it has been sent already."""
        asked, self._asked = self._asked, None
        if self._is_first:
            self._is_first, self._is_habit = False, command == _COMMAND
        return asked if command == _COMMAND and asked and asked.request.is_sent else None

    def note_sending(self, command: str, debugger: Debugger) -> None:
        """Take note of what is sent next: if it lets the target run, the question is laid ready."""
        if self._is_habit and command in RESUMING:
            self._asked = Asked(partial(debugger.send_at, STOPPED, _COMMAND, {}))

    def note(self, event: Event, debugger: Debugger) -> None:
        """Take note of what the client is about to be told: at a stop the question is sent now, if it is not yet."""
        if event.event == "stopped":
            self._is_first = True
            if self._is_habit and not (self._asked and self._asked.request.is_sent):
                self._asked = Asked(partial(debugger.send_now, _COMMAND, {}))
        elif self._is_first and event.event not in ("output", "breakpoint"):
            # What it was asked about may have changed.
            self._asked = None


class Asked:
    """A question that is asked in advance."""

    def __init__(self, send: Callable[[OnResponse], Foreseen]) -> None:
        self._response: Response | None = None
        self._on_response: OnResponse | None = None
        self.request = send(self._take)

    def hand_to(self, on_response: OnResponse) -> None:
        """Have the response handed on, now if it is here already."""
        self._on_response = on_response
        if self._response is not None:
            on_response(self._response)

    def _take(self, response: Response) -> None:
        self._response = response
        if self._on_response is not None:
            self._on_response(response)
