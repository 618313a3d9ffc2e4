"""One debug session: DAP's states and order of messages, and the only writer to the client.

Theory of operation. Requests come in by `receive_data`, engine messages by `_from_engine`; both are handled to the end
in the call that brings them, so nothing waits in a queue on the way. Only three things take time, each a task: the
attachment (from `attach` until the target is let go), learning a substitute-path rule, and `run`, which waits for the
client to leave. While the first two keep later requests from the engine, these are held in order. `_pending` knows
every request that has been taken and not answered; whatever ends the session answers what is left in it.

Letting go is always cancelling the attachment task, also at the target's own end; the end of `run`'s TaskGroup is what
waits for it.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol

import msgspec
from msgspec import Struct

from dapbridge.config import AttachConfig, parse_attach, warnings
from dapbridge.dap.connection import BadMessage, DapConnection
from dapbridge.dap.describe import describe
from dapbridge.dap.messages import Event, JsonObject, Message, Request, Response
from dapbridge.engines.base import Engine
from dapbridge.errors import EngineError, ProtocolError, UserError
from dapbridge.failures import find_cause, format_bug, format_failure
from dapbridge.log import session_id
from dapbridge.path_gate import PathGate
from dapbridge.prepared import Prepare, Prepared, TargetEnd
from dapbridge.progress import ProgressReport, output
from dapbridge.session_arguments import (
    COMMON_CAPABILITIES,
    CancelArguments,
    DisconnectArguments,
    InitializeArguments,
    convert,
    convert_leniently,
)
from dapbridge.session_states import State, find_refusal
from dapbridge.shielded import run_to_end

LET_GO_LIMIT_S = 30
LEARN_LIMIT_S = 5
MAX_HELD_REQUESTS = 1000

log = logging.getLogger(__name__)
wire_log = logging.getLogger("dapbridge.wire.client")


class Client(Protocol):
    """Where a session's bytes for the client go."""

    def write(self, data: bytes) -> None:
        """Send at once, or queue; ignored when the client is gone."""
        ...

    def close(self) -> None:
        """End the connection after what was written; may be called twice."""
        ...


class _Started(Struct, frozen=True):
    """A started engine, and the attachment's TaskGroup for what is done with it."""

    engine: Engine
    tasks: asyncio.TaskGroup


