"""What differs between the debuggers that speak DAP: how one is started, attached, and made to let go."""

from collections.abc import Awaitable, Callable
from typing import Protocol, TypeVar

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.transport import Transport

M = TypeVar("M", Response, Event)

Ask = Callable[[str, JsonObject], Awaitable[JsonObject]]
"""Sends the debugger a request of our own; returns its response's body. Raises EngineError."""


class Dialect(Protocol):
    """One such debugger, for one target."""

    name: str
    """As in its log and in texts for the user."""

    hidden: frozenset[str]
    """Capabilities that are not for the client."""

    stands_since: float | None
    """Since when (`time.monotonic`) the debugger holds the target, where that was before `attach`."""

    async def start(self, config: AttachConfig) -> Transport:
        """Start the debugger without touching the target; return the connection that it speaks DAP on.

        Raises UserError.
        """
        ...

    def attach_arguments(self, given: JsonObject, stop_on_entry: bool) -> JsonObject:
        """Return the arguments of its own `attach` request; given: those of the client's."""
        ...

    def on_sent(self, request: Request) -> None:
        """Take note of what is about to be sent to the debugger; its number is the debugger's."""
        ...

    def on_answered(self, response: Response) -> None:
        """Take note of the debugger's answer, once it is handed on; `request_seq` is the debugger's number."""
        ...

    def explain(self, error: str) -> str:
        """Return what the user can do when the attach has failed with this error; "" for nothing known."""
        ...

    def find_refusal(self, request: Request) -> str | None:
        """Return why a request must not reach this debugger now; None where it may."""
        ...

    def changes_target(self, request: Request) -> bool:
        """Tell whether a request changes the target, which `readOnly` forbids."""
        ...

    def to_client(self, message: M) -> M:
        """Return a message of the debugger's as the client will understand it; most are well as they are."""
        ...

    def note_on(self, message: Response | Event) -> str | None:
        """Return what the user should be told about this message of the debugger's, if anything.

        The response to `configurationDone` is the end of the attach.
        """
        ...

    async def find_sources(self, file_name: str, ask: Ask) -> list[str]:
        """See Engine."""
        ...

    async def wait_target_end(self) -> None:
        """Wait a little for whoever knows how the target has ended, after the debugger has said that it has."""
        ...

    async def wait_end(self) -> str | None:
        """Return how the debugger has ended, after its connection has; None where others tell of that."""
        ...

    async def let_go(self) -> None:
        """Make the debugger leave the target running, and end. May be called twice."""
        ...
