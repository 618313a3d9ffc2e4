"""A DAP client for tests: speaks to an adapter over a subprocess's stdio, TCP, a unix socket or a socket pair.

    async with await DapClient.spawn("dapbridge", "serve") as client:
        await client.attach({"target": "api"}, {"/home/me/api/main.c": [12]})
        stopped = await client.event("stopped")
        frames = (await client.request("stackTrace", {"threadId": stopped["threadId"]}))["stackFrames"]

Everything that goes in or out is kept in `transcript` and checked against the schema.
"""

import asyncio
import json
import os
import socket
from asyncio.subprocess import PIPE, Process
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, ClassVar, Self

from support.dap_schema import check_message

JsonObject = dict[str, Any]

LIMIT_S = 20
INITIALIZE_ARGUMENTS: JsonObject = {
    "clientID": "dapbridge-tests",
    "adapterID": "dapbridge",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "pathFormat": "path",
    "supportsVariableType": True,
    "supportsProgressReporting": True,
    "supportsVariablePaging": True,
    "supportsMemoryReferences": True,
    "supportsMemoryEvent": True,
    "supportsInvalidatedEvent": True,
}


class DapError(Exception):
    """An error response; `text` is what a user would see."""

    def __init__(self, response: JsonObject) -> None:
        self.response = response
        self.message: str = response.get("message") or ""
        error = (response.get("body") or {}).get("error") or {}
        self.text = str(error.get("format", self.message))
        self.shown: bool = error.get("showUser", False)
        super().__init__(f"'{response['command']}' failed: {self.text}")