class Session:
    """A client's debug session. `run` lives as long as it does; bytes may come from the first step of `run` on."""

    def __init__(self, client: Client, prepare: Prepare, name: str) -> None:
        self._client = client
        self._prepare = prepare
        self._name = name
        self._connection = DapConnection()
        self._state = State.CONNECTED
        self._progress_supported = False
        self._unwanted_events: frozenset[str] = frozenset()
        self._pending: dict[int, str] = {}
        self._left = asyncio.Event()
        self._disconnect_request: Request | None = None
        self._muted = False
        self._exited_told = False
        self._terminated_told = False
        # The attachment, if there is one.
        self._attach_request: Request | None = None
        self._attachment: asyncio.Task[None] | None = None
        self._attach_failure: Exception | None = None
        self._progress: ProgressReport | None = None
        self._gate = PathGate(())
        self._started: _Started | None = None
        # Requests that wait, in order, for the engine to start or a path rule to be learned.
        self._held: deque[Request] = deque()
        self._learning = False

    async def run(self) -> None:
        """Serve the client until it has left and the target is let go."""
        session_id.set(self._name)
        try:
            async with asyncio.TaskGroup() as self._tasks:
                await self._left.wait()
                self._let_go()
            if self._disconnect_request:
                self._say_goodbye(self._disconnect_request)
        finally:
            self._client.close()

    def receive_data(self, data: bytes) -> None:
        """Take bytes from the client."""
        session_id.set(self._name)
        try:
            for message in self._connection.receive_data(data):
                self._take(message)
        except ProtocolError as error:
            log.warning("closing the connection, the client broke DAP's framing: %s", error)
            self.client_gone()
            self._client.close()

    def client_gone(self) -> None:
        """The client has left without a word, or has to: let go of the target and end, saying nothing more."""
        if self._disconnect_request is None:
            self._muted = True
        self._leave()

    def wait_for_client(self, waits: bool) -> None:
        """Have the engine wait while the client is far behind in reading."""
        if self._started:
            self._started.engine.wait_for_client(waits)

    # From the client

    def _take(self, message: Message | BadMessage) -> None:
        if wire_log.isEnabledFor(logging.DEBUG):
            wire_log.debug("client < %s", describe(message))
        match message:
            case Request():
                self._guarded(self._take_request, message)
            case BadMessage():
                self._answer_bad_message(message)
            case _:
                log.warning("ignored, for a client sends requests only: %s", describe(message))

    def _guarded(self, handle: Callable[[Request], None], request: Request) -> None:
        """Handle a request; whatever goes wrong spoils this request alone."""
        try:
            handle(request)
        except (UserError, EngineError) as error:
            self._refuse(request.seq, request.command, str(error), show_user=True)
        except Exception as error:
            log.exception("bug in the handling of %s", describe(request))
            self._refuse(request.seq, request.command, format_bug(error))

    def _take_request(self, request: Request) -> None:
        refusal = find_refusal(self._state, request.command)
        if refusal is None and request.seq in self._pending:
            refusal = f"seq {request.seq} is that of a request that has not been answered yet"
        if refusal is not None:
            # Not by _refuse: a request with the same seq may be pending.
            self._write(Response(request.seq, request.command, False, refusal, show_user=request.command == "launch"))
            return
        self._pending[request.seq] = request.command
        if handle := OWN_REQUESTS.get(request.command):
            handle(self, request)
        elif self._state is State.PREPARING or self._learning or self._held:
            self._hold(request)
        else:
            self._forward(request)

    def _answer_bad_message(self, bad: BadMessage) -> None:
        log.warning("%s", describe(bad))
        if bad.seq is None:
            self._write(output(f"A message to dapbridge was ignored: {bad.error}", "important"))
        else:
            self._write(Response(bad.seq, bad.command or "", False, bad.error))

    def _initialize(self, request: Request) -> None:
        arguments = convert(request, InitializeArguments)
        arguments.check()
        self._progress_supported = arguments.supports_progress_reporting
        self._unwanted_events = arguments.unwanted_events
        self._state = State.INITIALIZED
        self._answer(request, COMMON_CAPABILITIES)

    def _attach(self, request: Request) -> None:
        # First, for a misspelt attribute may be why the rest is refused.
        for warning in warnings(request.arguments):
            self._write(output(warning, "important"))
        config = parse_attach(request.arguments)
        self._gate = PathGate(config.substitute_path)
        self._progress = ProgressReport(
            self._write, f"Attaching to {config.target}", request.seq, self._progress_supported
        )
        self._attach_request = request
        self._attach_failure = None
        self._state = State.PREPARING
        self._attachment = self._tasks.create_task(self._run_attachment(config, self._progress))
        # A callback, because a task that is cancelled before its first step runs no line of its own.
        self._attachment.add_done_callback(lambda _: self._conclude_attachment(request))

    def _cancel(self, request: Request) -> None:
        arguments = convert(request, CancelArguments)
        if arguments.request_id is not None:
            self._cancel_request(arguments.request_id)
        if self._progress and arguments.progress_id == self._progress.progress_id:
            self._cancel_preparation()
        self._answer(request)

    def _cancel_request(self, seq: int) -> None:
        held = next((request for request in self._held if request.seq == seq), None)
        if held:
            self._held.remove(held)
            self._refuse(held.seq, held.command, "cancelled")
        elif self._pending.get(seq) == "attach" and self._state is State.PREPARING:
            self._cancel_preparation()
        elif self._started and seq in self._pending:
            self._started.engine.cancel(seq)

    def _cancel_preparation(self) -> None:
        if self._state is State.PREPARING:
            self._let_go()

    def _disconnect(self, request: Request) -> None:
        self._disconnect_request = request
        self._leave()

    def _leave(self) -> None:
        self._state = State.LEAVING
        self._left.set()

    def _say_goodbye(self, disconnect: Request) -> None:
        arguments = convert_leniently(disconnect, DisconnectArguments)
        self._fail_pending("cancelled", spare=disconnect.seq)
        if arguments.terminate_debuggee and self._attach_request:
            self._write(output("The target was let go and runs on: dapbridge never ends it (terminateDebuggee)."))
        self._answer(disconnect)
        if self._attach_request and not self._terminated_told:
            self._write(Event("terminated"))

    # To the engine

    def _hold(self, request: Request) -> None:
        if len(self._held) >= MAX_HELD_REQUESTS:
            raise UserError(f"more than {MAX_HELD_REQUESTS} requests wait for the target already")
        self._held.append(request)

    def _release_held(self) -> None:
        while self._held and not self._learning:
            self._guarded(self._forward_held, self._held.popleft())

    def _forward_held(self, request: Request) -> None:
        # The state may have changed since the request was held: a second configurationDone, the end of the target.
        if refusal := find_refusal(self._state, request.command):
            self._refuse(request.seq, request.command, refusal)
        else:
            self._forward(request)

    def _forward(self, request: Request) -> None:
        started = self._started
        if started and (path := self._gate.find_unknown_path(request)):
            self._learning = True
            started.tasks.create_task(self._learn(path, request, started.engine))
        else:
            self._send(request)

    def _send(self, request: Request) -> None:
        if not self._started or not self._attach_request:
            raise UserError("there is no target any more")
        engine = self._started.engine
        if request.command == "configurationDone":
            self._state = State.ATTACHED
            engine.send(request)
            engine.send(self._attach_request)
        else:
            engine.send(self._gate.to_target(request))

    async def _learn(self, path: str, request: Request, engine: Engine) -> None:
        """Learn the substitute-path rule for a path if there is one, then forward its request and those behind it."""
        try:
            async with asyncio.timeout(LEARN_LIMIT_S):
                rule = await self._gate.learn(path, engine)
            if rule:
                self._write(output(f"substitutePath: {rule.from_} <- {rule.to} (found by the debug info)"))
        except (TimeoutError, EngineError) as error:
            log.warning("no substitutePath rule for %s: %s", path, error or "the debugger gave no answer in time")
        except Exception:
            log.exception("bug in learning a substitutePath rule for %s", path)
        finally:
            self._learning = False
        if request.seq in self._pending:
            self._guarded(self._send, request)
        self._release_held()

    # The attachment

    async def _run_attachment(self, config: AttachConfig, progress: ProgressReport) -> None:
        """Prepare the target, start the engine, stay until cancelled or the target's end, let go."""
        try:
            async with asyncio.TaskGroup() as tasks:
                prepared = await self._prepare(config, self._from_engine, progress.step, tasks)
                try:
                    progress.step("reading symbols")
                    capabilities = await prepared.engine.start(config)
                    progress.end()
                    self._open_configuration(prepared.engine, tasks, capabilities)
                    self._target_ended(await prepared.wait_ended())
                finally:
                    await _close(prepared)
        except ExceptionGroup as group:
            self._attach_failure = find_cause(group)

    def _open_configuration(self, engine: Engine, tasks: asyncio.TaskGroup, capabilities: JsonObject) -> None:
        if self._state is not State.PREPARING:
            return
        self._started = _Started(engine, tasks)
        self._state = State.CONFIGURING
        if capabilities:
            self._write(Event("capabilities", {"capabilities": capabilities}))
        self._write(Event("initialized"))
        self._release_held()

    def _conclude_attachment(self, attach: Request) -> None:
        """The target is let go: tell the client if it does not know why."""
        failure = self._attach_failure
        self._started = None
        if isinstance(failure, UserError | EngineError):
            log.warning("%s", failure)
        elif failure:
            log.error("bug in a session's attachment", exc_info=failure)
        if self._progress:
            self._progress.end()
        if self._state is State.PREPARING:
            self._state, self._attach_request = State.INITIALIZED, None
            text = format_failure(failure) if failure else "cancelled"
            self._refuse(attach.seq, "attach", text, show_user=failure is not None)
            self._fail_pending(f"'attach' failed: {text}" if failure else "cancelled")
        elif self._state in (State.CONFIGURING, State.ATTACHED):
            text = format_failure(failure) if failure else "the connection to the target was given up"
            self._write(output(text, "important"))
            self._end_debugging(text)
        elif self._state is State.LEAVING and failure:
            self._write(output(format_failure(failure), "important"))

    def _let_go(self) -> None:
        # Once only: a second cancellation would interrupt the cleaning up after the first.
        if self._attachment and not self._attachment.cancelling():
            self._attachment.cancel()

    def _target_ended(self, end: TargetEnd) -> None:
        if self._state not in (State.CONFIGURING, State.ATTACHED):
            return
        if end.exit_code is not None and not self._exited_told:
            self._write(Event("exited", {"exitCode": end.exit_code}))
        self._write(output(end.reason))
        self._end_debugging(end.reason)

    def _end_debugging(self, reason: str, event: Event | None = None) -> None:
        """Tell `terminated`; nothing but `disconnect` is expected after it."""
        self._state = State.ENDED
        self._terminated_told = True
        self._fail_pending(reason)
        self._write(event or Event("terminated"))
        self._let_go()

    # To the client

    def _from_engine(self, message: Response | Event) -> None:
        """Pass an engine's message on, at once and in order: the `Emit` of the session's engine."""
        try:
            match message:
                case Response():
                    self._pass_response(message)
                case Event():
                    self._pass_event(message)
        except Exception as error:
            log.exception("bug in passing on %s", describe(message))
            if isinstance(message, Response):
                self._write(Response(message.request_seq, message.command, False, format_bug(error)))

    def _pass_response(self, response: Response) -> None:
        if self._pending.pop(response.request_seq, None) is None:
            log.info("dropped, for nothing waits for it: %s", describe(response))
            return
        if response.command == "attach" and not response.success:
            cancelled = response.message == "cancelled"
            self._write(msgspec.structs.replace(response, show_user=not cancelled))
            if self._state is State.ATTACHED:
                self._end_debugging("'attach' failed")
        else:
            self._write(self._gate.to_client(response))

    def _pass_event(self, event: Event) -> None:
        if self._terminated_told or (self._state is State.LEAVING and event.event != "output"):
            return
        if event.event in self._unwanted_events:
            return
        if event.event == "terminated":
            self._end_debugging("debugging has ended", event)
            return
        self._exited_told |= event.event == "exited"
        self._write(self._gate.to_client(event))

    def _answer(self, request: Request, body: JsonObject | None = None) -> None:
        self._pending.pop(request.seq, None)
        self._write(Response(request.seq, request.command, body=body))

    def _refuse(self, seq: int, command: str, text: str, *, show_user: bool = False) -> None:
        if self._pending.pop(seq, None) is not None:
            self._write(Response(seq, command, False, text, show_user=show_user))

    def _fail_pending(self, text: str, spare: int | None = None) -> None:
        self._held.clear()
        for seq, command in list(self._pending.items()):
            if seq != spare:
                self._refuse(seq, command, text)

    def _write(self, message: Message) -> None:
        if self._muted:
            return
        data = self._connection.send(message)
        if wire_log.isEnabledFor(logging.DEBUG):
            wire_log.debug("client > %s", describe(message))
        self._client.write(data)


OWN_REQUESTS: dict[str, Callable[[Session, Request], None]] = {
    "initialize": Session._initialize,
    "attach": Session._attach,
    "cancel": Session._cancel,
    "disconnect": Session._disconnect,
}
"""What a session answers itself; all other requests are an engine's."""


async def _close(prepared: Prepared) -> None:
    try:
        await run_to_end(prepared.aclose(), LET_GO_LIMIT_S)
    except TimeoutError:
        raise UserError(
            f"the target was not let go within {LET_GO_LIMIT_S} s; `dapbridge cleanup` lists the sidecar that is left"
        ) from None
