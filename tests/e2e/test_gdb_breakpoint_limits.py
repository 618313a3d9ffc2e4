"""gdb: breakpoints that the debugger takes, and the processor or the target's memory can't hold."""

import pytest
from support.dap_client import DapClient
from support.marks import mark
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

SOURCE = "overloads.cpp"
PATH = client_path(SOURCE)
STEP = mark(SOURCE, "step")
# One more than the debug registers of an x86 processor.
HARDWARE = [{"line": line, "mode": "hardware", "condition": "tick < 0"} for line in range(STEP - 2, STEP + 3)]
NOWHERE = {"breakpoints": [{"instructionReference": "0x10"}]}


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def test_too_many_hardware_breakpoints_let_a_running_target_run(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        placed = await client.set_breakpoints(PATH, *HARDWARE)
        assert [each["verified"] for each in placed] == [True] * 4 + [False]
        assert "too many hardware breakpoints" in placed[-1]["message"]
        await target.assert_runs_on()
        assert client.received("stopped") == []
        # One less, and there is room again.
        assert await client.set_breakpoints(PATH) == []
        assert [each["verified"] for each in await client.set_breakpoints(PATH, *HARDWARE[:4])] == [True] * 4
        await target.assert_runs_on()
        await leave(client, target)


async def test_too_many_hardware_breakpoints_are_told_when_a_standing_target_goes_on(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE, stopOnEntry=True)
        stopped = await client.event("stopped", reason="entry")
        placed = await client.set_breakpoints(PATH, *HARDWARE)
        await client.request("continue", {"threadId": stopped["threadId"]})
        changed = (await client.event("breakpoint", reason="changed"))["breakpoint"]
        assert not changed["verified"]
        assert changed["id"] in [each["id"] for each in placed]
        assert "no hardware breakpoint left" in changed["message"]
        await client.output("no hardware breakpoint left")
        await target.assert_runs_on()
        assert client.received("stopped") == ["stopped"]
        await leave(client, target)


async def test_an_address_without_memory_is_refused_while_the_target_runs(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        (refused,) = (await client.request("setInstructionBreakpoints", NOWHERE))["breakpoints"]
        assert not refused["verified"]
        assert "Cannot access memory at address 0x10" in refused["message"]
        await target.assert_runs_on()
        await leave(client, target)


@pytest.mark.parametrize("resume", ["continue", "next"])
async def test_an_address_without_memory_keeps_a_standing_target_from_nothing(client: DapClient, resume: str) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE, "step")
        stopped = await client.event("stopped", reason="breakpoint")
        await client.set_breakpoints(PATH)
        (placed,) = (await client.request("setInstructionBreakpoints", NOWHERE))["breakpoints"]
        await client.request(resume, {"threadId": stopped["threadId"]})
        if placed["verified"]:
            # gdb has taken it, and tries only now.
            placed = (await client.event("breakpoint", reason="changed"))["breakpoint"]
        assert not placed["verified"]
        assert "memory" in placed["message"]
        if resume == "next":
            await client.event("stopped", reason="step")
            await client.request("continue", {"threadId": stopped["threadId"]})
        await target.assert_runs_on()
        await leave(client, target)


async def test_an_address_without_memory_doesnt_keep_the_attach_from_going_on(client: DapClient) -> None:
    async with running("overloads") as target:
        await client.initialize()
        attaching = client.send("attach", {"target": target.name})
        await client.event("initialized")
        await client.request("setInstructionBreakpoints", NOWHERE)
        await client.request("configurationDone")
        await client.response(attaching)
        changed = (await client.event("breakpoint", reason="changed"))["breakpoint"]
        assert not changed["verified"]
        await target.assert_runs_on()
        assert client.received("stopped") == []
        await leave(client, target)
