"""The host's half of the agent: what a session asks of it, and its debuggers as transports. Knows no MI.

`connect` reads up to the hello by itself; from then on `run` reads, as a task of the session; `aclose` needs neither.
"""

import asyncio
import itertools
import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec
from msgspec import Raw, Struct

from dapbridge.agent.bundle import SILENCE_S, make_bundle
from dapbridge.agent.facts import AgentScope, Hello, Inspection, Libraries, Process, Snapshot
from dapbridge.agent.frames import CONTROL, FIRST_FREE, LOG, MAX_CHUNK, Channels, FrameError
from dapbridge.errors import ProtocolError, UserError
from dapbridge.transport import Feeding, Take, Transport

log = logging.getLogger(__name__)

Step = tuple[str, float] | tuple[str, str, float]
"""("close_stdin", seconds), ("farewell", …), ("hang_up", …), ("signal", "INT", …): what is done, and how long it may
take to work."""

GDB_LADDER: tuple[Step, ...] = (("close_stdin", 3.0), ("signal", "INT", 2.0), ("signal", "TERM", 2.0))
"""Makes gdb let go: it detaches at its stdin's end, but in a call into the target only a SIGINT brings it there."""

_LAST_STEPS_S = 10.0
"""What the agent may need after a ladder: killing and healing, ending orphans, its last words."""

_T = TypeVar("_T")


class _Message(Struct):
    """A control message of the agent: an answer (id with result or error), or an event."""

    id: int | None = None
    result: Raw = Raw(b"null")
    error: str | None = None
    bug: bool = False
    event: str | None = None
    hello: Hello | None = None
    text: str = ""
    child: int = 0
    status: int = 0


class _Receiver(Protocol):
    def receive(self, data: bytes | None) -> None:
        """Take what came on the channel; None is its end."""
        ...


