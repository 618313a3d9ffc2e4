"""gdb: `gotoTargets` and `goto`."""

import asyncio
from contextlib import suppress

import pytest
from support.dap_client import DapClient, DapError, JsonObject
from support.looking import frames, place
from support.marks import mark
from support.serving import attach, client_path
from support.stepping import step
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

STEPS = "steps.cpp"


def line(name: str) -> int:
    return mark(STEPS, name)


async def targets(client: DapClient, name: str) -> list[JsonObject]:
    arguments = {"source": {"path": client_path(STEPS)}, "line": line(name)}
    found: list[JsonObject] = (await client.request("gotoTargets", arguments))["targets"]
    return found


async def evaluated(client: DapClient, thread: int, expression: str) -> int:
    (top,) = await frames(client, thread, levels=1)
    return int((await client.request("evaluate", {"expression": expression, "frameId": top["id"]}))["result"])


async def stopped_at(client: DapClient, target: DockerTarget, name: str, **arguments: object) -> int:
    await attach(client, target, STEPS, name, **arguments)
    thread: int = (await client.event("stopped", reason="breakpoint"))["threadId"]
    await client.set_breakpoints(client_path(STEPS))
    return thread


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


@pytest.mark.shows("gotoTargets", "goto", "supportsGotoTargetsRequest")
async def test_a_jump_skips_and_repeats_lines_and_runs_nothing(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-skipped")
        before = await evaluated(client, thread, "path")
        (end,) = await targets(client, "jump-end")
        assert end["line"] == line("jump-end")
        await client.request("goto", {"threadId": thread, "targetId": end["id"]})
        stopped = await client.event("stopped")
        assert (stopped["reason"], stopped["threadId"]) == ("goto", thread)
        assert client.received("goto", "stopped")[-2:] == ["goto", "stopped"]
        assert await place(client, thread) == ("jumps", line("jump-end"))
        assert await evaluated(client, thread, "path") == before
        # Back, and on from there: now the skipped line is run.
        (skipped,) = await targets(client, "jump-skipped")
        await client.request("goto", {"threadId": thread, "targetId": skipped["id"]})
        await client.event("stopped", reason="goto")
        assert await step(client, "next", thread) == ("jumps", line("jump-end"))
        assert await evaluated(client, thread, "path") == before + 1000
        assert "continued" not in client.received()
        await leave(client, target)


async def test_a_line_in_several_pieces_has_several_targets(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-body")
        pieces = await targets(client, "jump-loop")
        assert len(pieces) > 1
        assert len({piece["label"] for piece in pieces}) == len(pieces)
        await client.request("goto", {"threadId": thread, "targetId": pieces[0]["id"]})
        await client.event("stopped", reason="goto")
        # The first piece begins the loop again.
        assert await step(client, "next", thread) == ("jumps", line("jump-body"))
        assert await evaluated(client, thread, "i") == 0
        await leave(client, target)


async def test_lines_of_other_functions_are_refused_with_their_name(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-body")
        arguments = {"source": {"path": client_path(STEPS)}, "line": line("second")}
        assert "second(int)" in str(await client.refused("gotoTargets", arguments))
        for path, number in ((client_path(STEPS), 100_000), (client_path("nowhere.cpp"), 3)):
            refused = await client.refused("gotoTargets", {"source": {"path": path}, "line": number})
            assert "has no code" in str(refused)
        (main,) = await targets(client, "jump-end")
        threads = (await client.request("threads"))["threads"]
        other = next(each["id"] for each in threads if each["id"] != thread)
        refused = await client.refused("goto", {"threadId": other, "targetId": main["id"]})
        assert "can't leave its function" in str(refused)
        for wrong in (main["id"] + 1000, 0):
            await client.refused("goto", {"threadId": thread, "targetId": wrong})
        assert await place(client, thread) == ("jumps", line("jump-body"))
        await leave(client, target)


async def test_targets_and_frames_are_void_after_a_jump(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-body")
        (top,) = await frames(client, thread, levels=1)
        (end,) = await targets(client, "jump-end")
        await client.request("goto", {"threadId": thread, "targetId": end["id"]})
        await client.event("stopped", reason="goto")
        assert "moved on" in str(await client.refused("scopes", {"frameId": top["id"]}))
        await client.refused("goto", {"threadId": thread, "targetId": end["id"]})
        await leave(client, target)


async def test_read_only_refuses_jumps(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-body", readOnly=True)
        arguments = {"source": {"path": client_path(STEPS)}, "line": line("jump-end")}
        assert "readOnly" in str(await client.refused("gotoTargets", arguments))
        assert "readOnly" in str(await client.refused("goto", {"threadId": thread, "targetId": 1}))
        assert "readOnly" in str(await client.refused("stepBack", {"threadId": thread}))
        await leave(client, target)


async def test_a_jump_does_not_prolong_max_pause(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await stopped_at(client, target, "jump-body", maxPause=2)
        async with asyncio.timeout(20):
            while "continued" not in client.received():
                with suppress(DapError):
                    (begin, *_) = await targets(client, "jump-loop")
                    await client.request("goto", {"threadId": thread, "targetId": begin["id"]})
        await client.output("maxPause")
        await target.assert_runs_on()
        await leave(client, target)
