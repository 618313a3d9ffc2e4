"""gdb: going back, once the user has it record."""

import pytest
from support.dap_client import DapClient, DapError
from support.looking import place
from support.marks import mark
from support.serving import assert_whole, attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

WORK = mark("spin.c", "work")


async def stand(client: DapClient, target: DockerTarget, **arguments: object) -> int:
    """Attach and stop at the mark `work`, no breakpoint left; return the thread."""
    await attach(client, target, "spin.c", "work", **arguments)
    thread: int = (await client.event("stopped", reason="breakpoint"))["threadId"]
    await client.set_breakpoints(client_path("spin.c"))
    return thread


async def command(client: DapClient, text: str) -> None:
    await client.request("evaluate", {"expression": f"`{text}", "context": "repl"})


async def go(client: DapClient, request: str, thread: int) -> tuple[str, int]:
    """Send a request that moves the thread; return where it stops."""
    await client.request(request, {"threadId": thread})
    await client.event("stopped")
    return await place(client, thread)


@pytest.mark.shows("stepBack", "reverseContinue", "supportsStepBack", "capabilities")
async def test_a_recorded_target_goes_back_and_is_let_go_in_the_present(client: DapClient) -> None:
    async with running("spin") as target:
        thread = await stand(client, target)
        await command(client, "record")
        told = [await client.event("capabilities"), await client.event("capabilities")]
        assert told[1] == {"capabilities": {"supportsStepBack": True}}
        assert await go(client, "next", thread) == ("work", WORK + 1)
        assert await go(client, "stepBack", thread) == ("work", WORK)
        assert await go(client, "next", thread) == ("work", WORK + 1)
        assert await go(client, "next", thread) == ("work", WORK + 2)
        await client.request("reverseContinue", {"threadId": thread})
        stopped = await client.event("stopped")
        assert "recording" in stopped["description"]
        assert await place(client, thread) == ("work", WORK)
        # It stands in the past: let go there, it would do again what it has done.
        await client.disconnect()
        await assert_whole(target)
        await target.assert_runs_on()


async def test_back_and_forth_by_instructions(client: DapClient) -> None:
    async with running("spin") as target:
        thread = await stand(client, target)
        await command(client, "record")
        for request in ("next", "stepBack"):
            await client.request(request, {"threadId": thread, "granularity": "instruction"})
            await client.event("stopped")
        assert await place(client, thread) == ("work", WORK)
        await command(client, "record stop")
        told = [await client.event("capabilities") for _ in range(3)]
        assert told[2] == {"capabilities": {"supportsStepBack": False}}
        await client.disconnect()
        await assert_whole(target)


async def test_without_a_recording_going_back_says_how(client: DapClient) -> None:
    async with running("spin") as target:
        thread = await stand(client, target)
        for request in ("stepBack", "reverseContinue"):
            with pytest.raises(DapError, match="`record in the debug console"):
                await client.request(request, {"threadId": thread})
        await client.disconnect()
        await assert_whole(target)


async def test_read_only_never_goes_back(client: DapClient) -> None:
    async with running("spin") as target:
        thread = await stand(client, target, readOnly=True)
        refused = await client.refused("stepBack", {"threadId": thread})
        assert "readOnly" in refused.message
        await client.disconnect()
        await assert_whole(target)


async def test_a_recording_of_many_threads_warns_and_lets_go(client: DapClient) -> None:
    async with running("ticker") as target:
        await attach(client, target, "ticker.cpp", "serve")
        thread = (await client.event("stopped"))["threadId"]
        await client.set_breakpoints(client_path("ticker.cpp"))
        await command(client, "record")
        assert (await client.output("23 threads"))["category"] == "important"
        # It steps them one by one for who knows how long.
        await client.request("next", {"threadId": thread})
        await client.disconnect()
        await assert_whole(target)
        await target.assert_runs_on()
