"""`dapbridge init` for real containers, in a folder of its own."""

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from support.marks import PROGRAMS
from support.serving import assert_whole
from support.targets import running, running_image

from dapbridge.cli import main

pytestmark = [pytest.mark.docker, pytest.mark.root]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with the sources of the fixture programs, as the current folder."""
    for source in PROGRAMS.glob("*.c"):
        shutil.copy(source, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


async def init(*arguments: str) -> Result:
    """Run the command in a thread, for it has an event loop of its own."""
    result: Result = await asyncio.to_thread(CliRunner().invoke, main, ["init", *arguments])
    return result


def configurations(folder: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads((folder / ".vscode/launch.json").read_text())["configurations"]
    return found


async def test_a_configuration_by_what_the_target_tells_and_only_once(folder: Path) -> None:
    async with running("spin") as target:
        result = await init(target.name)
        assert result.exit_code == 0, result.stderr
        assert f"{target.uri}: process 1 (/spin), c, with debug info\n" in result.stdout
        expected = {
            "name": f"Attach to {target.name}",
            "type": "dapbridge",
            "request": "attach",
            "target": target.uri,
            "engine": "gdb",
            "substitutePath": [{"from": "${workspaceFolder}", "to": "/build/src"}],
        }
        assert configurations(folder) == [expected]
        result = await init(target.name, "--editor", "emacs")
        assert result.stdout.endswith(f"already, 'Attach to {target.name}': nothing was changed\n")
        assert configurations(folder) == [expected]
        await assert_whole(target)


async def test_a_process_of_several(folder: Path) -> None:
    async with running("pair") as target:
        result = await init(target.name, "--process", "child")
        assert result.exit_code == 0, result.stderr
        assert configurations(folder)[0]["process"] == "child"
        await assert_whole(target)


async def test_of_several_processes_the_only_one_with_debug_info(folder: Path, compiled: Callable[[str], Path]) -> None:
    volumes = {str(compiled("spin.c")): {"bind": "/srv/spin", "mode": "ro"}}
    async with running_image("debian:trixie-slim", "sh", "-c", "/srv/spin & wait", volumes=volumes) as target:
        result = await init(target.name)
        assert result.exit_code == 0, result.stderr
        assert "(sh -c /srv/spin & wait), has no debug info: another one has, and was chosen" in result.stdout
        (configuration,) = configurations(folder)
        assert (configuration["name"], configuration["process"]) == (f"Attach to {target.name}: spin", "^/srv/spin$")
        await target.assert_let_go()


async def test_a_target_that_is_not_there_leaves_no_file(folder: Path) -> None:
    result = await init("dapbridge-test-no-such-container")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "Error: no container named 'dapbridge-test-no-such-container'" in result.stderr
    assert not (folder / ".vscode").exists()
