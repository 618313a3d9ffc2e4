"""`dapbridge cleanup` with real sidecars, each time limited to one target's: others are other people's."""

import asyncio
import sys
from contextlib import closing

import pytest
from click.testing import CliRunner, Result
from support.dap_client import DapClient
from support.engine import connect
from support.targets import DockerTarget, running

from dapbridge.cli import main


async def clean_up(*arguments: str) -> Result:
    """Run the command in a thread, for it has an event loop of its own."""
    result: Result = await asyncio.to_thread(CliRunner().invoke, main, ["cleanup", *arguments])
    return result


def leave_dead_sidecar(target: DockerTarget, name: str) -> None:
    """Make what a session leaves that was killed between making its sidecar and starting it."""
    labels = {
        "dapbridge": "0",
        "dapbridge.target": target.id,
        "dapbridge.target-name": target.name,
    }
    with closing(connect()) as client:
        dead = client.containers.create("debian:trixie-slim", ["true"], name=name, network_mode="none", labels=labels)
        dead.start()
        dead.wait()


async def test_without_an_engine_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    result = await clean_up("--all")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: no Docker engine answers (DOCKER_HOST, tcp://127.0.0.1:9)")


@pytest.mark.docker
async def test_nothing_to_clean_up() -> None:
    result = await clean_up("dapbridge-test-no-such-container")
    assert (result.exit_code, result.output) == (0, "nothing to clean up\n")


@pytest.mark.docker
async def test_dead_sidecars_are_removed() -> None:
    async with running("spin") as target:
        dead = f"{target.name}-dead"
        await asyncio.to_thread(leave_dead_sidecar, target, dead)
        result = await clean_up(target.name)
        assert result.exit_code == 0
        assert result.output == f"{dead} (target '{target.name}'): removed, it was dead\n"
        assert target.sidecars() == []
        await target.assert_let_go()


@pytest.mark.docker
async def test_a_session_is_left_alone_and_with_all_ended_by_its_agent() -> None:
    async with (
        running("threads") as target,
        await DapClient.spawn(sys.executable, "-m", "dapbridge", "serve") as client,
    ):
        await client.attach({"target": target.name})
        (sidecar,) = target.sidecars()
        result = await clean_up(target.name)
        assert (result.exit_code, result.output.splitlines()) == (
            0,
            [
                f"{sidecar.name} (target '{target.name}'): left alone, a session may be using it",
                "to end those left: dapbridge cleanup --all",
            ],
        )
        assert (await client.request("threads"))["threads"]
        # By its id, as well as by its name.
        result = await clean_up("--all", target.id[:12])
        assert (result.exit_code, result.output) == (
            0,
            f"{sidecar.name} (target '{target.name}'): ended by its agent, which has let go of the target\n",
        )
        await client.event("terminated")
        await target.assert_let_go()
