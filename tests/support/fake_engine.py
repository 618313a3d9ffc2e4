"""A fake engine and a fake preparation for session tests: they answer at once, from tables that a test may change."""

import asyncio
from collections.abc import Callable

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.engines.base import Emit
from dapbridge.prepared import TargetEnd
from dapbridge.runtimes.base import Progress

Answer = Callable[[Request], JsonObject | Response]

ANSWERS: dict[str, Answer] = {
    "attach": lambda _: {},
    "configurationDone": lambda _: {},
    "setBreakpoints": lambda request: {
        "breakpoints": [
            {"verified": True, "line": wanted["line"], "source": request.arguments["source"]}
            for wanted in request.arguments["breakpoints"]
        ]
    },
    "threads": lambda _: {"threads": [{"id": 1, "name": "main"}]},
    "stackTrace": lambda _: {
        "stackFrames": [
            {"id": 1, "name": "main", "line": 3, "column": 1, "source": {"name": "main.c", "path": "/build/src/main.c"}}
        ]
    },
    "continue": lambda _: {"allThreadsContinued": True},
    "evaluate": lambda request: {"result": request.arguments["expression"], "variablesReference": 0},
    "pause": lambda _: {},
}


class FakeEngine:
    """An engine without a debugger. Requests in `unanswered` wait until cancelled."""

    def __init__(self, emit: Emit) -> None:
        self.emit = emit
        self.requests: list[Request] = []
        self.cancelled: list[int] = []
        self.waits: list[bool] = []
        self.closed = 0
        self.answers = dict(ANSWERS)
        self.unanswered: set[str] = set()
        self.capabilities: JsonObject = {"supportsStepBack": False}
        self.sources: dict[str, list[str]] = {}
        self.searches: list[str] = []
        self.search_gate = asyncio.Event()
        self.search_gate.set()
        self.start_gate = asyncio.Event()
        self.start_gate.set()
        self.start_error: Exception | None = None

    async def start(self, config: AttachConfig) -> JsonObject:
        await self.start_gate.wait()
        if self.start_error:
            raise self.start_error
        return self.capabilities

    def send(self, request: Request) -> None:
        self.requests.append(request)
        if request.command in self.unanswered:
            return
        if request.command not in self.answers:
            self.respond(request, error=f"unsupported request '{request.command}'")
            return
        answer = self.answers[request.command](request)
        self.emit(answer if isinstance(answer, Response) else Response(request.seq, request.command, body=answer))

    def cancel(self, request_seq: int) -> None:
        self.cancelled.append(request_seq)
        request = next(request for request in self.requests if request.seq == request_seq)
        self.respond(request, error="cancelled")

    def wait_for_client(self, waits: bool) -> None:
        self.waits.append(waits)

    async def find_sources(self, file_name: str) -> list[str]:
        self.searches.append(file_name)
        await self.search_gate.wait()
        return self.sources.get(file_name, [])

    async def aclose(self) -> None:
        self.closed += 1

    def respond(self, request: Request, *, error: str) -> None:
        self.emit(Response(request.seq, request.command, False, error))

    def tell(self, event: str, body: JsonObject | None = None) -> None:
        self.emit(Event(event, body))

    def commands(self) -> list[str]:
        return [request.command for request in self.requests]


class FakePrepared:
    """A target that ends when a test says so, with `end`."""

    def __init__(self, engine: FakeEngine) -> None:
        self.engine = engine
        self.close_gate = asyncio.Event()
        self.close_gate.set()
        self.closed = asyncio.Event()
        self.close_error: Exception | None = None
        self.end: asyncio.Future[TargetEnd] = asyncio.get_running_loop().create_future()

    async def wait_ended(self) -> TargetEnd:
        return await self.end

    async def aclose(self) -> None:
        await self.engine.aclose()
        await self.close_gate.wait()
        self.closed.set()
        if self.close_error:
            raise self.close_error


class FakePreparation:
    """A Prepare that makes one FakeEngine for each attach; `steps` are told as progress."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Event()
        self.cancelled = 0
        self.cleaning_gate = asyncio.Event()
        self.cleaning_gate.set()
        self.error: Exception | None = None
        self.configs: list[AttachConfig] = []
        self.prepared: list[FakePrepared] = []
        self.set_up: Callable[[FakePrepared], None] = lambda _: None
        self.task_error: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def __call__(
        self, config: AttachConfig, emit: Emit, progress: Progress, tasks: asyncio.TaskGroup
    ) -> FakePrepared:
        self.configs.append(config)
        for step in self.steps:
            progress(step)
        self.begun.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            await self.cleaning_gate.wait()
            self.cancelled += 1
            raise
        if self.error:
            raise self.error
        tasks.create_task(self._background())
        prepared = FakePrepared(FakeEngine(emit))
        self.set_up(prepared)
        self.prepared.append(prepared)
        return prepared

    async def _background(self) -> None:
        """What a real preparation has too: a task that lives as long as the target is held."""
        await asyncio.shield(self.task_error)

    @property
    def engine(self) -> FakeEngine:
        return self.prepared[-1].engine