class DapClient:
    """One client's end of a connection to an adapter. `made` holds all, until whoever looks at them clears it."""

    made: ClassVar[list["DapClient"]] = []

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        process: Process | None = None,
        *,
        validate: bool = True,
    ) -> None:
        self.transcript: list[JsonObject] = []
        self.process = process
        self.capabilities: JsonObject = {}
        self.validate = validate
        self._reader = reader
        self._writer = writer
        self._next_seq = 1
        self._responses: dict[int, JsonObject] = {}
        self._events: list[JsonObject] = []
        self._arrived = asyncio.Condition()
        self._ended = False
        self._broken: BaseException | None = None
        self._stderr = bytearray()
        self.made.append(self)

    @classmethod
    async def spawn(cls, *command: str, env: Mapping[str, str] | None = None, **options: Any) -> Self:
        """Start an adapter and speak over its stdin and stdout."""
        environment = {**os.environ, **(env or {})}
        process = await asyncio.create_subprocess_exec(
            *command, stdin=PIPE, stdout=PIPE, stderr=PIPE, env=environment, limit=1 << 26, **options
        )
        assert process.stdout
        assert process.stdin
        return cls(process.stdout, process.stdin, process)

    @classmethod
    async def connect(cls, host: str, port: int) -> Self:
        """Connect to an adapter that listens on TCP."""
        return cls(*await asyncio.open_connection(host, port, limit=1 << 26))

    @classmethod
    async def connect_unix(cls, path: str) -> Self:
        """Connect to an adapter that listens on a unix socket."""
        return cls(*await asyncio.open_unix_connection(path, limit=1 << 26))

    @classmethod
    async def over(cls, connected: socket.socket) -> Self:
        """Speak over a socket that is connected already."""
        return cls(*await asyncio.open_connection(sock=connected, limit=1 << 26))

    async def __aenter__(self) -> Self:
        self._tasks = await asyncio.TaskGroup().__aenter__()
        self._readers = [self._tasks.create_task(self._read_messages())]
        if self.process:
            self._readers.append(self._tasks.create_task(self._read_stderr()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """End the connection; an adapter that was spawned must then end by itself."""
        self.close()
        try:
            if self.process:
                async with asyncio.timeout(LIMIT_S):
                    await self.process.wait()
        except TimeoutError:
            if self.process:
                self.process.kill()
                await self.process.wait()
            if error is None:
                raise AssertionError(self._report(f"the adapter did not end within {LIMIT_S} s")) from None
        finally:
            await self._finish_readers()
            await self._tasks.__aexit__(None, None, None)
        if self._broken and error is None:
            raise self._broken

    async def _finish_readers(self) -> None:
        # What a process has said last is on its way still.
        await asyncio.wait(self._readers, timeout=LIMIT_S if self.process else 0)
        for task in self._readers:
            task.cancel()

    # Talking

    async def request(self, command: str, arguments: JsonObject | None = None, limit_s: float = LIMIT_S) -> JsonObject:
        """Send a request and return its response's body. Raises DapError."""
        return await self.response(self.send(command, arguments), limit_s)

    async def refused(self, command: str, arguments: JsonObject | None = None) -> DapError:
        """Send a request that must fail; return its error."""
        try:
            body = await self.request(command, arguments)
        except DapError as error:
            return error
        raise AssertionError(self._report(f"'{command}' should have failed, its answer is {body}"))

    def send(self, command: str, arguments: JsonObject | None = None) -> int:
        """Send a request without waiting; return its seq for `response`."""
        seq = self._next_seq
        self._next_seq += 1
        message: JsonObject = {"seq": seq, "type": "request", "command": command}
        if arguments is not None:
            message["arguments"] = arguments
        self.send_message(message)
        return seq

    def send_message(self, message: JsonObject) -> None:
        """Send a message as it is, which must be valid unless `validate` is false."""
        if self.validate:
            check_message(message, from_adapter=False)
        self.transcript.append(message)
        self.send_body(json.dumps(message).encode())

    def send_body(self, body: bytes) -> None:
        """Send a frame with any body."""
        self.send_raw(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def send_raw(self, data: bytes) -> None:
        """Send any bytes."""
        self._writer.write(data)

    async def response(self, seq: int, limit_s: float = LIMIT_S) -> JsonObject:
        """Wait for the response to a request that was sent; return its body. Raises DapError."""
        await self._wait(lambda: seq in self._responses, f"no response to #{seq}", limit_s)
        response = self._responses.pop(seq)
        if not response["success"]:
            raise DapError(response)
        return response.get("body") or {}

    async def event(self, name: str, limit_s: float = LIMIT_S, **expected: Any) -> JsonObject:
        """Take the oldest event of that name (and with these values in its body) not taken yet; return its body."""

        def matches(event: JsonObject) -> bool:
            body = event.get("body") or {}
            return event["event"] == name and all(body.get(key) == value for key, value in expected.items())

        wanted = f"no event '{name}' {expected or ''}"
        await self._wait(lambda: any(matches(event) for event in self._events), wanted, limit_s)
        event = next(event for event in self._events if matches(event))
        self._events.remove(event)
        return event.get("body") or {}

    async def output(self, text: str, limit_s: float = LIMIT_S) -> JsonObject:
        """Take the oldest `output` event with `text` in it; return its body."""
        await self._wait(lambda: bool(self._outputs(text)), f"no output with {text!r}", limit_s)
        event = self._outputs(text)[0]
        self._events.remove(event)
        body: JsonObject = event["body"]
        return body

    def _outputs(self, text: str) -> list[JsonObject]:
        return [event for event in self._events if event["event"] == "output" and text in event["body"]["output"]]

    # What most tests begin and end with

    async def initialize(self, **arguments: Any) -> JsonObject:
        """Send `initialize` as an editor would; return the capabilities."""
        self.capabilities = await self.request("initialize", INITIALIZE_ARGUMENTS | arguments)
        return self.capabilities

    async def attach(
        self,
        arguments: JsonObject,
        breakpoints: Mapping[str, Sequence[int | JsonObject]] | None = None,
        limit_s: float = LIMIT_S,
    ) -> dict[str, list[JsonObject]]:
        """Go all the way an editor goes until `attach` is answered; return the breakpoints as set, by path.

        Breakpoints are lines or SourceBreakpoint objects.
        """
        if not self.capabilities:
            await self.initialize()
        attach = self.send("attach", arguments)
        await self._wait(
            lambda: attach in self._responses or any(event["event"] == "initialized" for event in self._events),
            "neither 'initialized' nor an error",
            limit_s,
        )
        if attach in self._responses:
            await self.response(attach)
        await self.event("initialized")
        found = {}
        for path, lines in (breakpoints or {}).items():
            found[path] = await self.set_breakpoints(path, *lines)
        await self.request("configurationDone")
        await self.response(attach, limit_s)
        return found

    async def set_breakpoints(self, path: str, *lines: int | JsonObject) -> list[JsonObject]:
        """Set a source's breakpoints, lines or SourceBreakpoint objects; return them as the adapter sees them."""
        wanted = [{"line": line} if isinstance(line, int) else line for line in lines]
        body = await self.request("setBreakpoints", {"source": {"path": path}, "breakpoints": wanted})
        found: list[JsonObject] = body["breakpoints"]
        return found

    async def disconnect(self, **arguments: Any) -> None:
        """Disconnect and wait until the adapter has closed the connection."""
        await self.request("disconnect", arguments)
        await self.wait_closed()

    @contextmanager
    def not_reading(self) -> Iterator[None]:
        """Read nothing that the adapter sends, as an editor that has hung."""
        transport = self._reader._transport  # type: ignore[attr-defined]
        transport.pause_reading()
        try:
            yield
        finally:
            transport.resume_reading()

    async def wait_closed(self, limit_s: float = LIMIT_S) -> None:
        """Wait until the adapter has closed the connection."""
        await self._wait(lambda: self._ended, "the adapter did not close the connection", limit_s)

    def close(self) -> None:
        """End the client's side, as an editor that goes away."""
        self._writer.close()

    def close_sending(self) -> None:
        """End the client's sending alone."""
        self._writer.write_eof()

    # Looking back

    def received(self, *names: str) -> list[str]:
        """Return commands of responses and names of events in the order they came; only `names` if there are any."""
        found = [
            message.get("event") or message["command"] for message in self.transcript if message["type"] != "request"
        ]
        return [name for name in found if not names or name in names]

    @property
    def stderr(self) -> str:
        """What a spawned adapter has written to stderr so far."""
        return self._stderr.decode(errors="replace")

    async def _wait(self, found: Any, problem: str, limit_s: float) -> None:
        try:
            async with asyncio.timeout(limit_s), self._arrived:
                await self._arrived.wait_for(lambda: found() or self._ended or self._broken)
        except TimeoutError:
            raise AssertionError(self._report(f"{problem} within {limit_s} s")) from None
        if not found():
            raise AssertionError(self._report(f"{problem}: {self._broken or 'the connection has ended'}"))

    def _report(self, problem: str) -> str:
        lines = [json.dumps(message) for message in self.transcript]
        return "\n".join([problem, "transcript:", *lines, *(["stderr:", self.stderr] if self.process else [])])

    async def _read_messages(self) -> None:
        try:
            while message := await self._read_message():
                self.transcript.append(message)
                if self.validate:
                    check_message(message, from_adapter=True)
                if message["type"] == "response":
                    self._responses[message["request_seq"]] = message
                else:
                    self._events.append(message)
                await self._tell()
        except (AssertionError, ValueError, KeyError) as error:
            self._broken = error
        except ConnectionError:
            pass
        self._ended = True
        await self._tell()

    async def _read_message(self) -> JsonObject | None:
        header = await self._reader.readline()
        if not header:
            return None
        name, _, size = header.partition(b":")
        if name != b"Content-Length" or await self._reader.readline() != b"\r\n":
            raise ValueError(f"not a DAP header: {header!r}")
        try:
            message: JsonObject = json.loads(await self._reader.readexactly(int(size)))
        except asyncio.IncompleteReadError as error:
            raise ValueError(f"the adapter ended inside of a message: {error.partial!r}") from None
        return message

    async def _read_stderr(self) -> None:
        assert self.process
        assert self.process.stderr
        with suppress(ConnectionError):
            while data := await self.process.stderr.read(65536):
                self._stderr += data
                await self._tell()

    async def wait_stderr(self, text: str, limit_s: float = LIMIT_S) -> None:
        """Wait until a spawned adapter has written `text` to stderr."""
        await self._wait(lambda: text in self.stderr, f"no {text!r} on stderr", limit_s)

    async def _tell(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()
