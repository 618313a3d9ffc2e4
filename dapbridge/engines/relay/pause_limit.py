"""`maxPause`: how long the target may stand before it is let go on."""

import asyncio
from collections.abc import Callable

from dapbridge.dap.messages import Event, Response
from dapbridge.engines.relay.requests import RESUMING


class PauseLimit:
    """Watches what the debugger says; `on_due` is called when the target has stood too long."""

    def __init__(self, limit_s: float, on_due: Callable[[], None]) -> None:
        self.standing_thread: int | None = None
        """The thread that was last said to have stopped; None while the target runs."""
        self._limit_s = limit_s
        self._on_due = on_due
        self._timer: asyncio.TimerHandle | None = None

    def note(self, message: Response | Event) -> None:
        """Take note of a message, before it is handed on."""
        if isinstance(message, Response):
            if message.success and message.command in RESUMING:
                self._end()
        elif message.event == "stopped":
            self._end()
            self.standing_thread = (message.body or {}).get("threadId") or 1
            if self._limit_s:
                self._timer = asyncio.get_running_loop().call_later(self._limit_s, self._on_due)
        elif message.event in ("continued", "terminated"):
            self._end()

    def close(self) -> None:
        """Stop counting."""
        if self._timer is not None:
            self._timer.cancel()

    def _end(self) -> None:
        self.close()
        self._timer = None
        self.standing_thread = None