class Agent:
    """The agent in one sidecar. Calls raise UserError where it can't do what is asked, ProtocolError once it's gone."""

    hello: Hello
    _ping_timer: asyncio.TimerHandle
    _silence_timer: asyncio.TimerHandle

    def __init__(self, transport: Transport, silence_s: float) -> None:
        self._transport = transport
        self._silence_s = silence_s
        self._channels = Channels()
        self._channels.open(LOG)
        self._receivers: dict[int, _Receiver] = {LOG: _LogLines(self)}
        self._children: dict[int, Child] = {}
        self._answers: dict[int, asyncio.Future[Raw]] = {}
        self._room_waiters: list[asyncio.Future[None]] = []
        self._ids = itertools.count(1)
        self._free_channels = itertools.count(FIRST_FREE)
        self._release_limit_s = _LAST_STEPS_S
        self._is_running = False
        self._heard_at = time.monotonic()
        self._end_reason: str | None = None
        self._letting_go: str | None = None
        self._released = False
        self._ended = asyncio.Event()

    @classmethod
    async def connect(
        cls,
        transport: Transport,
        scope: AgentScope,
        *,
        early_argv: Sequence[str] = (),
        timeout_s: float = 30,
        silence_s: float = SILENCE_S,
    ) -> "Agent":
        """Send the agent to the bootstrap that waits behind `transport`, and return with its hello.

        early_argv: a debugger that `spawn` will be asked for, started before anything else; it ends with the agent if
        it isn't.
        silence_s: how long one side may hear nothing before it takes the other for gone.
        The transport stays the caller's. Raises UserError (with what the agent misses), ProtocolError.
        """
        agent = cls(transport, silence_s)
        try:
            async with asyncio.timeout(timeout_s):
                transport.write(make_bundle(scope, silence_s=silence_s, early_argv=early_argv))
                while not hasattr(agent, "hello"):
                    if not agent._take(await transport.read()):
                        raise ProtocolError(f"no hello from the agent in the sidecar: {agent._end_reason}")
        except TimeoutError:
            raise ProtocolError(f"no hello from the agent in the sidecar within {timeout_s:g} s") from None
        agent._send({"request": "ping"})
        return agent

    async def run(self) -> None:
        """Read and ping until the stream's end; then every call that waits fails with ProtocolError."""
        if self._is_running or self._end_reason is not None:
            await self._ended.wait()
            return
        self._is_running = True
        self._heard_at = time.monotonic()
        self._ping()
        try:
            async with asyncio.timeout(None) as silence:
                self._check_silence(silence)
                if not await self._transport.feed(self._take):
                    self._take(b"")
        except TimeoutError:
            self._finish_silent()
        finally:
            self._is_running = False
            self._ping_timer.cancel()
            self._silence_timer.cancel()

    async def processes(self) -> tuple[Process, ...]:
        """List the target's processes, the earliest-started first."""
        return await self._ask(tuple[Process, ...], "processes")

    async def inspect(self, pid: int) -> Inspection:
        """Look at one process afresh: its facts, its tracer, and why we may not trace it."""
        return await self._ask(Inspection, "inspect", pid=pid)

    async def read_file(self, pid: int, path: str | None, offset: int, length: int) -> bytes:
        """Read at most `length` bytes (and at most 1 MiB) of a file in the root of `pid`; None is its program."""
        channel = self._open_channel()
        content = self._receivers[channel] = _Content(self, channel)
        self._channels.close(channel)
        arguments = {"pid": pid, "path": path, "offset": offset, "length": length}
        await self._ask(Any, "read_file", channel=channel, **arguments)
        return await content.whole()

    async def resolve(self, pid: int, path: str) -> str:
        """Return the path without symlinks, inside the root of process `pid`."""
        return await self._ask(str, "resolve", pid=pid, path=path)

    async def link_libraries(self, pid: int, paths: Sequence[str] = (), *, beside: int | None = None) -> Libraries:
        """Bring the shadow sysroot of process `pid` up to date with its libraries and with `paths`.

        beside: a process that shares its sysroot with this one.
        """
        return await self._ask(Libraries, "link_libraries", pid=pid, paths=list(paths), beside=beside)

    async def write_file(self, name: str, chunks: Iterable[bytes]) -> str:
        """Write a file that is private to the agent and gone with it; return its path in the sidecar."""
        channel = self._open_channel()
        answer = self._request("write_file", name=name, channel=channel)
        for chunk in chunks:
            for start in range(0, len(chunk), MAX_CHUNK):
                if answer.done():
                    break
                self._channels.send(channel, chunk[start : start + MAX_CHUNK])
                self._flush()
                await self._drain(channel, answer.done)
        self._channels.close(channel)
        self._flush()
        return msgspec.json.decode(await answer, type=str)

    async def directory(self, name: str) -> str:
        """Make a directory that is private to the agent and gone with it; return its path in the sidecar."""
        return await self._ask(str, "directory", name=name)

    async def spawn(
        self,
        argv: Sequence[str],
        *,
        env: Mapping[str, str] | None = None,
        ladder: Sequence[Step] = GDB_LADDER,
        pid: int | None = None,
    ) -> "Child":
        """Start a debugger in the sidecar; `env` comes on top of the sidecar's own.

        ladder: how it is made to let go; after the last step it is killed.
        pid: the process that it will trace (None: the main one), the first to be healed should it die.
        """
        channel = self._open_channel()
        child = self._receivers[channel] = self._children[channel] = Child(self, channel)
        self._release_limit_s = max(self._release_limit_s, _LAST_STEPS_S + sum(float(step[-1]) for step in ladder))
        try:
            await self._ask(
                Any, "spawn", argv=list(argv), env=dict(env or {}), channel=channel, ladder=list(ladder), pid=pid
            )
        except UserError:
            del self._children[channel]
            self._close_channel(channel)
            raise
        return child

    async def open_connection(self, child: "Child | None", address: str) -> "Channel":
        """Connect from the sidecar to what a debugger serves at "unix:PATH" or "HOST:PORT"; ends with the debugger.

        The step "hang_up" of its ladder ends the connection too. child: None for a debugger that runs elsewhere.
        """
        number = self._open_channel()
        channel = self._receivers[number] = Channel(self, number)
        try:
            await self._ask(Any, "connect", child=child and child.number, address=address, channel=number)
        except UserError:
            self._close_channel(number)
            raise
        return channel

    def set_farewell(self, channel: "Channel", farewell: bytes) -> None:
        """Have the agent say this on a connection at the end, whatever that comes from.

        To a debugger elsewhere it is said at the agent's own end; to a child by the step "farewell" of its ladder.
        """
        self._tell("set_farewell", channel=channel.number, farewell=farewell.decode())

    async def heal(self, pid: int, *, forks: bool = False) -> None:
        """Take the breakpoints of a lost debugger out of process `pid`, and continue it if it was left stopped.

        forks: its descendants are continued too.
        """
        await self._ask(Any, "heal", pid=pid, forks=forks)

    async def snapshot(self, pid: int, *, data: bool = False) -> Snapshot:
        """Copy all threads of process `pid` in one short freeze, and with `data` what it has written to its memory."""
        return await self._ask(Snapshot, "snapshot", pid=pid, data=data)

    async def drop_snapshot(self, snapshot: Snapshot) -> None:
        """Free the memory of a snapshot that no debugger reads any more."""
        await self._ask(Any, "drop_snapshot", core=snapshot.core)

    async def aclose(self) -> None:
        """Make the agent let go, wait (bounded) until it has ended, and close the transport. May be called twice."""
        if self._end_reason is None:
            self._send({"id": next(self._ids), "request": "release", "arguments": {}})
            try:
                async with asyncio.timeout(self._release_limit_s):
                    await self.run()
            except TimeoutError:
                self._finish(f"it has not let go within {self._release_limit_s:g} s")
        await self._transport.aclose()

    async def wait_closed(self) -> None:
        """Return once the agent is gone."""
        await self._ended.wait()

    @property
    def letting_go(self) -> str | None:
        """Why the agent ends its debuggers and itself; None while it does not."""
        return self._letting_go

    @property
    def released(self) -> bool:
        """Whether the agent has said that it has let go of everything: else its sidecar was killed."""
        return self._released

    @property
    def end_reason(self) -> str | None:
        """Why the agent is gone; None while it isn't."""
        return self._end_reason

    def _take(self, data: bytes) -> bool:
        """Take the next bytes of the stream, b"" at its end; return False after that."""
        if not data:
            self._finish(f"it has let go of the target ({self._letting_go})" if self._released else "its stream ended")
            return False
        now = time.monotonic()
        if self._is_running and now - self._heard_at >= self._silence_s:
            # This process itself has stood still: what has waited since is as old, and the agent has let go.
            self._finish_silent()
            return False
        self._heard_at = now
        try:
            events = self._channels.receive_data(data)
            for channel, payload in events:
                if channel == CONTROL:
                    self._take_message(msgspec.json.decode(payload or b"", type=_Message))
                elif channel in self._receivers:
                    self._receivers[channel].receive(payload)
                    if payload is None:
                        del self._receivers[channel]
        except (FrameError, msgspec.DecodeError) as error:
            self._finish(f"its stream is broken: {error}")
            return False
        self._flush()
        waiters, self._room_waiters = self._room_waiters, []
        for waiter in waiters:
            _wake(waiter)
        return True

    def _take_message(self, message: _Message) -> None:
        if message.id is not None:
            answer = self._answers.pop(message.id, None)
            if answer is None or answer.done():
                return
            if message.error is None:
                answer.set_result(message.result)
            else:
                error = ProtocolError if message.bug else UserError
                answer.set_exception(error(message.error))
        elif message.event == "hello" and message.hello is not None:
            self.hello = message.hello
        elif message.event == "letting_go":
            self._letting_go = message.text
        elif message.event == "released":
            self._released = True
        elif message.event == "refused":
            raise UserError(message.text)
        elif message.event == "child_exited" and message.child in self._children:
            self._children.pop(message.child).exited(message.status)
            self._channels.close(message.child)

    async def _ask(self, answer_type: type[_T], request: str, **arguments: Any) -> _T:
        return msgspec.json.decode(await self._request(request, **arguments), type=answer_type)

    def _request(self, request: str, **arguments: Any) -> asyncio.Future[Raw]:
        if self._end_reason is not None:
            raise ProtocolError(f"the agent is gone: {self._end_reason}")
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        self._send({"id": number, "request": request, "arguments": arguments})
        return answer

    def _tell(self, request: str, *, flush: bool = True, **arguments: Any) -> None:
        """Send what has no answer; what is written after this arrives after it."""
        if self._end_reason is not None:
            raise ProtocolError(f"the agent is gone: {self._end_reason}")
        self._send({"request": request, "arguments": arguments}, flush=flush)

    def _send(self, message: dict[str, Any], *, flush: bool = True) -> None:
        self._channels.send_control(msgspec.json.encode(message))
        if flush:
            self._flush()

    def _flush(self) -> None:
        while data := self._channels.data_to_send():
            self._transport.write(data)

    def _open_channel(self) -> int:
        channel = next(self._free_channels)
        self._channels.open(channel)
        return channel

    def _close_channel(self, channel: int) -> None:
        self._channels.close(channel)
        self._flush()

    def _consume(self, channel: int, size: int) -> None:
        self._channels.consume(channel, size)
        self._flush()

    async def _drain(self, channel: int, is_over: Callable[[], bool]) -> None:
        """Wait until the channel has room, and the transport too; or until it matters no longer."""
        while not self._channels.room(channel) and not is_over():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._room_waiters.append(waiter)
            await waiter
        await self._transport.drain()

    def _ping(self) -> None:
        self._send({"request": "ping"})
        self._ping_timer = asyncio.get_running_loop().call_later(self._silence_s / 4, self._ping)

    def _check_silence(self, silence: asyncio.Timeout) -> None:
        # A timer that is put off by all that comes would cost more than the rest of the reading.
        loop = asyncio.get_running_loop()
        left_s = self._heard_at + self._silence_s - time.monotonic()
        if left_s > 0:
            self._silence_timer = loop.call_later(left_s, self._check_silence, silence)
        else:
            silence.reschedule(loop.time())

    def _finish_silent(self) -> None:
        self._finish(f"nothing heard from it for {self._silence_s:g} s")

    def _finish(self, reason: str) -> None:
        if self._end_reason is not None:
            return
        self._end_reason = reason
        log.info("the agent is gone: %s", reason)
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(ProtocolError(f"the agent is gone: {reason}"))
        self._answers.clear()
        for receiver in self._receivers.values():
            receiver.receive(None)
        self._receivers.clear()
        for child in self._children.values():
            child.exited(None)
        self._children.clear()
        for waiter in self._room_waiters:
            _wake(waiter)
        self._room_waiters.clear()
        self._ended.set()


