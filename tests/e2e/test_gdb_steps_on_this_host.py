"""The host's own gdb, which may be older than the sidecar's: steps, jumps and recordings of a process here."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.dap_client import DapClient
from support.looking import frames, place
from support.marks import mark
from support.serving import assert_whole, attach, client_path
from support.stepping import step, stop_of
from support.targets import running_process

pytestmark = pytest.mark.root

STEPS = "steps.cpp"


def line(name: str) -> int:
    return mark(STEPS, name)


async def test_chosen_calls_single_threads_and_jumps(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled(STEPS), user=1000) as target:
        await attach(client, target, STEPS, "nested")
        thread = (await client.event("stopped"))["threadId"]
        await client.set_breakpoints(client_path(STEPS))
        (top,) = await frames(client, thread, levels=1)
        found = (await client.request("stepInTargets", {"frameId": top["id"]}))["targets"]
        (last,) = [each["id"] for each in found if each["label"] == "combine(int, int)"]
        assert await step(client, "stepIn", thread, targetId=last) == ("combine", line("combine"))
        assert (await step(client, "stepOut", thread, singleThread=True))[0] == "calls"
        arguments = {"source": {"path": client_path(STEPS)}, "line": line("calls-end")}
        (end,) = (await client.request("gotoTargets", arguments))["targets"]
        await client.request("goto", {"threadId": thread, "targetId": end["id"]})
        await client.event("stopped", reason="goto")
        assert await place(client, thread) == ("calls", line("calls-end"))
        await client.disconnect()
        await assert_whole(target)


async def test_a_recording_goes_back_to_its_beginning(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled(STEPS), user=1000) as target:
        await attach(client, target, STEPS, "jump-skipped")
        thread = (await client.event("stopped"))["threadId"]
        await client.set_breakpoints(client_path(STEPS))
        await client.request("evaluate", {"expression": "`record", "context": "repl"})
        here = await step(client, "next", thread)
        await step(client, "next", thread)
        assert await step(client, "stepBack", thread) == here
        stopped = await stop_of(client, "reverseContinue", thread)
        assert "end of recording" in stopped["description"]
        assert await place(client, thread) == ("jumps", line("jump-skipped"))
        await client.disconnect()
        await assert_whole(target)
