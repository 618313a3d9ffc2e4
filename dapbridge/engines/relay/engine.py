"""The engine that relays to a debugger's own DAP server, whichever that is: see `dialect.Dialect`.

Theory of operation. Such a debugger stops the target at its `attach` request and goes on at `configurationDone`, and in
between it wants to be told the breakpoints. A client may think for long there. So nothing is sent before the client has
finished: until then breakpoints are recorded, and answered as not verified yet. Then `attach`, all that was recorded
and `configurationDone` go out in one piece, and the target stands for as long as the debugger itself needs. While that
goes on, the client's requests and the debugger's events wait, so that `attach` is answered before anything that it
causes.
"""

import asyncio
import logging
import time
from contextlib import suppress
from functools import partial

import msgspec

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.engines.base import Emit
from dapbridge.engines.relay.breakpoints import BreakpointBook, Replay
from dapbridge.engines.relay.debugger import Debugger, error_text
from dapbridge.engines.relay.dialect import Dialect
from dapbridge.engines.relay.pause_limit import PauseLimit
from dapbridge.engines.relay.requests import CHANGING
from dapbridge.errors import EngineError

log = logging.getLogger(__name__)

EXIT_COMMANDS_LIMIT_S = 5.0
CLIENT: JsonObject = {
    "clientID": "dapbridge",
    "adapterID": "dapbridge",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "pathFormat": "path",
    "supportsVariableType": True,
    "supportsVariablePaging": True,
    "supportsMemoryReferences": True,
    "supportsInvalidatedEvent": True,
    "supportsMemoryEvent": True,
}
"""What the debugger is told of its client; what the real one can't take the session holds back."""

# The session's own business, whatever the debugger could do there.
_NOT_ITS_OWN = frozenset(
    (
        "supportTerminateDebuggee",
        "supportSuspendDebuggee",
        "supportsTerminateRequest",
        "supportsRestartRequest",
        "supportsTerminateThreadsRequest",
        "supportsCancelRequest",
        "supportsConfigurationDoneRequest",
    )
)