class Channel:
    """A Transport to something in the sidecar, over the channel `number`. At its end `read` gives b""."""

    def __init__(self, agent: Agent, number: int) -> None:
        self.number = number
        self._agent = agent
        self._received: list[bytes] = []
        self._at_end = False
        self._reader: asyncio.Future[None] | None = None
        self._feeding: Feeding | None = None

    async def read(self) -> bytes:
        """See Transport."""
        while not self._received:
            if self._at_end:
                return b""
            self._reader = asyncio.get_running_loop().create_future()
            await self._reader
        data = self._received[0] if len(self._received) == 1 else b"".join(self._received)
        self._received.clear()
        self._agent._consume(self.number, len(data))
        return data

    async def feed(self, take: Take) -> bool:
        """See Transport."""
        if self._received and not take(await self.read()):
            return True
        if self._at_end:
            return False
        self._feeding = Feeding(take)
        return await self._feeding.wait()

    def write(self, data: bytes) -> None:
        """See Transport."""
        self._agent._channels.send(self.number, data)
        self._agent._flush()

    async def drain(self) -> None:
        """See Transport."""
        if not self._is_over():
            await self._agent._drain(self.number, self._is_over)

    async def aclose(self) -> None:
        """End our direction after what was written; what is connected decides when it ends the other one."""
        self._agent._close_channel(self.number)

    def receive(self, data: bytes | None) -> None:
        """Take what came; None is its end."""
        feeding = self._feeding if self._feeding is not None and not self._feeding.is_over else None
        if data is None:
            self._at_end = True
            if feeding is not None:
                feeding.end()
        elif feeding is not None:
            self._agent._channels.consume(self.number, len(data))
            feeding.receive(data)
        else:
            self._received.append(data)
        if self._reader is not None:
            _wake(self._reader)

    def _is_over(self) -> bool:
        return self._at_end


