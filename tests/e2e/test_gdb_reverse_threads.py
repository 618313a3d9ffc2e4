"""gdb: going back in what it has recorded of a program with threads."""

from pathlib import Path

import pytest
from support.dap_client import DapClient
from support.looking import frames, place
from support.marks import mark
from support.serving import attach, client_path
from support.stepping import step, stop_of
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

STEPS = "steps.cpp"


def line(name: str) -> int:
    return mark(STEPS, name)


async def type_in(client: DapClient, command: str) -> str:
    """Type a command of the debugger into the debug console."""
    return str((await client.request("evaluate", {"expression": f"`{command}", "context": "repl"}))["result"])


async def stopped_at(client: DapClient, target: DockerTarget, name: str) -> int:
    await attach(client, target, STEPS, name)
    thread: int = (await client.event("stopped", reason="breakpoint"))["threadId"]
    await client.set_breakpoints(client_path(STEPS))
    return thread


async def record(client: DapClient) -> None:
    await type_in(client, "record full")
    told = await client.event("capabilities", capabilities={"supportsStepBack": True})
    assert told


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def test_without_a_recording_going_back_is_refused_with_the_way_to_it(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-start")
        for request in ("stepBack", "reverseContinue"):
            assert "`record in" in str(await client.refused(request, {"threadId": thread}))
        told = [each["body"] for each in client.transcript if each.get("event") == "capabilities"]
        assert not any("supportsStepBack" in each["capabilities"] for each in told)
        await leave(client, target)


async def test_steps_are_taken_back(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-skipped")
        await record(client)
        (top,) = await frames(client, thread, levels=1)
        before = (await client.request("evaluate", {"expression": "path", "frameId": top["id"]}))["result"]
        assert await step(client, "next", thread) == ("jumps", line("jump-end"))
        assert await step(client, "stepBack", thread) == ("jumps", line("jump-skipped"))
        (top,) = await frames(client, thread, levels=1)
        assert (await client.request("evaluate", {"expression": "path", "frameId": top["id"]}))["result"] == before
        assert await step(client, "next", thread, granularity="instruction") == ("jumps", line("jump-end"))
        await step(client, "stepBack", thread, granularity="instruction")
        assert await place(client, thread) == ("jumps", line("jump-skipped"))
        await type_in(client, "record goto end")
        await leave(client, target)


async def test_both_ends_of_the_recording_are_told(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-start")
        await record(client)
        for _ in range(3):
            await step(client, "next", thread)
        here = await place(client, thread)
        stopped = await stop_of(client, "reverseContinue", thread)
        assert "end of recording" in stopped["description"]
        assert await place(client, thread) == ("jumps", line("jump-start"))
        stopped = await stop_of(client, "continue", thread)
        assert "end of recording" in stopped["description"]
        assert await place(client, thread) == here
        await leave(client, target)


async def test_going_back_stops_at_breakpoints(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-start")
        await record(client)
        while await place(client, thread) != ("jumps", line("jump-skipped")):
            await step(client, "next", thread)
        (placed,) = await client.set_breakpoints(client_path(STEPS), line("jump-body"))
        stopped = await stop_of(client, "reverseContinue", thread)
        assert stopped["hitBreakpointIds"] == [placed["id"]]
        assert await place(client, thread) == ("jumps", line("jump-body"))
        await client.set_breakpoints(client_path(STEPS))
        await leave(client, target)


async def test_jumps_are_refused_while_recording_and_all_is_as_before_afterwards(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-start")
        before = await type_in(client, "show scheduler-locking")
        await record(client)
        arguments = {"source": {"path": client_path(STEPS)}, "line": line("jump-end")}
        assert "recording" in str(await client.refused("gotoTargets", arguments))
        await type_in(client, "record stop")
        await client.event("capabilities", capabilities={"supportsStepBack": False})
        assert await type_in(client, "show scheduler-locking") == before
        assert "`record in" in str(await client.refused("stepBack", {"threadId": thread}))
        assert (await client.request("gotoTargets", arguments))["targets"]
        assert (await client.request("continue", {"threadId": thread}))["allThreadsContinued"] is True
        await leave(client, target)


async def test_a_detach_in_the_past_leaves_the_present(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-start")
        await record(client)
        for _ in range(3):
            await step(client, "next", thread)
        await stop_of(client, "reverseContinue", thread)
        await leave(client, target)


async def test_a_detach_while_a_recorded_thread_runs_leaves_the_target_running(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "hand-over")
        await record(client)
        await client.request("next", {"threadId": thread})
        await leave(client, target)


@pytest.mark.skipif("avx2" not in Path("/proc/cpuinfo").read_text(), reason="the CPU has no AVX2 for libc to use")
async def test_what_cannot_be_recorded_is_told_and_the_target_lives(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "report")
        await record(client)
        # The C library's printing uses vector instructions.
        stopped = await stop_of(client, "next", thread)
        assert stopped["reason"] == "exception"
        assert "Process record does not support instruction" in stopped["text"]
        await type_in(client, "record stop")
        await client.event("capabilities", capabilities={"supportsStepBack": False})
        await client.request("continue", {"threadId": thread})
        await target.assert_runs_on()
        await leave(client, target)
