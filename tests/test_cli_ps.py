"""`dapbridge ps` with real containers, mostly limited to one: others are other people's."""

import asyncio
import json
import sys
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support import procfs
from support.serving import attach, serving
from support.targets import DockerTarget, running, running_image

from dapbridge.cli import main

PS = (sys.executable, "-m", "dapbridge", "ps")
WITHOUT_OTHERS = ("unshare", "--pid", "--mount", "--fork", "--mount-proc")
WITHOUT_RIGHTS = ("setpriv", "--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace")


async def ps(*arguments: str) -> Result:
    """Run the command in a thread, for it has an event loop of its own."""
    result: Result = await asyncio.to_thread(CliRunner().invoke, main, ["ps", *arguments])
    return result


async def listed(*arguments: str, name: str) -> dict[str, Any]:
    """Return what `ps --json` says of one container."""
    result = await ps("--json", *arguments)
    assert result.exit_code == 0, result.stderr
    return find(result.stdout, name)


async def listed_by(*wrapper: str, name: str) -> dict[str, Any]:
    """Return what `ps --json` says of a container when it is run as a process of its own by `wrapper`."""
    process = await asyncio.create_subprocess_exec(*wrapper, *PS, "--json", name, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    assert process.returncode == 0
    return find(output.decode(), name)


def find(output: str, name: str) -> dict[str, Any]:
    listing = json.loads(output)
    assert listing["version"] == 1
    (found,) = (target for target in listing["targets"] if target["name"] == name)
    assert isinstance(found, dict)
    return found


async def test_without_an_engine_one_line_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_HOST", "tcp://127.0.0.1:9")
    result = await ps("--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: no Docker engine answers (DOCKER_HOST, tcp://127.0.0.1:9)")


async def test_what_is_no_container_is_refused() -> None:
    result = await ps("pid://4242")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == "Error: pid://4242: only Docker containers can be listed so far\n"


@pytest.mark.docker
@pytest.mark.root
class TestWithAnEngine:
    async def test_a_program_alone_in_its_image(self) -> None:
        async with running("spin", labels={"com.docker.compose.project": "shop"}) as target:
            found = await listed(name=target.name)
            status = found.pop("status")
            assert status.startswith("Up ")
            assert found == {
                "target": target.uri,
                "name": target.name,
                "id": target.id,
                "image": target.container.attrs["Config"]["Image"],
                "runtime": "docker",
                "composeProject": "shop",
                "composeService": None,
                "processes": [
                    {
                        "process": 1,
                        "pid": 1,
                        "ppid": 0,
                        "name": "spin",
                        "command": ["/spin"],
                        "user": "1000:1000",
                        "language": "c",
                        "debugInfo": True,
                        "main": True,
                    }
                ],
                "error": None,
            }
            await target.assert_let_go()

    async def test_several_processes_without_zombies_and_programs_without_debug_info(self) -> None:
        # The first child ends when nobody is left who would wait for it.
        child = "until grep -q sleep /proc/$PPID/comm; do sleep 0.05; done"
        script = f"sh -c '{child}' & sleep 600 & echo tick 1; exec sleep 601"
        async with running_image("debian:trixie-slim", "sh", "-c", script) as target:
            await wait_for_zombie(target)
            found = await listed(target.name, name=target.name)
            rows = [
                (each["main"], each["ppid"], each["command"], each["user"], each["language"], each["debugInfo"])
                for each in found["processes"]
            ]
            assert rows == [
                (True, 0, ["sleep", "601"], "0:0", None, False),
                (False, 1, ["sleep", "600"], "0:0", None, False),
            ]

    async def test_by_its_id_and_as_a_table(self) -> None:
        async with running("pair") as target:
            result = await ps(target.id[:12])
            header, parent, child = (line.split() for line in result.stdout.splitlines())
            image = target.container.attrs["Config"]["Image"]
            assert header == ["CONTAINER", "IMAGE", "PID", "USER", "LANGUAGE", "DEBUG", "INFO", "COMMAND"]
            assert parent == [target.name, image, "1", "1000:1000", "c", "yes", "/pair", "parent"]
            assert child[1:4] == ["1000:1000", "c", "yes"]

    async def test_a_container_with_the_hosts_pids(self) -> None:
        async with running("spin", pid_mode="host") as target:
            found = await listed(target.name, name=target.name)
            assert [each["pid"] for each in found["processes"]] == [target.pid]

    async def test_a_sidecar_is_no_target_and_its_debugger_no_process_of_its_target(self) -> None:
        async with running("spin") as target, serving() as client:
            await attach(client, target, "spin.c", "work")
            await client.event("stopped")
            (sidecar,) = target.sidecars()
            result = await ps("--json")
            assert sidecar.name not in {each["name"] for each in json.loads(result.stdout)["targets"]}
            assert len(find(result.stdout, target.name)["processes"]) == 1
            await client.disconnect()
            await target.assert_let_go()

    async def test_an_engine_whose_processes_are_not_seen_here(self) -> None:
        async with running("pair") as target:
            found = await listed_by(*WITHOUT_OTHERS, name=target.name)
            parent, child = found["processes"]
            assert (parent["pid"], parent["ppid"], parent["command"]) == (1, 0, ["/pair", "parent"])
            assert (child["pid"], child["ppid"], child["main"]) == (None, 1, False)
            assert (parent["process"], child["process"]) == (1, "^/pair +child$")
            assert {each["language"] for each in found["processes"]} == {None}
            assert "the engine runs on another machine" in found["error"]
            await target.assert_let_go()

    async def test_without_the_right_to_read_the_program(self) -> None:
        async with running("spin") as target:
            found = await listed_by(*WITHOUT_RIGHTS, name=target.name)
            (process,) = found["processes"]
            assert (process["pid"], process["command"], process["language"], process["debugInfo"]) == (
                1,
                ["/spin"],
                None,
                None,
            )

    async def test_a_paused_container_is_shown_and_a_stopped_one_refused(self) -> None:
        async with running("spin") as target:
            await asyncio.to_thread(target.container.pause)
            found = await listed(target.name, name=target.name)
            assert ("Paused" in found["status"], len(found["processes"])) == (True, 1)
            await asyncio.to_thread(target.container.unpause)
            await asyncio.to_thread(target.container.kill)
            result = await ps(target.name)
            assert (result.exit_code, result.stdout) == (1, "")
            assert f"container '{target.name}' is not running: exited" in result.stderr


async def wait_for_zombie(target: DockerTarget) -> None:
    """Wait until the child that nobody waits for has ended."""
    async with asyncio.timeout(30):
        while not any(procfs.is_zombie(pid) for pid in procfs.children(target.pid)):
            await asyncio.sleep(0.02)
