"""However a session on a Go program ends, and whoever ends it: its HTTP server answers, whole, and no dlv is left."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from support import procfs
from support.dap_client import LIMIT_S, DapClient, DapError
from support.go_server import assert_serves, get
from support.marks import mark
from support.serving import assert_whole, attach, attach_arguments, client_path, serving
from support.targets import DockerTarget, running

from dapbridge.agent.remote import healing

pytestmark = [pytest.mark.docker, pytest.mark.root]

End = Callable[[DapClient, DockerTarget], Awaitable[None]]
Scene = Callable[[DapClient], AbstractAsyncContextManager[DockerTarget]]


@asynccontextmanager
async def runs_towards_breakpoints(client: DapClient) -> AsyncIterator[DockerTarget]:
    """The next request would stop it."""
    async with running("go_server") as target:
        await attach(client, target, "server.go", "handler", "greet")
        assert healing.find_breakpoints(target.pid)
        yield target


@asynccontextmanager
async def stands_at_a_breakpoint(client: DapClient) -> AsyncIterator[DockerTarget]:
    """A request is on its way, and has its answer after the end."""
    async with running("go_server") as target:
        await attach(client, target, "server.go", "handler")
        async with get(target, "/waiting") as answer:
            await client.event("stopped", reason="breakpoint")
            assert set(target.states().values()) == {"t"}
            yield target
            assert await answer() == "Hello, /waiting (8)!\n"


@asynccontextmanager
async def was_paused(client: DapClient) -> AsyncIterator[DockerTarget]:
    """It stands, but at no breakpoint."""
    async with runs_towards_breakpoints(client) as target:
        await client.request("pause", {"threadId": 1})
        await client.event("stopped", reason="pause")
        yield target


@asynccontextmanager
async def is_not_configured(client: DapClient) -> AsyncIterator[DockerTarget]:
    """The client has not sent configurationDone yet."""
    async with running("go_server") as target:
        await client.initialize()
        client.send("attach", attach_arguments(target))
        await client.event("initialized")
        await client.set_breakpoints(client_path("server.go"), mark("server.go", "handler"))
        await assert_serves(target)
        yield target


@asynccontextmanager
async def is_being_attached(client: DapClient) -> AsyncIterator[DockerTarget]:
    """dlv has stopped it, and reads its symbols."""
    async with is_not_configured(client) as target:
        client.send("configurationDone")
        async with asyncio.timeout(LIMIT_S):
            while not target.tracer_pids():
                await asyncio.sleep(0)
        yield target


async def disconnects(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()


async def client_goes(client: DapClient, target: DockerTarget) -> None:
    client.close()


async def bridge_is_killed(client: DapClient, target: DockerTarget) -> None:
    assert client.process
    client.process.kill()


async def bridge_gets_sigterm(client: DapClient, target: DockerTarget) -> None:
    assert client.process
    client.process.send_signal(signal.SIGTERM)


async def sidecar_is_stopped(client: DapClient, target: DockerTarget) -> None:
    (sidecar,) = target.sidecars()
    await asyncio.to_thread(sidecar.stop)
    await client.output("the sidecar has ended: it has let go of the target (SIGTERM)")
    await client.event("terminated")


async def dlv_is_killed(client: DapClient, target: DockerTarget) -> None:
    (dlv,) = target.tracer_pids()
    assert procfs.name(dlv) == "dlv"
    os.kill(dlv, signal.SIGKILL)
    told = await client.output("dlv has ended unexpectedly")
    assert told["category"] == "important"
    assert "killed by signal 9; its breakpoints were taken out of the target" in told["output"]
    await client.event("terminated")


@pytest.mark.parametrize(
    ("scene", "end"),
    [
        *((runs_towards_breakpoints, end) for end in (disconnects, client_goes, bridge_is_killed, dlv_is_killed)),
        *((stands_at_a_breakpoint, end) for end in (disconnects, client_goes, bridge_is_killed, sidecar_is_stopped)),
        *((scene, dlv_is_killed) for scene in (stands_at_a_breakpoint, was_paused)),
    ],
)
async def test_the_server_answers(scene: Scene, end: End) -> None:
    async with serving() as client, scene(client) as target:
        await end(client, target)
        await assert_serves(target)
        await ended(client)
        await assert_whole(target)
        await assert_serves(target)


async def test_breakpoints_are_out_of_the_code_while_it_stands(client: DapClient) -> None:
    async with stands_at_a_breakpoint(client) as target:
        async with asyncio.timeout(LIMIT_S):
            while healing.find_breakpoints(target.pid):
                await asyncio.sleep(0.01)
        # They are dlv's still: some are set, some are taken away, and all the others are met.
        path = client_path("server.go")
        await client.set_breakpoints(path, mark("server.go", "greet"))
        await client.request("continue", {"threadId": 1})
        async with get(target, "/again") as answer:
            stopped = await client.event("stopped", reason="breakpoint")
            assert await top_line(client, stopped["threadId"]) == mark("server.go", "greet")
            await client.set_breakpoints(path, mark("server.go", "handler"))
            await client.request("continue", {"threadId": stopped["threadId"]})
            stopped = await client.event("stopped", reason="breakpoint")
            assert await top_line(client, stopped["threadId"]) == mark("server.go", "handler")
            await client.request("next", {"threadId": stopped["threadId"]})
            stopped = await client.event("stopped", reason="step")
            assert await top_line(client, stopped["threadId"]) == mark("server.go", "handler") + 1
            await client.disconnect()
            assert await answer() == "Hello, /again (6)!\n"
        assert healing.find_breakpoints(target.pid) == {}


async def top_line(client: DapClient, thread: int) -> int:
    return int((await client.request("stackTrace", {"threadId": thread}))["stackFrames"][0]["line"])


async def test_the_server_answers_after_its_sidecar_was_killed_while_it_stood() -> None:
    async with serving() as client, stands_at_a_breakpoint(client) as target:
        (sidecar,) = target.sidecars()
        await asyncio.to_thread(sidecar.kill)
        await client.event("terminated")
        await client.disconnect()
        assert target.tracer_pids() == set()
        await assert_serves(target)
        # dlv, which nobody was there to take leave of, stays a zombie of the container's main process.
        assert set(target.zombies().values()) <= {"dlv"}
        assert target.sidecars() == []


@pytest.mark.parametrize(
    ("scene", "end"),
    [
        *((is_not_configured, end) for end in (disconnects, bridge_is_killed)),
        *((is_being_attached, end) for end in (disconnects, client_goes, bridge_is_killed, bridge_gets_sigterm)),
    ],
)
async def test_the_server_answers_after_an_early_end(scene: Scene, end: End) -> None:
    async with serving() as client, scene(client) as target:
        await end(client, target)
        await ended(client)
        await assert_whole(target)
        await assert_serves(target)


@pytest.mark.parametrize("end", [disconnects, bridge_is_killed])
async def test_an_end_while_a_call_is_interrupted_by_another_goroutines_breakpoint(end: End) -> None:
    async with serving() as client, running("go_gophers") as target:
        await attach(client, target, "gophers.go", "work")
        stopped = await client.event("stopped", reason="breakpoint")
        for _ in range(20):
            if await is_interrupted(client, stopped["threadId"]):
                break
            await client.request("continue", {"threadId": stopped["threadId"]})
            stopped = await client.event("stopped", reason="breakpoint")
        else:
            pytest.fail("no call was interrupted")
        await end(client, target)
        await ended(client)
        await assert_whole(target)


async def is_interrupted(client: DapClient, thread: int) -> bool:
    """Call a function of the target; tell whether the call has met a breakpoint elsewhere."""
    stack = await client.request("stackTrace", {"threadId": thread, "levels": 1})
    frame = stack["stackFrames"][0]["id"]
    try:
        await client.request("evaluate", {"expression": "call double(21)", "context": "repl", "frameId": frame})
        return False
    except DapError as error:
        text = error.text
    assert "call stopped" in text
    again = await client.refused("evaluate", {"expression": "call double(1)", "context": "repl", "frameId": frame})
    assert "the call before this one was interrupted" in again.text
    return True


async def test_a_target_that_ends_is_told_with_its_exit_code(client: DapClient) -> None:
    async with running("go_server") as target:
        await attach(client, target, "server.go", "handler")
        await asyncio.to_thread(target.container.kill, "SIGTERM")
        exited = await client.event("exited")
        assert exited["exitCode"] == await target.wait_exit()
        await client.event("terminated")
        await client.disconnect()


async def ended(client: DapClient) -> None:
    client.close()
    assert client.process
    async with asyncio.timeout(LIMIT_S):
        await client.process.wait()
