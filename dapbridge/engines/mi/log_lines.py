"""The lines of log points on their way to the client: gathered for a moment, then told together and in order."""

import asyncio
from collections.abc import Callable
from typing import NamedTuple

from dapbridge.dap.messages import JsonObject

GATHER_S = 0.05
MAX_GATHERED = 64 * 1024
"""In characters: more are told at once."""


class Place(NamedTuple):
    """Where a log point stands, in the target's paths."""

    path: str | None
    line: int | None


_NOWHERE = Place(None, None)


class LogLines:
    """Gathers lines; `tell` gets the bodies of `output` events. `ask` makes the debugger tell those that it keeps."""

    def __init__(self, tell: Callable[[JsonObject], None], ask: Callable[[], object]) -> None:
        self.places: dict[str, Place] = {}
        """By the debugger's number of the log point."""
        self.end_due = False
        """Whether the target's next stop is that before its end."""
        self._tell = tell
        self._ask = ask
        self._gathered: list[tuple[Place, list[str]]] = []
        self._size = 0
        self._heard = False
        """Whether a line has come since the debugger was asked."""
        self._timer: asyncio.TimerHandle | None = None

    def add(self, number: str, text: str) -> None:
        """Take a line of log point `number`; it is told soon."""
        place = self.places.get(number, _NOWHERE)
        if self._gathered and self._gathered[-1][0] == place:
            self._gathered[-1][1].append(text)
        else:
            self._gathered.append((place, [text]))
        self._size += len(text) + 1
        if self._size > MAX_GATHERED:
            self.flush()
        self._heard = True
        if self._timer is None:
            self._begin_gathering()

    def _begin_gathering(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(GATHER_S, self._end_gathering)

    def _end_gathering(self) -> None:
        self._timer = None
        self.flush()
        # The debugger keeps what comes right behind a line: it is asked until so long nothing has come.
        if self._heard:
            self._begin_gathering()
        self._heard = False
        self._ask()

    def flush(self) -> None:
        """Tell what is gathered."""
        gathered, self._gathered, self._size = self._gathered, [], 0
        for place, lines in gathered:
            body: JsonObject = {"category": "console", "output": "\n".join([*lines, ""])}
            if place.path is not None:
                body["source"] = {"name": place.path.rsplit("/", 1)[-1], "path": place.path}
            if place.line is not None:
                body["line"] = place.line
            self._tell(body)
