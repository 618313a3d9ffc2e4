"""However a session ends, whoever ends it and whatever the target is doing: it runs on, whole, and nothing is left."""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from support.dap_client import LIMIT_S, DapClient, DapError
from support.marks import mark
from support.serving import assert_whole, attach, attach_arguments, client_path, serving
from support.targets import DockerTarget, running

from dapbridge.agent.remote import healing

pytestmark = [pytest.mark.docker, pytest.mark.root]

End = Callable[[DapClient], Awaitable[None]]
Scene = Callable[[DapClient], AbstractAsyncContextManager[DockerTarget]]


# What the target is doing


@asynccontextmanager
async def runs_over_breakpoints(client: DapClient) -> AsyncIterator[DockerTarget]:
    """A thousand times in a second the program hits a breakpoint whose condition never holds."""
    async with running("spin") as target:
        hot = f"break spin.c:{mark('spin.c', 'middle')} if step < 0"
        await attach(client, target, "spin.c", initCommands=[hot])
        await target.assert_runs_on()
        async with asyncio.timeout(LIMIT_S):
            # gdb takes it out for each step over it.
            while not healing.find_breakpoints(target.pid):
                await asyncio.sleep(0)
        yield target


@asynccontextmanager
async def stands_at_a_breakpoint(client: DapClient) -> AsyncIterator[DockerTarget]:
    """Ten threads run into the same breakpoint, so others than the shown one may stand in it, too."""
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        assert set(target.states().values()) == {"t"}
        yield target


@asynccontextmanager
async def is_not_configured(client: DapClient) -> AsyncIterator[DockerTarget]:
    """The client has not sent configurationDone yet."""
    async with running("spin") as target:
        await client.initialize()
        client.send("attach", attach_arguments(target))
        await client.event("initialized")
        await client.set_breakpoints(client_path("spin.c"), mark("spin.c", "work"))
        assert target.sidecars()
        yield target


def is_being_prepared(step: str) -> Scene:
    @asynccontextmanager
    async def scene(client: DapClient) -> AsyncIterator[DockerTarget]:
        async with running("spin") as target:
            await client.initialize()
            client.send("attach", attach_arguments(target))
            await progress(client, step)
            yield target

    scene.__name__ = f"prepared, {step}"
    return scene


async def progress(client: DapClient, step: str) -> None:
    # The first step comes with progressStart.
    if step not in (await client.event("progressStart"))["message"]:
        while step not in (await client.event("progressUpdate"))["message"]:
            pass


# Who ends it


async def disconnects(client: DapClient) -> None:
    await client.disconnect()


async def client_goes(client: DapClient) -> None:
    """As nvim-dap does."""
    client.close()


async def bridge_is_killed(client: DapClient) -> None:
    assert client.process
    client.process.kill()


async def bridge_gets_sigterm(client: DapClient) -> None:
    assert client.process
    client.process.send_signal(signal.SIGTERM)


async def bridge_gets_sigint(client: DapClient) -> None:
    assert client.process
    client.process.send_signal(signal.SIGINT)


SCENES = [runs_over_breakpoints, stands_at_a_breakpoint, is_not_configured]
ENDS = [disconnects, client_goes, bridge_is_killed, bridge_gets_sigterm, bridge_gets_sigint]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("scene", SCENES)
async def test_the_target_runs_on(scene: Scene, end: End) -> None:
    async with serving() as client, scene(client) as target:
        await end(client)
        await wait_bridge_ended(client)
        await assert_whole(target)


@pytest.mark.parametrize("end", [disconnects, client_goes, bridge_is_killed, bridge_gets_sigterm])
@pytest.mark.parametrize("step", ["looking at the target's processes", "reading symbols"])
async def test_an_end_while_the_target_is_prepared(step: str, end: End) -> None:
    async with serving() as client, is_being_prepared(step)(client) as target:
        await end(client)
        await wait_bridge_ended(client)
        await assert_whole(target)


async def test_an_end_right_after_the_attach_request() -> None:
    async with serving() as client, running("spin") as target:
        await client.initialize()
        client.send("attach", attach_arguments(target))
        client.close()
        await wait_bridge_ended(client)
        await assert_whole(target)


async def test_a_cancelled_preparation_can_be_begun_again() -> None:
    async with serving() as client, running("spin") as target:
        await client.initialize()
        first = client.send("attach", attach_arguments(target))
        await progress(client, "looking at the target's processes")
        await client.request("cancel", {"requestId": first})
        assert await failure_of(client, first) == "cancelled"
        await assert_whole(target)
        await attach(client, target, "spin.c", "work")
        await client.event("stopped", reason="breakpoint")
        await client.disconnect()
        await assert_whole(target)


async def failure_of(client: DapClient, seq: int) -> str:
    with pytest.raises(DapError) as caught:
        await client.response(seq)
    return caught.value.text


async def wait_bridge_ended(client: DapClient) -> None:
    client.close()
    assert client.process
    async with asyncio.timeout(LIMIT_S):
        await client.process.wait()


@pytest.mark.parametrize("last", ["continue", "next", "stepIn", "stepOut"])
@pytest.mark.parametrize("end", [disconnects, bridge_is_killed])
async def test_an_end_right_behind_a_request_that_resumes(end: End, last: str) -> None:
    """Wherever gdb is then: ten threads run into the breakpoint five hundred times in a second."""
    async with serving() as client, stands_at_a_breakpoint(client) as target:
        thread = (await client.request("threads"))["threads"][0]["id"]
        client.send(last, {"threadId": thread})
        await end(client)
        await wait_bridge_ended(client)
        await assert_whole(target)


@pytest.mark.parametrize("end", [disconnects, bridge_is_killed])
async def test_an_end_while_it_stops_again_and_again(end: End) -> None:
    async with serving() as client, stands_at_a_breakpoint(client) as target:
        for _ in range(20):
            thread = (await client.request("threads"))["threads"][0]["id"]
            await client.request("continue", {"threadId": thread})
            await client.event("stopped", reason="breakpoint")
        client.send("continue", {"threadId": thread})
        client.send("pause", {"threadId": thread})
        await end(client)
        await wait_bridge_ended(client)
        await assert_whole(target)


@pytest.mark.parametrize("end", [disconnects, client_goes, bridge_is_killed, bridge_gets_sigterm])
async def test_an_end_while_ptrace_attaches(end: End) -> None:
    async with serving() as client, running("threads") as target:
        await client.initialize()
        client.send("attach", attach_arguments(target))
        await client.event("initialized")
        await client.set_breakpoints(client_path("threads.cpp"), mark("threads.cpp", "worker"))
        client.send("configurationDone")
        async with asyncio.timeout(LIMIT_S):
            while not target.tracer_pids():
                await asyncio.sleep(0)
        await end(client)
        await wait_bridge_ended(client)
        await assert_whole(target)


async def test_a_bridge_that_stands_still_is_not_waited_for() -> None:
    """A laptop that goes to sleep; when it wakes up, the client is told."""
    async with serving() as client, stands_at_a_breakpoint(client) as target:
        assert client.process
        client.process.send_signal(signal.SIGSTOP)
        try:
            await target.wait_until_alone(limit_s=60)
            await assert_whole(target)
        finally:
            client.process.send_signal(signal.SIGCONT)
        await client.output("the sidecar has ended: nothing heard from it")
        await client.event("terminated")
        await client.disconnect()
        await assert_whole(target)
