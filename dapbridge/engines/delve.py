"""delve: `dlv dap` in the sidecar, relayed; what it is told, and how it is made to let go.

It listens on a unix socket in a directory of the agent's, which nobody else can reach, and takes one client. Its server
is there before it attaches, so what it can do is known while the target still runs untouched.
"""

import asyncio
import itertools
import logging
import re
from contextlib import suppress
from enum import Enum

import msgspec

from dapbridge.agent.client import Agent, Channel, Child, Step
from dapbridge.agent.facts import Process
from dapbridge.config import DELVES_OWN, AttachConfig
from dapbridge.dap.connection import DapConnection
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.engines.delve_lifting import LiftedBreakpoints
from dapbridge.engines.relay.debugger import error_text
from dapbridge.engines.relay.dialect import Ask, M
from dapbridge.errors import DapbridgeError, ProtocolError, UserError
from dapbridge.go_files import read_remote_go_files
from dapbridge.transport import Transport

log = logging.getLogger(__name__)

LADDER: tuple[Step, ...] = (("farewell", 1.0), ("hang_up", 12.0), ("signal", "INT", 4.0))
"""Makes dlv let go: it detaches when its client is gone. A signal first would leave its breakpoints armed for seconds;
but while it calls a function of the target it hears nothing else. The farewell has an interrupted call come to its end:
its goroutine would run into a trap of the call's that nobody handles any more."""

TARGET_END_LIMIT_S = 3.0

_FIRST_FAREWELL = 1 << 30
"""Numbers the farewell's requests, above those of any session."""

_LISTENING = b"listening at:"
_CURRENT_THREAD: JsonObject = {"id": -1, "name": "the thread that stopped"}
_CALL = re.compile(r"\s*call\b")


