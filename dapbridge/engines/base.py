"""What an engine is: the driver of one debugger for one session. It knows no runtime and no client paths."""

from collections.abc import Callable
from typing import Protocol

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject, Request, Response

Emit = Callable[[Response | Event], None]
"""Takes an engine's responses and events in their one order."""


class Engine(Protocol):
    """A debugger driven for one session.

    Life: `start`, then requests by `send`, among them `configurationDone` and after it `attach` (the ptrace attach; its
    response says how that went), then `aclose`.
    """

    async def start(self, config: AttachConfig) -> JsonObject:
        """Start the debugger and read symbols without touching the target; return the engine's own DAP capabilities.

        Raises UserError, EngineError.
        """
        ...

    def send(self, request: Request) -> None:
        """Take a request; exactly one response to it is emitted later."""
        ...

    def cancel(self, request_seq: int) -> None:
        """Make the request end early with "cancelled" if it can (DAP, "Cancel"); unknown ones are ignored."""
        ...

    def wait_for_client(self, waits: bool) -> None:
        """Take in nothing more from the debugger while the client is far behind in reading what was emitted."""
        ...

    async def find_sources(self, file_name: str) -> list[str]:
        """Return the target paths of the sources called `file_name`; [] where the debugger can't tell."""
        ...

    async def aclose(self) -> None:
        """Remove breakpoints, let the target run, end the debugger. May be called at any time and twice."""
        ...
