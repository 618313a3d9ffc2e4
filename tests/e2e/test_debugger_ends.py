"""The debugger or its sidecar ends before the session does, or is in a call into the target at the session's end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from support import procfs
from support.dap_client import LIMIT_S, DapClient, DapError
from support.serving import assert_whole, attach, serving
from support.targets import DockerTarget, running

from dapbridge.agent.remote import healing

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def test_a_killed_debugger_leaves_a_running_target_without_its_breakpoints(
    client: DapClient, engine: str
) -> None:
    async with running("host") as target:
        (placed,) = await attach(client, target, "host.c", "load")
        assert placed["verified"]
        await has_breakpoint(target)
        kill_debugger(target)
        told = await client.output(f"{engine} has ended unexpectedly")
        assert told["category"] == "important"
        assert "killed by signal 9" in told["output"]
        assert "breakpoints were taken out of the target" in told["output"]
        await client.event("terminated")
        assert healing.find_breakpoints(target.pid) == {}
        target.trigger()
        await target.assert_runs_on()
        refused = await client.refused("threads")
        assert "debugging has ended" in refused.text
        await client.disconnect()
        await assert_whole(target)


async def test_a_killed_debugger_leaves_no_watchpoints(client: DapClient) -> None:
    async with running("watched") as target:
        await attach(client, target, "watched.c")
        found = await client.request("dataBreakpointInfo", {"name": "total"})
        # It counts at none of the hits; the target runs into it ten times a second.
        wish = {"dataId": found["dataId"], "condition": "total < 0"}
        (placed,) = (await client.request("setDataBreakpoints", {"breakpoints": [wish]}))["breakpoints"]
        assert placed["verified"]
        kill_debugger(target)
        await client.event("terminated")
        await client.disconnect()
        await assert_whole(target)


async def test_a_killed_debugger_leaves_a_stopped_target_running(client: DapClient, engine: str) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        kill_debugger(target)
        await client.output(f"{engine} has ended unexpectedly")
        await client.event("terminated")
        await client.disconnect()
        await assert_whole(target)


async def test_a_killed_debugger_leaves_a_process_that_is_not_the_main_one(client: DapClient) -> None:
    async with running("pair") as target:
        await attach(client, target, "pair.c", process="child")
        kill_debugger(target)
        await client.event("terminated")
        await client.disconnect()
        await assert_whole(target)


async def test_a_stopped_sidecar_lets_go(client: DapClient) -> None:
    async with running("host") as target:
        await attach(client, target, "host.c", "load")
        (sidecar,) = target.sidecars()
        await asyncio.to_thread(sidecar.stop)
        await client.output("the sidecar has ended: it has let go of the target (SIGTERM)")
        await client.event("terminated")
        await client.disconnect()
        target.trigger()
        await assert_whole(target)


async def test_a_stopped_sidecar_lets_go_of_a_stopped_target(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        (sidecar,) = target.sidecars()
        await asyncio.to_thread(sidecar.stop)
        await client.output("the sidecar has ended: it has let go of the target (SIGTERM)")
        await client.event("terminated")
        await client.disconnect()
        await assert_whole(target)


# A debugger in a call into the target reads no stdin


@asynccontextmanager
async def calling(client: DapClient, expression: str) -> AsyncIterator[tuple[DockerTarget, int]]:
    """Stop a target and have its libc called; gives the request's seq."""
    async with running("host") as target:
        await attach(client, target, "host.c", "load")
        target.trigger()
        stopped = await client.event("stopped", reason="breakpoint")
        stack = await client.request("stackTrace", {"threadId": stopped["threadId"], "levels": 1})
        frame = stack["stackFrames"][0]["id"]
        seq = client.send("evaluate", {"expression": expression, "context": "repl", "frameId": frame})
        async with asyncio.timeout(LIMIT_S):
            # Nothing tells when the call has begun, but that the thread runs again and sleeps.
            while procfs.thread_states(target.pid)[target.pid] != "S":
                await asyncio.sleep(0.01)
        yield target, seq


async def disconnects(client: DapClient) -> None:
    await client.disconnect()


async def client_goes(client: DapClient) -> None:
    client.close()


async def bridge_is_killed(client: DapClient) -> None:
    assert client.process
    client.process.kill()


@pytest.mark.parametrize("end", [disconnects, client_goes, bridge_is_killed])
@pytest.mark.parametrize("expression", ["(int)poll(0, 0, -1)", "(unsigned)sleep(1000)"])
async def test_an_end_in_a_call_into_the_target(
    client: DapClient, expression: str, end: Callable[[DapClient], Awaitable[None]]
) -> None:
    async with calling(client, expression) as (target, _):
        await end(client)
        assert client.process
        async with asyncio.timeout(LIMIT_S):
            await client.process.wait()
        await assert_whole(target)


async def test_a_cancelled_call_into_the_target_ends_and_the_session_goes_on(client: DapClient) -> None:
    async with calling(client, "(int)poll(0, 0, -1)") as (target, call):
        await client.request("cancel", {"requestId": call})
        with pytest.raises(DapError) as caught:
            await client.response(call)
        assert caught.value.message == "cancelled"
        (thread, *_) = (await client.request("threads"))["threads"]
        stack = await client.request("stackTrace", {"threadId": thread["id"], "levels": 1})
        assert stack["stackFrames"][0]["name"] == "main"
        await client.request("continue", {"threadId": thread["id"]})
        await target.assert_runs_on()
        await client.disconnect()
        await assert_whole(target)


async def has_breakpoint(target: DockerTarget) -> None:
    """Wait until there is a breakpoint in the program; gdb takes all out for moments while it loads libraries."""
    async with asyncio.timeout(LIMIT_S):
        while not healing.find_breakpoints(target.pid):
            await asyncio.sleep(0)


def kill_debugger(target: DockerTarget) -> None:
    (tracer,) = target.tracer_pids()
    assert procfs.name(tracer) in ("gdb", "lldb-server")
    os.kill(tracer, signal.SIGKILL)


async def test_a_killed_debugger_costs_another_sessions_process_nothing(client: DapClient) -> None:
    async with serving() as other, running("pair") as target:
        await attach(client, target, "pair.c", process="pair parent")
        mine = target.tracer_pids()
        await attach(other, target, "pair.c", "child", process="pair child")
        (child,) = (pid for pid in target.pids() if procfs.command(pid)[1] == "child")
        await other.event("stopped", reason="breakpoint")
        await other.request("continue", {"threadId": 1})
        os.kill(mine.pop(), signal.SIGKILL)
        await client.event("terminated")
        await client.disconnect()
        await other.event("stopped", reason="breakpoint")
        await other.request("continue", {"threadId": 1})
        await other.event("stopped", reason="breakpoint")
        assert procfs.tracers(child)
        await other.disconnect()
        await assert_whole(target)
