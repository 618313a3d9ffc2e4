"""A debugger that speaks DAP, over a transport: requests under numbers of our own, each response to whoever asked.

Responses and events are handed on in the order in which they come, within the call that brings them. What the debugger
asks of its client (`runInTerminal`, `startDebugging`) it is refused.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable
from typing import Protocol

from dapbridge.dap.connection import BadMessage, DapConnection
from dapbridge.dap.describe import describe
from dapbridge.dap.messages import Event, JsonObject, Message, Request, Response
from dapbridge.errors import EngineError, ProtocolError
from dapbridge.transport import Transport

log = logging.getLogger(__name__)

OnResponse = Callable[[Response], None]


class Watcher(Protocol):
    """Who is told of all that is said to a debugger, and of its answers; see `dialect.Dialect`."""

    name: str

    def on_sent(self, request: Request) -> None: ...

    def on_answered(self, response: Response) -> None: ...


class Debugger:
    """`run` reads until the debugger is gone; `send` and `ask` may be used before."""

    def __init__(self, watcher: Watcher, transport: Transport, on_event: Callable[[Event], None]) -> None:
        self.name = watcher.name
        self._watcher = watcher
        self._transport = transport
        self._on_event = on_event
        self._connection = DapConnection()
        self._numbers = itertools.count(1)
        self._waiting: dict[int, OnResponse] = {}
        self._is_gone = False
        self._may_read = asyncio.Event()
        self._may_read.set()
        self._wire_log = logging.getLogger(f"dapbridge.wire.{self.name}")

    async def run(self) -> None:
        """Read up to the debugger's end; then whatever waits for a response gets one that says so."""
        try:
            while await self._transport.feed(self._receive_data):
                await self._may_read.wait()
        except ProtocolError as error:
            log.warning("%s broke DAP's framing: %s", self.name, error)
        finally:
            self._is_gone = True
            for number in list(self._waiting):
                self._answer(Response(number, "", False, f"{self.name} has ended"))

    def send(self, command: str, arguments: JsonObject, on_response: OnResponse) -> int:
        """Send a request; its response, or one that says that the debugger is gone, is handed on. Returns its number.

        The response's `request_seq` and `command` are the debugger's, of no use to anybody else.
        """
        number = next(self._numbers)
        if self._is_gone:
            on_response(Response(number, command, False, f"{self.name} has ended"))
        else:
            self._waiting[number] = on_response
            request = Request(number, command, arguments)
            self._watcher.on_sent(request)
            self._write(request)
        return number

    async def ask(self, command: str, arguments: JsonObject) -> JsonObject:
        """Send a request and return its response's body. Raises EngineError."""
        answer: asyncio.Future[Response] = asyncio.get_running_loop().create_future()

        def on_response(response: Response) -> None:
            if not answer.done():
                answer.set_result(response)

        number = self.send(command, arguments, on_response)
        try:
            response = await answer
        finally:
            self.forget(number)
        if not response.success:
            raise EngineError(error_text(response))
        return response.body or {}

    def forget(self, number: int) -> None:
        """Ignore the response to a request."""
        self._waiting.pop(number, None)

    def give_up(self, number: int, reason: str) -> None:
        """Have a request fail now; what the debugger answers later is ignored."""
        self._answer(Response(number, "", False, reason))

    def pause_reading(self, paused: bool) -> None:
        """Take in nothing more, so that the debugger has to wait."""
        if paused:
            self._may_read.clear()
        else:
            self._may_read.set()

    def _receive_data(self, data: bytes) -> bool:
        for message in self._connection.receive_data(data):
            self._take(message)
        return self._may_read.is_set()

    def _take(self, message: Message | BadMessage) -> None:
        if self._wire_log.isEnabledFor(logging.DEBUG):
            self._wire_log.debug("%s > %s", self.name, describe(message))
        match message:
            case Response():
                self._answer(message)
                self._watcher.on_answered(message)
            case Event():
                self._on_event(message)
            case Request():
                refusal = f"dapbridge can't do that for {self.name}"
                self._write(Response(message.seq, message.command, False, refusal))
            case BadMessage():
                log.warning("%s sent what is no DAP: %s", self.name, describe(message))

    def _answer(self, response: Response) -> None:
        if on_response := self._waiting.pop(response.request_seq, None):
            on_response(response)

    def _write(self, message: Message) -> None:
        if self._wire_log.isEnabledFor(logging.DEBUG):
            self._wire_log.debug("%s < %s", self.name, describe(message))
        self._transport.write(self._connection.send(message))


def error_text(response: Response) -> str:
    """Return why a request failed, in the debugger's own words (DAP, "ErrorResponse")."""
    error = (response.body or {}).get("error")
    text = error.get("format") if isinstance(error, dict) else None
    return str(text or response.message or "no reason given")
