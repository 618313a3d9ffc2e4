"""A DAP client of a session in this process: bytes go to the session and come from it as over any connection."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from typing import Any

from dapbridge.dap.connection import DapConnection
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.errors import UserError
from dapbridge.prepared import Prepare
from dapbridge.session import Session

MAX_UNREAD_EVENTS = 1000
"""With more the engine waits."""

_INITIALIZE: JsonObject = {
    "clientID": "dapbridge-run",
    "clientName": "dapbridge run",
    "adapterID": "dapbridge",
    "supportsVariableType": True,
    "supportsVariablePaging": True,
}


class RequestFailedError(UserError):
    """An error response, in the words that a user would see."""

    def __init__(self, response: Response) -> None:
        error = (response.body or {}).get("error") or {}
        super().__init__(str(error.get("format") or response.message or f"'{response.command}' failed"))


class DapClient:
    """The client's end of one session, which lives as long as `run`."""

    def __init__(self, prepare: Prepare, name: str) -> None:
        self._session = Session(self, prepare, name)
        self._connection = DapConnection()
        self._seqs = itertools.count(1)
        self._pending: dict[int, asyncio.Future[JsonObject]] = {}
        self._events: asyncio.Queue[Event | None] = asyncio.Queue()
        self._far_behind = False
        self._closed = False
        self.capabilities: JsonObject = {}

    async def run(self) -> None:
        """Serve the session to its end, which `leave` or the cancellation of this brings."""
        try:
            await self._session.run()
        finally:
            self.close()

    # What a session's client is

    def write(self, data: bytes) -> None:
        """Take bytes of the session. See session.Client."""
        for message in self._connection.receive_data(data):
            match message:
                case Response():
                    self._take_response(message)
                case Event("capabilities", body):
                    self.capabilities |= (body or {}).get("capabilities") or {}
                case Event():
                    self._events.put_nowait(message)
        if self._events.qsize() > MAX_UNREAD_EVENTS and not self._far_behind:
            self._far_behind = True
            self._session.wait_for_client(True)

    def close(self) -> None:
        """End the connection. See session.Client."""
        if self._closed:
            return
        self._closed = True
        self._events.put_nowait(None)
        for waiting in self._pending.values():
            if not waiting.done():
                waiting.set_exception(UserError("the session has ended"))
                # Whoever has given up waiting doesn't look at it.
                waiting.exception()
        self._pending.clear()

    # Talking

    def send(self, command: str, arguments: JsonObject | None = None) -> asyncio.Future[JsonObject]:
        """Send a request; return its answer's body to come. Awaiting it raises RequestFailedError, UserError."""
        request = Request(next(self._seqs), command, arguments or {})
        answer: asyncio.Future[JsonObject] = asyncio.get_running_loop().create_future()
        if self._closed:
            answer.set_exception(UserError("the session has ended"))
            answer.exception()
            return answer
        self._pending[request.seq] = answer
        self._session.receive_data(self._connection.send(request))
        return answer

    async def request(self, command: str, **arguments: Any) -> JsonObject:
        """Send a request and return its answer's body. Raises RequestFailedError, UserError."""
        return await self.send(command, arguments)

    async def initialize(self) -> None:
        """Begin, once `run` has."""
        self.capabilities = await self.send("initialize", _INITIALIZE)

    def leave(self) -> None:
        """Let go of the target and end the session, however far it is; may be called twice."""
        if not self._closed:
            # It answers an error if it is leaving already.
            self.send("disconnect").add_done_callback(_ignore)

    async def events(self) -> AsyncIterator[Event]:
        """Yield the session's events in order, to its end."""
        while (event := await self._events.get()) is not None:
            if self._far_behind and self._events.qsize() < MAX_UNREAD_EVENTS // 2:
                self._far_behind = False
                self._session.wait_for_client(False)
            yield event

    def _take_response(self, response: Response) -> None:
        waiting = self._pending.pop(response.request_seq, None)
        if waiting is None or waiting.done():
            return
        if response.success:
            waiting.set_result(response.body or {})
        else:
            waiting.set_exception(RequestFailedError(response))
            waiting.exception()


def _ignore(answer: asyncio.Future[JsonObject]) -> None:
    if not answer.cancelled():
        answer.exception()
