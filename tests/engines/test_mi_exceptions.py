"""Exceptions, signals and data breakpoints as transcripts: what the client is told when the debugger can't tell all."""

from typing import Any

from support.mi_rig import Rig, attached, look

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event

SIGNAL = '*stopped,reason="signal-received",signal-name="{}",signal-meaning="{}",frame={{func="f"}},thread-id="1"'
SEGFAULT = SIGNAL.format("SIGSEGV", "Segmentation fault")
PLACE = r'^done,json="{\"address\":4096,\"size\":8,\"expression\":\"x\",\"symbol\":\"\",\"scope\":\"\"}"'
WATCHED = r'^done,json="{\"number\":\"2\",\"addr\":\"<MULTIPLE>\"}"'
CAUGHT = r'^done,json="{\"number\":\"3\",\"addr\":\"<MULTIPLE>\"}"'


def without_python(command: str) -> str | None:
    """Answer like a debugger that lacks our commands for exceptions."""
    if command.startswith(("-x-signal", "-x-exception")):
        return '^error,msg="Undefined MI command: x-signal"'
    return CAUGHT if command.startswith("-x-catch") else look(command)


def with_watches(command: str) -> str | None:
    for prefix, answer in (("-x-watch-place", PLACE), ("-x-watch", WATCHED)):
        if command.startswith(prefix):
            return answer
    return look(command)


def events(rig: Rig, name: str) -> list[dict[str, Any]]:
    return [each.body or {} for each in rig.told if isinstance(each, Event) and each.event == name]


async def watch(rig: Rig) -> None:
    info = await rig.request("dataBreakpointInfo", name="x")
    wish = {"dataId": (info.body or {})["dataId"]}
    placed = await rig.request("setDataBreakpoints", breakpoints=[wish])
    assert (placed.body or {})["breakpoints"][0]["verified"]


async def test_a_signal_is_told_with_what_is_known_where_the_debugger_cannot_say_more() -> None:
    async with attached(without_python) as rig:
        rig.debugger.say(SEGFAULT)
        stopped = await rig.event("stopped")
        assert (stopped["reason"], stopped["text"]) == ("exception", "SIGSEGV: Segmentation fault")


async def test_an_exception_without_a_type_has_words_still() -> None:
    async with attached(without_python) as rig:
        placed = await rig.request("setExceptionBreakpoints", filters=["cpp_throw"])
        assert (placed.body or {})["breakpoints"][0]["id"] == 3
        rig.debugger.say('*stopped,reason="breakpoint-hit",bkptno="3",frame={func="__cxa_throw"},thread-id="1"')
        stopped = await rig.event("stopped")
        assert stopped["description"] == stopped["text"] == "C++ exception thrown"
        info = (await rig.request("exceptionInfo", threadId=1)).body or {}
        assert info["exceptionId"] == "C++ exception thrown"
        assert "typeName" not in info["details"]
        other = await rig.request("exceptionInfo", threadId=2)
        assert not other.success
        assert "thread 2 did not stop at an exception" in str(other.message)


async def test_what_explains_a_stop_that_is_over_is_not_told() -> None:
    def answers(command: str) -> str | None:
        if command.startswith("-x-signal"):
            return '*running,thread-id="all"\n^done,json="{\\"message\\":\\"late\\"}"'
        return look(command)

    async with attached(answers) as rig:
        rig.debugger.say(SEGFAULT)
        await rig.event("continued")
        assert events(rig, "stopped") == []


async def test_an_unchanged_choice_of_signals_touches_nothing() -> None:
    async with attached(config=AttachConfig("api", signals={"SIGUSR1": "ignore"})) as rig:
        before = len(rig.debugger.asked)
        await rig.request("setExceptionBreakpoints", filters=["signals"])
        assert not any("handle" in each for each in rig.debugger.asked[before:])
        await rig.request("setExceptionBreakpoints", filters=[], filterOptions=[{"filterId": "signals"}])
        assert not any("handle" in each for each in rig.debugger.asked[before:])
        named = {"filterId": "signals", "condition": "SIGUSR1"}
        await rig.request("setExceptionBreakpoints", filters=[], filterOptions=[named])
        asked = " ".join(rig.debugger.asked[before:])
        assert "handle SIGUSR1 stop print pass" in asked
        assert "SIGSEGV" in asked.partition("nostop noprint pass")[0]


async def test_a_scope_that_ends_lets_the_target_go_on_by_itself() -> None:
    async with attached(with_watches) as rig:
        await watch(rig)
        rig.debugger.say('*stopped,reason="watchpoint-scope",wpnum="2",frame={func="f"},thread-id="1"')
        rig.debugger.say('=breakpoint-deleted,id="2"')
        removed = await rig.event("breakpoint")
        assert removed == {"reason": "removed", "breakpoint": {"id": 2, "verified": False}}
        assert "Data breakpoint on x removed" in (await rig.event("output"))["output"]
        assert rig.debugger.asked[-1] == "-exec-continue"
        assert events(rig, "stopped") == []


async def test_a_scope_that_ends_with_a_step_leaves_the_step_its_stop() -> None:
    async with attached(with_watches) as rig:
        await watch(rig)
        rig.debugger.say(
            '*stopped,reason="watchpoint-scope",wpnum="2",reason="end-stepping-range",frame={func="f"},thread-id="1"'
        )
        assert (await rig.event("stopped"))["reason"] == "step"
        assert "Data breakpoint on x removed" in (await rig.event("output"))["output"]
        assert "-exec-continue" not in rig.debugger.asked[-3:]


async def test_two_watchpoints_of_one_write_are_one_stop() -> None:
    async with attached(with_watches) as rig:
        await watch(rig)
        first = 'reason="watchpoint-trigger",wpt={number="2",exp="*$_x"},value={old="1",new="2"}'
        second = 'reason="watchpoint-trigger",wpt={number="9",exp="y"},value={old="3",new="4"}'
        rig.debugger.say(f'*stopped,{first},{second},frame={{func="f"}},thread-id="1"')
        stopped = await rig.event("stopped")
        assert (stopped["reason"], stopped["text"]) == ("data breakpoint", "x: 1 → 2")
        assert stopped["hitBreakpointIds"] == [2, 9]