class Delve:
    """See `relay.dialect.Dialect`."""

    name = "dlv"
    hidden: frozenset[str] = frozenset()
    stands_since: float | None = None

    def __init__(self, agent: Agent, process: Process, tasks: asyncio.TaskGroup) -> None:
        self._agent = agent
        self._process = process
        self._tasks = tasks
        self._child: Child | None = None
        self._reader: asyncio.Task[None] | None = None
        self._files: tuple[str, ...] | None = None
        self._words = Words()
        self._farewell = Farewell(agent)
        self._lifted = LiftedBreakpoints()
        self._call = _Call.NONE

    async def start(self, config: AttachConfig) -> Transport:
        """See Dialect."""
        directory = await self._agent.directory("delve")
        address = f"unix:{directory}/dlv.sock"
        # Its configuration is looked for below XDG_CONFIG_HOME, and made if there is none.
        try:
            self._child = child = await self._agent.spawn(
                ["dlv", "dap", f"--listen={address}"],
                env={"XDG_CONFIG_HOME": directory, "HOME": directory},
                ladder=LADDER,
                pid=self._process.pid,
            )
        except UserError as error:
            raise UserError(f"{error}; Go programs need Delve there (1.22.1 or newer)") from None
        await _wait_listening(child)
        self._reader = self._tasks.create_task(_log_output(child))
        channel = await self._agent.open_connection(child, address)
        self._farewell.open(channel)
        self._lifted.open(child, channel)
        return channel

    def attach_arguments(self, given: JsonObject, stop_on_entry: bool) -> JsonObject:
        """See Dialect."""
        return {**own_settings(given), "mode": "local", "processId": self._process.pid, "stopOnEntry": stop_on_entry}

    def on_sent(self, request: Request) -> None:
        """See Dialect."""
        self._farewell.note(request.command, request.arguments)
        if is_call(request):
            self._call = _Call.RUNS
        self._farewell.set(self._call is not _Call.NONE)
        self._lifted.note_sending(request.seq, request.command, is_call(request))

    def on_answered(self, response: Response) -> None:
        """See Dialect."""
        if self._call is _Call.RUNS and response.command == "evaluate":
            interrupted = not response.success and "call stopped" in error_text(response)
            self._call = _Call.INTERRUPTED if interrupted else _Call.NONE
            self._farewell.set(interrupted)
        self._lifted.note_answered(response.request_seq, response.command, response.success)

    def explain(self, error: str) -> str:
        """See Dialect."""
        return explain(error)

    def find_refusal(self, request: Request) -> str | None:
        """See Dialect."""
        if self._call is _Call.INTERRUPTED and is_call(request):
            return "the call before this one was interrupted and has not returned yet: let the target go on first"
        return None

    def changes_target(self, request: Request) -> bool:
        """See Dialect."""
        return is_call(request)

    def to_client(self, message: M) -> M:
        """See Dialect."""
        if isinstance(message, Event):
            self._lifted.note_event(message)
        if self._call is _Call.INTERRUPTED and _says_that_a_call_returned(message):
            self._call = _Call.NONE
            self._farewell.set(False)
        return self._words.to_client(message)

    def note_on(self, message: Response | Event) -> str | None:
        """See Dialect."""
        return note_on(message)

    async def find_sources(self, file_name: str, ask: Ask) -> list[str]:
        """Find it among the files that the Go runtime's own tables name: they are in stripped programs too."""
        if self._files is None:
            self._files = await self._read_files()
        return sorted({path for path in self._files if path.rpartition("/")[2] == file_name})

    async def wait_target_end(self) -> None:
        """Wait for the sidecar's end where the main process has ended: the runtime knows its exit code."""
        if self._process.pid == self._agent.hello.main_pid:
            try:
                async with asyncio.timeout(TARGET_END_LIMIT_S):
                    await self._agent.wait_closed()
            except TimeoutError:
                log.info("the main process has ended, and the sidecar has not")

    async def wait_end(self) -> str | None:
        """See Dialect."""
        if self._child is None:
            return None
        try:
            status = await self._child.wait()
        except ProtocolError:
            # The sidecar's end, which is told by who watches that.
            return None
        if self._agent.letting_go is not None:
            return None
        how = f"killed by signal {-status}" if status < 0 else f"exit code {status}"
        return f"{how}; its breakpoints were taken out of the target"

    async def let_go(self) -> None:
        """See Dialect."""
        if self._child is not None:
            await self._child.aclose()
        if self._reader is not None:
            self._reader.cancel()

    async def _read_files(self) -> tuple[str, ...]:
        async def read(offset: int, length: int) -> bytes:
            return await self._agent.read_file(self._process.pid, None, offset, length)

        try:
            return await read_remote_go_files(read)
        except ProtocolError:
            raise
        except DapbridgeError as error:
            log.info("no list of sources: %s", error)
            return ()


class _Call(Enum):
    """How far a call into the target is. Another one can't begin before an interrupted one has returned."""

    NONE = 0
    RUNS = 1
    INTERRUPTED = 2


