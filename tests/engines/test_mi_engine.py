"""The MI engine as transcripts: what the client is told, in which order, and what the debugger is asked for it."""

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
    "-stack-list-frames": '^done,stack=[frame={level="0",addr="0x1",func="f",fullname="/src/a.c",line="3"}]',
    "-x-variables": '^done,json="{\\"variables\\":[{\\"name\\":\\"x\\",\\"type\\":\\"int\\",\\"value\\":\\"1\\"}]}"',
    "-thread-info": '^done,threads=[{id="1",target-id="Thread 0x7f (LWP 12)",name="api"}]',
    "-break-insert": "^done," + BREAKPOINT.format(addr="0x1", line=3, times=0),
}
PROCESS = Process(1, 0, "api", ("api",), "/api", 1000, 1000, "S", 1, 0, 0, 1)


class Rig:
    """An engine that has attached to a target, the fake debugger behind it, and what it told the client."""

    def __init__(self, engine: MiEngine, debugger: FakeDebugger, told: list[Response | Event]) -> None:
        self.engine = engine
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

    def names(self) -> list[str]:
        return [each.command if isinstance(each, Response) else each.event for each in self.told]

    def _response(self, seq: int) -> Response | None:
        return next((each for each in self.told if isinstance(each, Response) and each.request_seq == seq), None)


def look(command: str) -> str | None:
    """Answer what only looks; a continue goes on."""
    if command == "-exec-continue":
        return '^running\n*running,thread-id="all"'
    if command.startswith("-target-attach"):
        return '^done\n=thread-created,id="1",group-id="i1"\n*stopped,frame={func="f"},thread-id="1"'
    return next((answer for prefix, answer in LOOKS.items() if command.startswith(prefix)), None)


@asynccontextmanager
async def attached(answers: Answers = look, config: AttachConfig | None = None) -> AsyncIterator[Rig]:
    told: list[Response | Event] = []
    debugger = FakeDebugger(answers)
    async with asyncio.TaskGroup() as tasks:
        engine = MiEngine(Gdb(), FakeAgent(debugger), PROCESS, tasks, told.append)  # type: ignore[arg-type]
        rig = Rig(engine, debugger, told)
        await engine.start(config or AttachConfig("api"))
        assert (await rig.request("configurationDone")).success
        assert (await rig.request("attach")).success
        # The modules are listed right after the attach: a test has the debugger for itself.
        await rig.until(lambda: any(each.startswith("-x-modules") for each in debugger.asked))
        yield rig
        await engine.aclose()


async def test_the_attachs_own_stop_stays_hidden_and_its_events_come_behind_its_answer() -> None:
    async with attached() as rig:
        await rig.event("process")
        assert rig.names() == ["configurationDone", "attach", "thread", "process"]


async def test_stop_on_entry_tells_the_attachs_own_stop() -> None:
    async with attached(config=AttachConfig("api", stop_on_entry=True)) as rig:
        assert (await rig.event("stopped"))["reason"] == "entry"
        assert rig.debugger.asked.count("-exec-continue") == 0


async def test_a_stop_in_the_same_breath_as_running_comes_behind_the_answer_to_continue() -> None:
    def answers(command: str) -> str | None:
        if command == "-exec-continue" and stopped_once:
            return f'^running\n*running,thread-id="all"\n{STOPPED}'
        return look(command)

    stopped_once: list[bool] = []
    async with attached(answers) as rig:
        stopped_once.append(True)
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        rig.told.clear()
        assert (await rig.request("continue", threadId=1)).success
        await rig.event("stopped")
        assert rig.names() == ["continue", "stopped"]


async def test_a_target_that_was_let_go_on_by_somebody_else_has_continued() -> None:
    async with attached() as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        rig.debugger.say('*running,thread-id="all"')
        await rig.event("continued")
        assert (await rig.request("scopes", frameId=1)).message == "notStopped"


