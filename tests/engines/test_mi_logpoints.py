"""Log points as transcripts: how their lines reach the client, and what they may not get into."""

import json

from support.mi_rig import BREAKPOINT, STOPPED, Rig, attached, look

from dapbridge.dap.messages import Event, Response
from dapbridge.engines.mi.log_lines import MAX_GATHERED
from dapbridge.mi.commands import console


def line(text: str, number: int = 1) -> str:
    payload = json.dumps({"lines": [[number, text]]}).replace("\\", "\\\\").replace('"', '\\"')
    return f'~"\\036x-log {payload}\\n"'


def outputs(rig: Rig) -> list[str]:
    return [
        (each.body or {})["output"]
        for each in rig.told
        if isinstance(each, Event) and each.event == "output" and "Log points: " not in (each.body or {})["output"]
    ]


async def set_log_point(rig: Rig, message: str = "x is {x}") -> Response:
    wished = [{"line": 3, "logMessage": message}]
    return await rig.request("setBreakpoints", source={"path": "/src/a.c"}, breakpoints=wished)


async def test_it_is_inserted_disabled_and_enabled_as_a_log_point() -> None:
    async with attached() as rig:
        assert (await set_log_point(rig, 'ä {x + "y"}')).success
        inserted, made = rig.debugger.asked[-2:]
        assert inserted == "-break-insert --source /src/a.c --line 3 -f -d"
        assert made.startswith("-x-break-log 1 ")
        assert made.isascii()


async def test_one_that_cannot_be_made_is_deleted_again() -> None:
    def answers(command: str) -> str | None:
        return '^error,msg="no such luck"' if command.startswith("-x-break-log") else look(command)

    async with attached(answers) as rig:
        (placed,) = ((await set_log_point(rig)).body or {})["breakpoints"]
        assert (placed["verified"], placed["message"]) == (False, "no such luck")
        assert rig.debugger.asked[-1] == "-break-delete 1"


async def test_lines_are_told_together_and_before_the_stop_behind_them() -> None:
    async with attached() as rig:
        await set_log_point(rig)
        rig.debugger.say(line("x is 1"), line('x is "ä\\'), STOPPED)
        await rig.event("stopped")
        assert outputs(rig) == ['x is 1\nx is "ä\\\n']
        (told,) = [each for each in rig.told if isinstance(each, Event) and "x is 1" in str(each.body)]
        assert told.body
        assert told.body["source"]["path"] == "/src/a.c"
        assert told.body["line"] == 3
        assert rig.names().index("stopped") > rig.told.index(told)


async def test_the_last_line_is_not_stuck() -> None:
    async with attached() as rig:
        rig.debugger.say(line("alone"))
        await rig.until(lambda: outputs(rig) == ["alone\n"])


async def test_lines_of_two_log_points_keep_their_order() -> None:
    async with attached() as rig:
        await set_log_point(rig)
        rig.debugger.say(line("a"), line("b", 2), line("c"), STOPPED)
        await rig.event("stopped")
        assert outputs(rig) == ["a\n", "b\n", "c\n"]


async def test_much_is_told_without_waiting() -> None:
    async with attached() as rig:
        text = "x" * 1000
        count = MAX_GATHERED // 1000 + 1
        rig.debugger.say(*[line(text)] * count)
        await rig.until(lambda: bool(outputs(rig)))
        assert outputs(rig) == [f"{text}\n" * (MAX_GATHERED // 1001 + 1)]


async def test_lines_do_not_get_into_the_output_of_a_command() -> None:
    def answers(command: str) -> str | None:
        if command == console("info"):
            return f'~"own"\n{line("logged")}\n~" words\\n"\n^done'
        return look(command)

    async with attached(answers) as rig:
        answer = await rig.request("evaluate", expression="`info", context="repl")
        assert (answer.body or {})["result"] == "own words"
        await rig.until(lambda: outputs(rig) == ["logged\n"])


async def test_lines_on_the_way_to_the_detach_are_told() -> None:
    def answers(command: str) -> str | None:
        return f"{line('last')}\n^done" if command.startswith("-target-detach") else look(command)

    async with attached(answers) as rig:
        await rig.engine.aclose()
        assert outputs(rig) == ["last\n"]


async def test_the_place_of_one_that_was_pending_is_told() -> None:
    def answers(command: str) -> str | None:
        if command.startswith("-break-insert"):
            return '^done,bkpt={number="1",type="breakpoint",addr="<PENDING>",pending="a.c:3",times="0"}'
        return look(command)

    async with attached(answers) as rig:
        await set_log_point(rig)
        rig.debugger.say("=breakpoint-modified," + BREAKPOINT.format(addr="0x1", line=7, times=0), line("late"))
        await rig.until(lambda: outputs(rig) == ["late\n"])
        (told,) = [each for each in rig.told if isinstance(each, Event) and "late" in str(each.body)]
        assert (told.body or {})["line"] == 7


END = '~"\\036x-log-end {}\\n"'


async def test_the_stop_before_the_targets_end_is_nobodys_business() -> None:
    async with attached() as rig:
        await set_log_point(rig)
        going_on = rig.debugger.asked.count("-exec-continue")
        rig.debugger.say(line("last"), END, STOPPED.replace('bkptno="1"', 'bkptno="-7"'))
        await rig.until(lambda: rig.debugger.asked.count("-exec-continue") > going_on)
        assert outputs(rig) == ["last\n"]
        assert "stopped" not in rig.names()


async def test_a_breakpoint_of_the_clients_at_the_targets_end_stops() -> None:
    async with attached() as rig:
        rig.debugger.say(END, STOPPED)
        await rig.event("stopped")