class Child(Channel):
    """A debugger in the sidecar: its stdin and stdout. At its stdout's end `read` gives b""."""

    def __init__(self, agent: Agent, number: int) -> None:
        super().__init__(agent, number)
        self._status: int | None = None
        self._exited = asyncio.Event()

    async def look_after(self, pid: int, parent: int | None = None) -> None:
        """Note that it has process `pid` too, to be healed should it die.

        parent: of what it is a fork; None: it has become a new program.
        """
        if not self._exited.is_set():
            await self._agent._ask(Any, "look_after", child=self.number, pid=pid, parent=parent)

    def lift_breakpoints_at(self, channel: Channel, cue: bytes) -> None:
        """Have its breakpoints taken out of the target when it says `cue` on a connection to it: the target stands.

        Only while that is allowed by `lift_breakpoints`.
        """
        self._agent._tell("lift_at", child=self.number, channel=channel.number, cue=cue.decode())

    def lift_breakpoints(self, *, stands: bool) -> None:
        """Let its breakpoints be out while the target stands, and at once if it `stands` now.

        Until `put_breakpoints_back`. It is not told: nothing may be asked of it meanwhile that has to do with them.
        Nobody waits for either; what is written after them comes after them.
        """
        self._agent._tell("lift_breakpoints", child=self.number, stands=stands)

    def put_breakpoints_back(self, *, until_stop: bool) -> None:
        """Have put in again what was taken out, and left in until `lift_breakpoints`, or until the target stands again.

        Goes out with what is written next.
        """
        self._agent._tell("put_breakpoints_back", child=self.number, until_stop=until_stop, flush=False)

    async def signal(self, name: str) -> None:
        """Signal the debugger ("INT"), past its stdin; ignored once it has ended."""
        if not self._exited.is_set():
            await self._agent._ask(Any, "signal", child=self.number, signal=name)

    async def wait(self) -> int:
        """Return its exit code, or minus the signal that ended it. Raises ProtocolError if the agent went first."""
        await self._exited.wait()
        if self._status is None:
            raise ProtocolError(f"the agent is gone: {self._agent.end_reason}")
        return self._status

    async def aclose(self) -> None:
        """Make it let go by its ladder, and wait until it has ended."""
        if not self._exited.is_set():
            try:
                await self._agent._ask(Any, "let_go", child=self.number)
            except ProtocolError:
                return
            await self._exited.wait()

    def exited(self, status: int | None) -> None:
        """Note its end; None: with the agent."""
        self._status = status
        self._exited.set()

    def _is_over(self) -> bool:
        return self._exited.is_set()


class _Content:
    """What comes on a channel up to its end."""

    def __init__(self, agent: Agent, channel: int) -> None:
        self._agent = agent
        self._channel = channel
        self._parts: list[bytes] = []
        self._at_end = asyncio.Event()

    def receive(self, data: bytes | None) -> None:
        if data is None:
            self._at_end.set()
        else:
            self._parts.append(data)
            self._agent._channels.consume(self._channel, len(data))

    async def whole(self) -> bytes:
        await self._at_end.wait()
        return b"".join(self._parts)


class _LogLines:
    """The agent's log, line by line into ours."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._rest = b""

    def receive(self, data: bytes | None) -> None:
        *lines, self._rest = (self._rest + (data or b"\n")).split(b"\n")
        for line in lines:
            if line:
                log.info("agent: %s", line.decode("utf-8", "backslashreplace"))
        self._agent._channels.consume(LOG, len(data or b""))


def _wake(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
