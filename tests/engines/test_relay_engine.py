"""The relay, as a transcript against a debugger that speaks DAP and is played by the test (a fake, for its order)."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from dapbridge.config import AttachConfig
from dapbridge.dap.connection import DapConnection
from dapbridge.dap.messages import Event, JsonObject, Request, Response
from dapbridge.engines.relay.dialect import Ask, M
from dapbridge.engines.relay.engine import RelayEngine
from dapbridge.transport import Take, feed_by_reading

LIMIT_S = 5


class FakeDebugger:
    """The debugger's end of the transport, and the dialect: it says nothing by itself."""

    name = "fakedbg"
    hidden = frozenset(("supportsGotoTargetsRequest",))
    stands_since: float | None = None

    def __init__(self) -> None:
        self.emitted: list[Response | Event] = []
        self.was_let_go = False
        self._connection = DapConnection()
        self._requests: asyncio.Queue[Request] = asyncio.Queue()
        self._to_relay: asyncio.Queue[bytes] = asyncio.Queue()
        self.come = asyncio.Event()

    def emit(self, message: Response | Event) -> None:
        self.emitted.append(message)
        self.come.set()

    async def request(self, command: str) -> Request:
        """Take the next request, which must be this."""
        async with asyncio.timeout(LIMIT_S):
            request = await self._requests.get()
        assert request.command == command
        return request

    def says(self, *messages: Response | Event) -> None:
        self._to_relay.put_nowait(b"".join(self._connection.send(each) for each in messages))

    async def hear(self, count: int) -> list[Response | Event]:
        """Wait until the client has got so many messages; take them all."""
        async with asyncio.timeout(LIMIT_S):
            while len(self.emitted) < count:
                self.come.clear()
                await self.come.wait()
        taken, self.emitted[:] = list(self.emitted), []
        return taken

    def end(self) -> None:
        self._to_relay.put_nowait(b"")

    # Transport

    async def read(self) -> bytes:
        return await self._to_relay.get()

    async def feed(self, take: Take) -> bool:
        return await feed_by_reading(self, take)

    def write(self, data: bytes) -> None:
        for message in self._connection.receive_data(data):
            assert isinstance(message, Request)
            self._requests.put_nowait(message)

    async def drain(self) -> None: ...

    async def aclose(self) -> None: ...

    # Dialect

    async def start(self, config: AttachConfig) -> "FakeDebugger":
        return self

    def attach_arguments(self, given: JsonObject, stop_on_entry: bool) -> JsonObject:
        return {"own": given.get("own"), "stopOnEntry": stop_on_entry}

    def on_sent(self, request: Request) -> None: ...

    def on_answered(self, response: Response) -> None: ...

    def explain(self, error: str) -> str:
        return "try another" if "mood" in error else ""

    def find_refusal(self, request: Request) -> str | None:
        return "never" if request.command == "goto" else None

    def changes_target(self, request: Request) -> bool:
        return request.command == "evaluate" and request.arguments["expression"] == "x = 1"

    def to_client(self, message: M) -> M:
        return message

    def note_on(self, message: Response | Event) -> str | None:
        return "a note" if isinstance(message, Response) and message.command == "scopes" else None

    async def find_sources(self, file_name: str, ask: Ask) -> list[str]:
        return [f"/build/{file_name}"]

    async def wait_target_end(self) -> None: ...

    async def wait_end(self) -> str | None:
        return "gone"

    async def let_go(self) -> None:
        self.was_let_go = True


def wish(seq: int, *lines: int) -> Request:
    return Request(
        seq, "setBreakpoints", {"source": {"path": "/a.go"}, "breakpoints": [{"line": line} for line in lines]}
    )


@asynccontextmanager
async def started(config: AttachConfig) -> AsyncIterator[tuple[RelayEngine, FakeDebugger]]:
    debugger = FakeDebugger()
    async with asyncio.TaskGroup() as tasks:
        engine = RelayEngine(debugger, tasks, debugger.emit)
        start = tasks.create_task(engine.start(config))
        seen = await debugger.request("initialize")
        capabilities = {
            "supportsFunctionBreakpoints": True,
            "supportsGotoTargetsRequest": True,
            "supportTerminateDebuggee": True,
        }
        debugger.says(Response(seen.seq, "initialize", body=capabilities))
        assert await start == {"supportsFunctionBreakpoints": True}
        yield engine, debugger
        await engine.aclose()
        assert debugger.was_let_go


@asynccontextmanager
async def attached(**config: object) -> AsyncIterator[tuple[RelayEngine, FakeDebugger]]:
    async with started(AttachConfig("x", **config)) as (engine, debugger):  # type: ignore[arg-type]
        engine.send(Request(1, "configurationDone"))
        engine.send(Request(2, "attach"))
        attach, done = await debugger.request("attach"), await debugger.request("configurationDone")
        debugger.says(Response(attach.seq, "attach"), Response(done.seq, "configurationDone"))
        await debugger.hear(3)
        yield engine, debugger


