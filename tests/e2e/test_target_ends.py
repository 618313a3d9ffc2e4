"""The target itself ends while it is debugged: the client hears how, and the session's parts end with it."""

import asyncio
import os
import signal

import pytest
from support import procfs
from support.dap_client import DapClient
from support.serving import attach, attach_arguments
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]


@pytest.mark.shows("exited")
async def test_the_exit_code_of_a_main_process_that_returns(client: DapClient) -> None:
    async with running("exit") as target:
        await attach(client, target, "exit.c")
        target.trigger()
        assert (await client.event("exited"))["exitCode"] == 7
        await client.event("terminated")
        await client.disconnect()
        assert await target.wait_exit() == 7
        await assert_no_sidecar(target)


async def test_a_last_breakpoint_before_the_end(client: DapClient) -> None:
    async with running("exit") as target:
        await attach(client, target, "exit.c", "leave")
        target.trigger()
        stopped = await client.event("stopped", reason="breakpoint")
        await client.request("continue", {"threadId": stopped["threadId"]})
        assert (await client.event("exited"))["exitCode"] == 7
        await client.event("terminated")
        await client.disconnect()
        assert client.received("exited", "terminated") == ["exited", "terminated"]
        await assert_no_sidecar(target)


async def test_an_end_before_configuration_done_is_known_from_the_runtime(client: DapClient) -> None:
    async with running("exit", "9", "/tmp/trigger") as target:
        await client.initialize()
        client.send("attach", attach_arguments(target))
        await client.event("initialized")
        target.trigger()
        assert (await client.event("exited"))["exitCode"] == 9
        await client.event("terminated")
        await client.output("the target has ended with exit code 9")
        await client.disconnect()
        await assert_no_sidecar(target)


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
async def test_a_target_killed_from_outside(client: DapClient, stopped: bool) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", *(["worker"] if stopped else []))
        if stopped:
            await client.event("stopped", reason="breakpoint")
        await asyncio.to_thread(target.container.kill)
        assert (await client.event("exited"))["exitCode"] == 128 + signal.SIGKILL
        await client.event("terminated")
        await client.disconnect()
        assert client.received("exited", "terminated") == ["exited", "terminated"]
        await assert_no_sidecar(target)


async def test_a_process_that_is_not_the_main_one_ends_alone(client: DapClient) -> None:
    async with running("pair") as target:
        await attach(client, target, "pair.c", process="pair child")
        (child,) = (pid for pid in target.pids() if procfs.command(pid)[1] == "child")
        os.kill(child, signal.SIGKILL)
        assert (await client.event("exited"))["exitCode"] == 128 + signal.SIGKILL
        await client.event("terminated")
        await client.disconnect()
        await assert_no_sidecar(target)
        async with asyncio.timeout(10):
            await target.lines.wait_for("tick parent", count=2)


async def assert_no_sidecar(target: DockerTarget) -> None:
    await target.wait_until_alone()
    assert target.sidecars() == []