class RelayEngine:
    """See `engines.base.Engine`."""

    def __init__(self, dialect: Dialect, tasks: asyncio.TaskGroup, emit: Emit) -> None:
        self._dialect = dialect
        self._tasks = tasks
        self._emit = emit
        self._config: AttachConfig | None = None
        self._debugger: Debugger | None = None
        self._can_cancel = False
        self._background: list[asyncio.Task[None]] = []
        self._breakpoints = BreakpointBook()
        self._pause_limit = PauseLimit(0, self._let_go_on)
        self._notes_given: set[str] = set()
        # The client's requests that the debugger has: the number there, by the number here.
        self._relayed: dict[int, int] = {}
        # While the debugger attaches; None before and after.
        self._attaching: _Attaching | None = None
        self._attached = False
        self._has_terminated = False
        self._is_leaving = False

    async def start(self, config: AttachConfig) -> JsonObject:
        """Start the debugger and ask what it can do."""
        self._config = config
        self._pause_limit = PauseLimit(config.max_pause, self._let_go_on)
        transport = await self._dialect.start(config)
        self._debugger = debugger = Debugger(self._dialect, transport, self._on_event)
        self._background.append(self._tasks.create_task(self._run(debugger)))
        capabilities = await debugger.ask("initialize", CLIENT)
        self._can_cancel = capabilities.get("supportsCancelRequest") is True
        return self._own(capabilities)

    def send(self, request: Request) -> None:
        """Take a request; its response is emitted later."""
        if request.command == "configurationDone":
            self._emit(Response(request.seq, request.command))
        elif request.command == "attach":
            self._attach(request)
        elif self._attaching is not None:
            self._attaching.requests.append(request)
        elif self._attached:
            self._relay(request)
        else:
            self._answer_early(request)

    def cancel(self, request_seq: int) -> None:
        """Answer a request with "cancelled"; the debugger is told of it if it can be."""
        if self._attaching is not None:
            held = next((each for each in self._attaching.requests if each.seq == request_seq), None)
            if held is not None:
                self._attaching.requests.remove(held)
                self._emit(Response(held.seq, held.command, False, "cancelled"))
        number = self._relayed.get(request_seq)
        if number is None or self._debugger is None:
            return
        if self._can_cancel:
            self._debugger.send("cancel", {"requestId": number}, lambda _: None)
        else:
            self._debugger.give_up(number, "cancelled")

    def wait_for_client(self, waits: bool) -> None:
        """Let the debugger wait until the client has read on."""
        if self._debugger is not None and not self._is_leaving:
            self._debugger.pause_reading(waits)

    async def find_sources(self, file_name: str) -> list[str]:
        """Return the names that the program's debug info has for its sources called `file_name`."""
        if self._debugger is None:
            return []
        return await self._dialect.find_sources(file_name, self._debugger.ask)

    async def aclose(self) -> None:
        """Have the debugger let go of the target and end."""
        was_leaving, self._is_leaving = self._is_leaving, True
        self._pause_limit.close()
        if self._debugger is not None:
            self._debugger.pause_reading(False)
            if not was_leaving and self._pause_limit.standing_thread is not None and not self._has_terminated:
                await self._run_exit_commands(self._debugger)
        await self._dialect.let_go()
        for task in self._background:
            task.cancel()

    # Before and at the attach

    def _answer_early(self, request: Request) -> None:
        when = f"{self._dialect.name} attaches after 'configurationDone'"
        if refusal := self._dialect.find_refusal(request):
            self._emit(Response(request.seq, request.command, False, refusal))
        elif self._breakpoints.is_for(request.command):
            body = self._breakpoints.record(request, f"not set yet: {when}")
            self._emit(Response(request.seq, request.command, body=body))
        else:
            self._emit(
                Response(request.seq, request.command, False, f"'{request.command}' is not possible yet: {when}")
            )

    def _attach(self, request: Request) -> None:
        config, debugger = self._config, self._debugger
        if config is None or debugger is None:
            self._emit(Response(request.seq, "attach", False, f"{self._dialect.name} has not started"))
            return
        self._attaching = attaching = _Attaching(request, self._dialect.stands_since)
        arguments = self._dialect.attach_arguments(request.arguments, config.stop_on_entry)
        debugger.send("attach", arguments, partial(self._on_attach_response, attaching))
        for each in (*config.init_commands, *config.attach_commands):
            self._run_command(debugger, each)
        for replay in self._breakpoints.take_recorded():
            debugger.send(replay.command, replay.arguments, partial(self._settle, attaching, replay))
        debugger.send("configurationDone", {}, partial(self._on_attach_response, attaching, is_last=True))

    def _on_attach_response(self, attaching: "_Attaching", response: Response, *, is_last: bool = False) -> None:
        if attaching is not self._attaching:
            return
        if response.success and not is_last:
            return
        self._attaching = None
        if response.success:
            self._attached = True
            self._say(f"{attaching.stood_text()} while {self._dialect.name} attached and read its symbols")
            self._note(msgspec.structs.replace(response, command="configurationDone"))
            self._emit(Response(attaching.request.seq, "attach"))
            for event in attaching.events:
                self._hand_on(event)
            for request in attaching.requests:
                self._relay(request)
        else:
            error = error_text(response)
            advice = self._dialect.explain(error)
            text = f"{error} ({advice})" if advice else error
            for request in (attaching.request, *attaching.requests):
                self._emit(Response(request.seq, request.command, False, text))

    def _settle(self, attaching: "_Attaching", replay: Replay, response: Response) -> None:
        if attaching is self._attaching:
            for event in self._breakpoints.settle(replay, response, error_text(response)):
                self._emit(event)

    # Attached

    def _relay(self, request: Request) -> None:
        debugger, config = self._debugger, self._config
        if debugger is None or config is None:
            self._emit(Response(request.seq, request.command, False, f"{self._dialect.name} has ended"))
        elif refusal := self._dialect.find_refusal(request):
            self._emit(Response(request.seq, request.command, False, refusal))
        elif config.read_only and (request.command in CHANGING or self._dialect.changes_target(request)):
            refusal = f"'{request.command}' would change the target, and this session is read-only (readOnly)"
            self._emit(Response(request.seq, request.command, False, refusal))
        else:
            on_response = partial(self._on_response, request)
            self._relayed[request.seq] = debugger.send(request.command, request.arguments, on_response)

    def _on_response(self, request: Request, response: Response) -> None:
        self._relayed.pop(request.seq, None)
        own = msgspec.structs.replace(response, request_seq=request.seq, command=request.command)
        self._hand_on(self._dialect.to_client(own))

    def _on_event(self, event: Event) -> None:
        if event.event == "initialized" or self._is_leaving:
            return
        event = self._dialect.to_client(event)
        if event.event == "capabilities":
            capabilities = self._own((event.body or {}).get("capabilities") or {})
            if not capabilities:
                return
            event = Event("capabilities", {"capabilities": capabilities})
        if self._attaching is not None:
            self._attaching.events.append(event)
        else:
            self._hand_on(event)

    def _hand_on(self, message: Response | Event) -> None:
        """Pass a message on to the client."""
        self._pause_limit.note(message)
        if isinstance(message, Event) and message.event == "terminated":
            self._has_terminated = True
            self._tasks.create_task(self._tell_terminated(message))
            return
        self._emit(self._breakpoints.to_client(message))
        self._note(message)

    def _note(self, message: Response | Event) -> None:
        note = self._dialect.note_on(message)
        if note and note not in self._notes_given:
            self._notes_given.add(note)
            self._say(note)

    async def _tell_terminated(self, event: Event) -> None:
        await self._dialect.wait_target_end()
        if not self._is_leaving:
            self._emit(event)

    def _let_go_on(self) -> None:
        """The target has stood for as long as `maxPause` allows."""
        thread, debugger, config = self._pause_limit.standing_thread, self._debugger, self._config
        if thread is None or debugger is None or config is None:
            return
        self._say(f"maxPause: the target stood for {config.max_pause:g} s and goes on now", "important")

        def on_response(response: Response) -> None:
            if response.success:
                self._hand_on(Event("continued", {"threadId": thread, "allThreadsContinued": True}))

        debugger.send("continue", {"threadId": thread}, on_response)

    # The user's own commands

    def _run_command(self, debugger: Debugger, command: str) -> None:
        def on_response(response: Response) -> None:
            if response.success:
                self._say(str((response.body or {}).get("result", "")).removesuffix("\n"))
            else:
                self._say(f"{command}: {error_text(response)}", "important")

        debugger.send("evaluate", {"expression": command, "context": "repl"}, on_response)

    async def _run_exit_commands(self, debugger: Debugger) -> None:
        with suppress(TimeoutError, EngineError):
            async with asyncio.timeout(EXIT_COMMANDS_LIMIT_S):
                for each in self._config.exit_commands if self._config else ():
                    answer = await debugger.ask("evaluate", {"expression": each, "context": "repl"})
                    self._say(str(answer.get("result", "")).removesuffix("\n"))

    # The debugger's end

    async def _run(self, debugger: Debugger) -> None:
        await debugger.run()
        if self._is_leaving or self._has_terminated:
            return
        how = await self._dialect.wait_end()
        if how is None or self._is_leaving:
            return
        self._has_terminated = True
        self._say(f"{self._dialect.name} has ended unexpectedly ({how})", "important")
        self._emit(Event("terminated"))

    def _say(self, text: str, category: str = "console") -> None:
        if text:
            self._emit(Event("output", {"category": category, "output": f"{text}\n"}))

    def _own(self, capabilities: JsonObject) -> JsonObject:
        """Return those that are the engine's own to offer."""
        hidden = _NOT_ITS_OWN | self._dialect.hidden
        return {name: value for name, value in capabilities.items() if name not in hidden}


class _Attaching:
    """An attach that is under way, and what waits for it."""

    def __init__(self, request: Request, stands_since: float | None) -> None:
        self.request = request
        self.requests: list[Request] = []
        self.events: list[Event] = []
        self._began = stands_since or time.monotonic()

    def stood_text(self) -> str:
        return f"the target stood still for {(time.monotonic() - self._began) * 1000:.0f} ms"