async def test_nothing_reaches_the_debugger_before_the_client_is_done_and_then_all_in_one_piece() -> None:
    async with started(AttachConfig("x", stop_on_entry=True)) as (engine, debugger):
        engine.send(wish(1, 3))
        engine.send(Request(2, "source", {}))
        pending, refused = await debugger.hear(2)
        assert isinstance(pending, Response)
        assert pending.body is not None
        assert pending.body["breakpoints"][0]["verified"] is False
        assert isinstance(refused, Response)
        assert refused.message == "'source' is not possible yet: fakedbg attaches after 'configurationDone'"
        engine.send(Request(3, "configurationDone"))
        engine.send(Request(4, "attach", {"own": 5}))
        engine.send(Request(5, "threads"))
        assert await debugger.hear(1) == [Response(3, "configurationDone")]

        attach = await debugger.request("attach")
        assert attach.arguments == {"own": 5, "stopOnEntry": True}
        replay, done = await debugger.request("setBreakpoints"), await debugger.request("configurationDone")
        debugger.says(
            Event("initialized"),
            Event("capabilities", {"capabilities": {"supportTerminateDebuggee": True}}),
            Response(attach.seq, "attach"),
            Response(replay.seq, "setBreakpoints", body={"breakpoints": [{"id": 9, "verified": True}]}),
            Event("stopped", {"reason": "entry", "threadId": 1}),
            Response(done.seq, "configurationDone"),
        )
        placed, told, answered, stopped = await debugger.hear(4)
        assert placed == Event("breakpoint", {"reason": "changed", "breakpoint": {"id": 1, "verified": True}})
        assert isinstance(told, Event)
        assert told.body is not None
        assert "ms while fakedbg attached and read its symbols" in told.body["output"]
        assert answered == Response(4, "attach")
        assert stopped == Event("stopped", {"reason": "entry", "threadId": 1})
        threads = await debugger.request("threads")
        debugger.says(Response(threads.seq, "threads", body={"threads": [], "vendor": 1}))
        assert await debugger.hear(1) == [Response(5, "threads", body={"threads": [], "vendor": 1})]


async def test_an_attach_that_fails_is_told_in_the_debuggers_words_with_what_to_do() -> None:
    async with started(AttachConfig("x")) as (engine, debugger):
        engine.send(Request(1, "configurationDone"))
        engine.send(Request(2, "attach"))
        engine.send(Request(3, "threads"))
        attach, done = await debugger.request("attach"), await debugger.request("configurationDone")
        error = {"error": {"id": 1, "format": "not in the mood"}}
        debugger.says(
            Response(attach.seq, "attach", False, "failed", error), Response(done.seq, "configurationDone", False, "no")
        )
        _, *failed = await debugger.hear(3)
        assert failed == [
            Response(seq, command, False, "not in the mood (try another)")
            for seq, command in ((2, "attach"), (3, "threads"))
        ]


async def test_the_debuggers_own_requests_are_refused() -> None:
    async with attached() as (_, debugger):
        refusals: list[bytes] = []
        debugger.write = refusals.append  # type: ignore[method-assign]
        debugger._to_relay.put_nowait(debugger._connection.send(Request(7, "runInTerminal")))
        debugger.says(Event("output", {"output": "x"}))
        await debugger.hear(1)
        assert b'"request_seq":7' in refusals[0]
        assert b'"success":false' in refusals[0]


async def test_a_cancelled_request_is_answered_at_once_and_its_late_answer_dropped() -> None:
    async with attached() as (engine, debugger):
        engine.send(Request(7, "evaluate", {"expression": "call f()"}))
        late = await debugger.request("evaluate")
        engine.cancel(7)
        engine.cancel(8)
        assert await debugger.hear(1) == [Response(7, "evaluate", False, "cancelled")]
        debugger.says(Response(late.seq, "evaluate", body={"result": "1"}), Event("output", {"output": "x"}))
        assert await debugger.hear(1) == [Event("output", {"output": "x"})]


async def test_a_read_only_session_passes_no_change_on() -> None:
    async with attached(read_only=True) as (engine, debugger):
        for seq, (command, arguments) in enumerate(
            [("setVariable", {}), ("evaluate", {"expression": "x = 1"}), ("goto", {})], start=7
        ):
            engine.send(Request(seq, command, arguments))
        engine.send(Request(10, "evaluate", {"expression": "x"}))
        assert [getattr(each, "success", None) for each in await debugger.hear(3)] == [False] * 3
        assert (await debugger.request("evaluate")).arguments == {"expression": "x"}


@pytest.mark.parametrize("leaves", [True, False])
async def test_the_debuggers_end_ends_the_session_unless_that_is_over(leaves: bool) -> None:
    async with attached() as (engine, debugger):
        engine.send(Request(7, "threads"))
        await debugger.request("threads")
        if leaves:
            await engine.aclose()
        debugger.end()
        if leaves:
            return
        failed, told, terminated = await debugger.hear(3)
        assert failed == Response(7, "threads", False, "fakedbg has ended")
        assert isinstance(told, Event)
        assert told.body == {"category": "important", "output": "fakedbg has ended unexpectedly (gone)\n"}
        assert terminated == Event("terminated")


async def test_a_note_is_given_once() -> None:
    async with attached() as (engine, debugger):
        for seq in (7, 8):
            engine.send(Request(seq, "scopes"))
            debugger.says(Response((await debugger.request("scopes")).seq, "scopes", body={"scopes": []}))
        kinds = [each.event if isinstance(each, Event) else each.command for each in await debugger.hear(3)]
        assert kinds == ["scopes", "output", "scopes"]