async def test_nothing_is_asked_twice_between_two_stops() -> None:
    async with attached() as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        for _ in range(2):
            assert (await rig.request("threads")).success
            stack = (await rig.request("stackTrace", threadId=1, startFrame=0, levels=20)).body or {}
            scopes = (await rig.request("scopes", frameId=stack["stackFrames"][0]["id"])).body or {}
            await rig.request("variables", variablesReference=scopes["scopes"][0]["variablesReference"])
        looks = [each for each in rig.debugger.asked if each.startswith(tuple(LOOKS))]
        assert len(looks) == len(set(looks)) == 3


async def test_numbers_of_an_earlier_stop_are_found_out() -> None:
    async with attached() as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        stack = (await rig.request("stackTrace", threadId=1)).body or {}
        await rig.request("continue", threadId=1)
        rig.told.clear()
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        refused = await rig.request("scopes", frameId=stack["stackFrames"][0]["id"])
        assert not refused.success
        assert "the target has moved on" in (refused.message or "")


async def test_hits_and_addresses_of_a_breakpoint_are_no_news_but_its_place_is() -> None:
    async with attached() as rig:
        source = {"path": "/src/a.c"}
        assert (await rig.request("setBreakpoints", source=source, breakpoints=[{"line": 3}])).success
        for changed in (BREAKPOINT.format(addr="0x2", line=3, times=0), BREAKPOINT.format(addr="0x2", line=3, times=9)):
            rig.debugger.say(f"=breakpoint-modified,{changed}")
        rig.debugger.say("=breakpoint-modified," + BREAKPOINT.format(addr="0x2", line=4, times=9))
        assert (await rig.event("breakpoint"))["breakpoint"]["line"] == 4
        assert rig.names().count("breakpoint") == 1


async def test_a_broken_line_spoils_only_itself() -> None:
    async with attached() as rig:
        rig.debugger.say('*stopped,frame={func="f"', STOPPED)
        await rig.event("stopped")
        assert rig.names().count("stopped") == 1


async def test_the_debuggers_death_fails_what_waits_and_ends_the_session() -> None:
    def answers(command: str) -> str | None:
        return "~silence" if command.startswith("-data-evaluate") else look(command)

    async with attached(answers) as rig:
        rig.engine.send(Request(7, "evaluate", {"expression": "x"}))
        await rig.until(lambda: any(each.startswith("-data-evaluate") for each in rig.debugger.asked))
        rig.debugger.die()
        await rig.event("terminated")
        await rig.until(lambda: isinstance(rig.told[-1], Response))
        (failed,) = [each for each in rig.told if isinstance(each, Response) and each.request_seq == 7]
        assert (failed.success, failed.message) == (False, "gdb has ended")


async def test_a_wrong_argument_and_an_unknown_request_are_answered() -> None:
    async with attached() as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        assert "threadId" in ((await rig.request("stackTrace")).message or "")
        assert "'restart'" in ((await rig.request("restart")).message or "")


async def test_a_cancelled_request_is_answered_though_the_interrupt_has_swallowed_its_command() -> None:
    def answers(command: str) -> str | None:
        return "~silence" if command.startswith("-data-evaluate") else look(command)

    async with attached(answers) as rig:
        rig.engine.send(Request(7, "evaluate", {"expression": "x"}))
        await rig.until(lambda: any(each.startswith("-data-evaluate") for each in rig.debugger.asked))
        rig.engine.cancel(7)
        await rig.until(lambda: "signal INT" in rig.debugger.asked)
        await rig.until(lambda: any(isinstance(each, Response) and each.request_seq == 7 for each in rig.told))
        (answer,) = [each for each in rig.told if isinstance(each, Response) and each.request_seq == 7]
        assert answer.message == "cancelled"


async def test_a_request_that_is_cancelled_in_the_moment_it_comes_is_answered() -> None:
    async with attached() as rig:
        rig.engine.send(Request(7, "evaluate", {"expression": "x"}))
        rig.engine.cancel(7)
        await rig.until(lambda: any(isinstance(each, Response) and each.request_seq == 7 for each in rig.told))
        (answer,) = [each for each in rig.told if isinstance(each, Response) and each.request_seq == 7]
        assert answer.message == "cancelled"
        assert not any(each.startswith("-data-evaluate") for each in rig.debugger.asked)
