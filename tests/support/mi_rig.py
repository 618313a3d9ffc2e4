"""An MI engine that has attached to a target with the FAKE debugger behind it, and what it tells its client."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from support.fake_debugger import Answers, FakeAgent, FakeDebugger

from dapbridge.agent.facts import Process
from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, Request, Response
from dapbridge.engines.mi.engine import MiEngine
from dapbridge.engines.mi.gdb import Gdb

STOPPED = '*stopped,reason="breakpoint-hit",bkptno="1",frame={func="f"},thread-id="1",stopped-threads="all"'
BREAKPOINT = 'bkpt={{number="1",type="breakpoint",addr="{addr}",fullname="/src/a.c",line="{line}",times="{times}"}}'
LOOKS = {
    "-x-frames": r'^done,json="{\"low\":0,\"rows\":[[1,0,1,3,null]],\"texts\":[\"f\",\"/src/a.c\"]}"',
    "-x-variables": '^done,json="{\\"variables\\":[{\\"name\\":\\"x\\",\\"type\\":\\"int\\",\\"value\\":\\"1\\"}]}"',
    "-x-threads": r'^done,json="{\"threads\":[[1,1,12,\"api\"]]}"',
    "-break-insert": "^done," + BREAKPOINT.format(addr="0x1", line=3, times=0),
}
PROCESS = Process(1, 0, "api", ("api",), "/api", 1000, 1000, "S", 1, 0, 0, 1, False, 0)


class Rig:
    """An engine that has attached to a target, the fake debugger behind it, and what it told the client."""

    def __init__(
        self, engine: MiEngine, agent: FakeAgent, debugger: FakeDebugger, told: list[Response | Event]
    ) -> None:
        self.engine = engine
        self.agent = agent
        self.debugger = debugger
        self.told = told
        self._seq = 100

    async def request(self, command: str, **arguments: Any) -> Response:
        self._seq += 1
        seq = self._seq
        self.engine.send(Request(seq, command, arguments))
        await self.until(lambda: self._response(seq) is not None)
        response = self._response(seq)
        assert response is not None
        return response

    async def event(self, name: str) -> dict[str, Any]:
        await self.until(lambda: any(isinstance(each, Event) and each.event == name for each in self.told))
        found = next(each for each in self.told if isinstance(each, Event) and each.event == name)
        return found.body or {}

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():
                await asyncio.sleep(0)

    def debugger_asks(self, command: str) -> None:
        """Send the debugger a command that no request asked for."""
        assert self.engine._context is not None
        self.engine._context.debugger.send(command)

    def names(self) -> list[str]:
        return [each.command if isinstance(each, Response) else each.event for each in self.told]

    def _response(self, seq: int) -> Response | None:
        return next((each for each in self.told if isinstance(each, Response) and each.request_seq == seq), None)


def look(command: str) -> str | None:
    """Answer what only looks; a continue goes on."""
    if command == "-exec-continue":
        return '^running\n*running,thread-id="all"'
    if command.startswith("-target-attach"):
        started = '=thread-group-started,id="i1",pid="1"\n=thread-created,id="1",group-id="i1"'
        return f'{started}\n^done\n*stopped,frame={{func="f"}},thread-id="1"'
    return next((answer for prefix, answer in LOOKS.items() if command.startswith(prefix)), None)


@asynccontextmanager
async def attached(answers: Answers = look, config: AttachConfig | None = None) -> AsyncIterator[Rig]:
    told: list[Response | Event] = []
    debugger = FakeDebugger(answers)
    async with asyncio.TaskGroup() as tasks:
        agent = FakeAgent(debugger)
        engine = MiEngine(Gdb(), agent, PROCESS, tasks, told.append)  # type: ignore[arg-type]
        rig = Rig(engine, agent, debugger, told)
        await engine.start(config or AttachConfig("api"))
        assert (await rig.request("configurationDone")).success
        assert (await rig.request("attach")).success
        # The modules are listed right after the attach: a test has the debugger for itself.
        await rig.until(lambda: any(each.startswith("-x-modules") for each in debugger.asked))
        yield rig
        await engine.aclose()