class Farewell:
    """What dlv is told when the session ends, by the agent, for the bridge may be dead: breakpoints out, go on."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._channel: Channel | None = None
        self._said = b""
        # The requests that take out what was put in, by what they are for.
        self._clearing: dict[str, tuple[str, JsonObject]] = {}

    def open(self, channel: Channel) -> None:
        """Set what is to be said on this connection from now on."""
        self._channel = channel

    def note(self, command: str, arguments: JsonObject) -> None:
        """Take note of a request that is sent to dlv."""
        if command == "setBreakpoints":
            source = arguments.get("source")
            self._clearing[f"{command} {source}"] = (command, {"source": source, "breakpoints": []})
        elif command in ("setFunctionBreakpoints", "setInstructionBreakpoints"):
            self._clearing[command] = (command, {"breakpoints": []})

    def set(self, wanted: bool) -> None:
        """Have it said, with all that was noted up to now, or not."""
        if self._channel is None:
            return
        farewell = self._make() if wanted else b""
        if farewell != self._said:
            self._said = farewell
            with suppress(ProtocolError):  # the agent is gone, and has said the last one
                self._agent.set_farewell(self._channel, farewell)

    def _make(self) -> bytes:
        numbers = itertools.count(_FIRST_FAREWELL)
        connection = DapConnection()
        requests = [*self._clearing.values(), ("continue", {"threadId": 1})]
        return b"".join(connection.send(Request(next(numbers), name, body)) for name, body in requests)


class Words:
    """What dlv leaves out of its messages and DAP or a client needs."""

    def __init__(self) -> None:
        self._has_goroutine = True

    def to_client(self, message: M) -> M:
        """Complete a message.

        Where no goroutine is known (a thread of C, a program without debug info) the thread that has stopped has no
        name, or a dummy's, of which dlv knows nothing; as -1 it knows it.
        """
        body = message.body or {}
        if isinstance(message, Event) and message.event == "stopped":
            self._has_goroutine = "threadId" in body
            if not self._has_goroutine:
                return msgspec.structs.replace(message, body={**body, "threadId": _CURRENT_THREAD["id"]})
        if not isinstance(message, Response) or not message.success:
            return message
        if message.command == "exceptionInfo" and not body.get("breakMode"):
            # All that it stops at ends the program.
            return msgspec.structs.replace(message, body={**body, "breakMode": "unhandled"})
        if message.command == "threads" and not self._has_goroutine:
            known: list[JsonObject] = [each for each in body.get("threads") or [] if each.get("name") != "Dummy"]
            return msgspec.structs.replace(message, body={**body, "threads": [_CURRENT_THREAD, *known]})
        return message


def own_settings(given: JsonObject) -> JsonObject:
    """Return those of the client's arguments that are for dlv."""
    return {name: value for name, value in given.items() if name in DELVES_OWN and value is not None}


def explain(error: str) -> str:
    """Return what to do about an error of dlv's at its attach."""
    if "too new" in error or "too old" in error or "unsupported version" in error.lower():
        return (
            'a "sidecar": {"image": ...} with the Delve for this Go is what it takes; "engine": "gdb" works with limits'
        )
    if "debug info" in error or "debug_info" in error:
        return 'build without -ldflags="-s -w"; "engine": "gdb" shows what is left without it'
    return ""


def is_call(request: Request) -> bool:
    """Tell whether dlv lets the target run some of its code at this request: `call f()`, also `call x = 1`."""
    expression = request.arguments.get("expression")
    return request.command == "evaluate" and isinstance(expression, str) and _CALL.match(expression) is not None


def _says_that_a_call_returned(message: Response | Event) -> bool:
    """Tell whether this is the stop where an interrupted call has come to its end, which is at no breakpoint."""
    body = message.body or {}
    return (
        isinstance(message, Event)
        and message.event == "stopped"
        and body.get("reason") == "breakpoint"
        and not body.get("hitBreakpointIds")
    )


def note_on(message: Response | Event) -> str | None:
    """Return a note on a function that was compiled with optimisation: dlv tells that by the names of its scopes."""
    if not isinstance(message, Response) or message.command != "scopes":
        return None
    scopes = (message.body or {}).get("scopes")
    if isinstance(scopes, list) and any("optimized function" in str(each.get("name")) for each in scopes):
        return (
            "This function was compiled with optimisation: variables may be missing or out of date, and steps may jump."
            " Build with -gcflags='all=-N -l' to see all of it."
        )
    return None


async def _wait_listening(child: Child) -> None:
    """Wait until dlv takes a client. Raises UserError with its own words if it never does."""
    said = b""
    while _LISTENING not in said:
        data = await child.read()
        if not data:
            text = said.decode("utf-8", "replace").strip() or "its log has the reason"
            raise UserError(f"dlv did not start in the sidecar: {text} (it has to be Delve 1.22.1 or newer)")
        said += data


async def _log_output(child: Child) -> None:
    while data := await child.read():
        for line in data.decode("utf-8", "replace").splitlines():
            log.info("dlv: %s", line)
