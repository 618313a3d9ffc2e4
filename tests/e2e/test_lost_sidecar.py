"""Agent and debugger are killed in one moment, as a lack of memory does it: another sidecar heals the target."""

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import closing

import pytest
from support.dap_client import DapClient
from support.engine import connect
from support.serving import attach, held_in_letting_go
from support.targets import DockerTarget, running

from dapbridge.agent.remote import healing

pytestmark = pytest.mark.docker


def _kill_as_docker_does(target: DockerTarget) -> None:
    (sidecar,) = target.sidecars()
    sidecar.kill()


def _kill_everything_in_the_sidecar_of(target: DockerTarget) -> None:
    with closing(connect()) as docker:
        (sidecar,) = docker.containers.list(filters={"label": f"dapbridge.target-name={target.name}"})
        listed = sidecar.top(ps_args="-eo pid,comm")["Processes"]
    pids = {name: int(pid) for pid, name in listed}
    # The agent must not see the debugger's end, nor that the agent's: either would put things right by itself.
    keepers = [pids[name] for name in ("python3", "lldb-keeper") if name in pids]
    for pid in keepers:
        os.kill(pid, signal.SIGSTOP)
    for pid in [*(pid for pid in pids.values() if pid not in keepers), *keepers]:
        os.kill(pid, signal.SIGKILL)


async def test_a_target_whose_sidecar_was_killed_lives_on_without_its_breakpoints(client: DapClient) -> None:
    async with running("host") as target:
        (placed,) = await attach(client, target, "host.c", "call")
        assert placed["verified"]
        _kill_everything_in_the_sidecar_of(target)
        await client.output("the sidecar has ended")
        await client.event("terminated")
        await client.disconnect()

        assert target.tracer_pids() == set()
        # It runs over the line of the breakpoint: a breakpoint left there would kill it.
        target.trigger()
        await target.assert_runs_on()
        assert target.sidecars() == []


@pytest.mark.parametrize("kill", [_kill_as_docker_does, _kill_everything_in_the_sidecar_of])
async def test_a_target_that_stands_when_its_sidecar_is_killed_runs_on(
    client: DapClient, kill: Callable[[DockerTarget], None]
) -> None:
    async with running("threads") as target:
        # Many threads meet these, so some stand at them too when one's hit is told.
        await attach(client, target, "threads.cpp", "worker", "price", "worker-end")
        for _ in range(5):
            stopped = await client.event("stopped", reason="breakpoint")
            await client.request("continue", {"threadId": stopped["threadId"]})
        await client.event("stopped", reason="breakpoint")
        assert healing.find_breakpoints(target.pid) == {}
        await asyncio.to_thread(kill, target)
        await client.event("terminated")
        await client.disconnect()
        await target.assert_runs_on()
        assert target.tracer_pids() == set()
        assert healing.find_breakpoints(target.pid) == {}
        assert target.sidecars() == []


async def test_a_target_that_is_let_go_of_when_its_sidecar_is_killed_runs_on(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker", "price", "worker-end")
        await client.event("stopped", reason="breakpoint")
        async with held_in_letting_go(client, target):
            await asyncio.to_thread(_kill_everything_in_the_sidecar_of, target)
        await target.assert_runs_on()
        assert target.tracer_pids() == set()
        assert healing.find_breakpoints(target.pid) == {}
        assert target.sidecars() == []
