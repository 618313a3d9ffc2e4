"""The MI engine as transcripts: what the client is told, in which order, and what the debugger is asked for it."""

from support.mi_rig import BREAKPOINT, LOOKS, STOPPED, attached, look

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Request, Response


async def test_the_attachs_own_stop_stays_hidden_and_its_events_come_behind_its_answer() -> None:
    async with attached() as rig:
        await rig.event("process")
        assert rig.names() == ["configurationDone", "attach", "process"]


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
        rig.debugger.asked.clear()
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


async def test_late_interrupts_that_swallow_probe_and_command_leave_no_request_unanswered() -> None:
    swallowed = ["-gdb-show confirm", "-data-evaluate", "-gdb-show confirm"]

    def answers(command: str) -> str | None:
        if swallowed and command.startswith(swallowed[0]):
            swallowed.pop(0)
            return "~silence"
        return look(command)

    async with attached(answers) as rig:
        # The last of an earlier request's interrupts has swallowed the command that was to tell of it.
        rig.debugger_asks("-gdb-show confirm")
        rig.engine.send(Request(7, "evaluate", {"expression": "x"}))
        await rig.until(lambda: any(each.startswith("-data-evaluate") for each in rig.debugger.asked))
        rig.engine.cancel(7)
        await rig.until(lambda: any(isinstance(each, Response) and each.request_seq == 7 for each in rig.told))
        (answer,) = [each for each in rig.told if isinstance(each, Response) and each.request_seq == 7]
        assert answer.message == "cancelled"


async def test_a_completion_that_takes_too_long_is_interrupted_and_answered_with_what_there_is() -> None:
    def answers(command: str) -> str | None:
        return "~silence" if command.startswith("-complete") else look(command)

    async with attached(answers) as rig:
        answer = await rig.request("completions", text="some", column=5)
        assert (answer.success, answer.body) == (True, {"targets": []})
        assert "signal INT" in rig.debugger.asked


async def test_a_request_that_is_cancelled_in_the_moment_it_comes_is_answered() -> None:
    async with attached() as rig:
        rig.engine.send(Request(7, "evaluate", {"expression": "x"}))
        rig.engine.cancel(7)
        await rig.until(lambda: any(isinstance(each, Response) and each.request_seq == 7 for each in rig.told))
        (answer,) = [each for each in rig.told if isinstance(each, Response) and each.request_seq == 7]
        assert answer.message == "cancelled"
        assert not any(each.startswith("-data-evaluate") for each in rig.debugger.asked)


async def test_a_debugger_without_our_commands_is_said_to_lack_python() -> None:
    def without_python(command: str) -> str | None:
        return '^error,msg="Undefined MI command: x-variables"' if "-x-variables" in command else look(command)

    async with attached(without_python) as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        stack = (await rig.request("stackTrace", threadId=1)).body or {}
        assert stack["stackFrames"][0]["name"] == "f"
        refused = await rig.request("scopes", frameId=stack["stackFrames"][0]["id"])
        assert "was built without Python" in (refused.message or "")


async def test_a_breakpoint_hit_before_its_request_is_answered_is_told_behind_it_and_as_what_it_is() -> None:
    def answers(command: str) -> str | None:
        if command.startswith("-break-insert"):
            return f"^done,{BREAKPOINT.format(addr='0x1', line=3, times=0)}\n{STOPPED}"
        return look(command)

    async with attached(answers) as rig:
        rig.told.clear()
        assert (await rig.request("setFunctionBreakpoints", breakpoints=[{"name": "f"}])).success
        stopped = await rig.event("stopped")
        assert (stopped["reason"], stopped["hitBreakpointIds"]) == ("function breakpoint", [1])
        assert rig.names() == ["setFunctionBreakpoints", "stopped"]


async def test_a_target_that_goes_on_while_a_step_is_refused_has_continued() -> None:
    def answers(command: str) -> str | None:
        if command.startswith("-exec-finish"):
            # maxPause was over in this moment.
            return '^error,msg="\\"finish\\" not meaningful in the outermost frame."\n*running,thread-id="all"'
        return look(command)

    async with attached(answers) as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        rig.told.clear()
        assert not (await rig.request("stepOut", threadId=1)).success
        await rig.event("continued")
        assert rig.names() == ["stepOut", "continued"]


async def test_a_target_that_goes_on_while_a_jump_is_made_has_continued() -> None:
    jumps = {
        "-x-goto-targets": r'^done,json="{\"targets\":[{\"address\":\"0x1\",\"line\":3,\"function\":\"f\"}]}"',
        "-x-goto": '^done\n*running,thread-id="all"',
    }

    def answers(command: str) -> str | None:
        return next((answer for prefix, answer in jumps.items() if command.startswith(prefix)), look(command))

    async with attached(answers) as rig:
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        (target,) = ((await rig.request("gotoTargets", source={"path": "/src/a.c"}, line=3)).body or {})["targets"]
        rig.told.clear()
        assert (await rig.request("goto", threadId=1, targetId=target["id"])).message == "notStopped"
        await rig.event("continued")
        assert rig.names() == ["goto", "continued"]


async def test_a_list_of_threads_that_is_still_true_is_not_sent_again() -> None:
    lists = {
        "-x-threads": r'^done,json="{\"version\":1,\"threads\":[[1,1,12,\"api\"]]}"',
        "-x-threads 1": r'^done,json="{\"version\":1}"',
        "-x-threads 2": r'^done,json="{\"version\":3,\"threads\":[[2,1,13,\"job\"]]}"',
    }
    async with attached(lambda asked: lists.get(asked) or look(asked)) as rig:
        rig.debugger.asked.clear()
        for _ in range(2):
            rig.debugger.say(STOPPED)
            await rig.event("stopped")
            assert ((await rig.request("threads")).body or {})["threads"] == [{"id": 1, "name": "api (12)"}]
            await rig.request("continue", threadId=1)
            rig.told.clear()
        lists["-x-threads 1"] = r'^done,json="{\"version\":2,\"threads\":[[2,1,13,\"api\"]]}"'
        rig.debugger.say(STOPPED)
        await rig.event("stopped")
        assert ((await rig.request("threads")).body or {})["threads"] == [{"id": 2, "name": "api (13)"}]
        asked = [each for each in rig.debugger.asked if each.startswith("-x-threads")]
        assert asked == ["-x-threads 1"] * 3
