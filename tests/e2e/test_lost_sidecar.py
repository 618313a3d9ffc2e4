"""Agent and debugger are killed in one moment, as a lack of memory does it: another sidecar heals the target."""

import os
import signal
from contextlib import closing

import pytest
from support.dap_client import DapClient
from support.engine import connect
from support.serving import attach
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker


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


def _kill_everything_in_the_sidecar_of(target: DockerTarget) -> None:
    with closing(connect()) as docker:
        (sidecar,) = docker.containers.list(filters={"label": f"dapbridge.target-name={target.name}"})
        listed = sidecar.top(ps_args="-eo pid,comm")["Processes"]
    pids = {name: int(pid) for pid, name in listed}
    # The agent must not see gdb's end, nor gdb the agent's: either would put things right by itself.
    os.kill(pids["python3"], signal.SIGSTOP)
    os.kill(pids["gdb"], signal.SIGKILL)
    os.kill(pids["python3"], signal.SIGKILL)
