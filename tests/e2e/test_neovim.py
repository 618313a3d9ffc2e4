"""A real Neovim with nvim-dap and the configuration of docs/neovim.md, headless.

nvim-dap is in no registry: NVIM_DAP_DIR names a checkout of it. Without that these are skipped, in CI too.
"""

import os
import re
import shutil
import sys
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from support.editors import SCENARIOS, Editor, Project, documented, editing
from support.marks import mark
from support.serving import assert_whole, listening
from support.targets import DockerTarget, running

NVIM_DAP_DIR = os.environ.get("NVIM_DAP_DIR")
NVIM = shutil.which("nvim", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")

pytestmark = [
    pytest.mark.docker,
    pytest.mark.root,
    pytest.mark.may_skip,
    pytest.mark.skipif(not NVIM_DAP_DIR, reason="NVIM_DAP_DIR names no checkout of nvim-dap, which no registry has"),
]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, "spin.c")


def neovim(project: Project, scenario: str, target: DockerTarget) -> AbstractAsyncContextManager[Editor]:
    assert NVIM, "there is no nvim: .ci/setup test installs it where NVIM_DAP_DIR is set"
    configuration = project.write("dapbridge.lua", documented("neovim.md", "lua"))
    project.environment |= {
        "SCENARIO": scenario,
        "FILE": str(project.source),
        "LINE": str(mark("spin.c", "work")),
        "TARGET": target.name,
    }
    load_plugin = f"set runtimepath^={NVIM_DAP_DIR}"
    run = f"luafile {SCENARIOS / 'neovim.lua'}"
    return editing(NVIM, "--headless", "--cmd", load_plugin, "-u", configuration, "-c", run, project=project)


async def debug(project: Project, target: DockerTarget) -> None:
    async with neovim(project, "session", target) as editor:
        stop = await editor.told("stopped")
        assert (stop["stack"], stop["shown"]) == (["work", "main"], str(project.source))
        assert stop["line"] == mark("spin.c", "work")
        shown = (await editor.told("locals"))["text"]
        assert re.match(r"Arguments\n  round: \d+\nLocals\n  home: \{x = 3, y = 4\}\n", shown), shown
        step = await editor.told("stepped")
        assert (step["stack"], step["line"]) == (["work", "main"], mark("spin.c", "work-next"))
        assert "dap> round * 0 + 42\n42\n" in (await editor.told("evaluated"))["text"]
        await editor.told("disconnected")
        assert await editor.ended() == 0
    await assert_whole(target)


async def test_a_session(project: Project) -> None:
    async with running("spin") as target:
        await project.init("neovim", target.name)
        await debug(project, target)


async def test_a_session_with_a_server_over_tcp(project: Project) -> None:
    async with running("spin") as target, listening() as server:
        await project.init("neovim", target.name, port=server.port)
        await debug(project, target)


async def test_closing_neovim_in_a_stop_lets_the_program_go(project: Project) -> None:
    async with running("spin") as target:
        async with neovim(project, "close", target) as editor:
            assert (await editor.told("stopped"))["line"] == mark("spin.c", "work")
            assert await editor.ended() == 0
        await assert_whole(target)


async def test_killing_neovim_in_a_stop_lets_the_program_go(project: Project) -> None:
    async with running("spin") as target:
        async with neovim(project, "hang", target) as editor:
            await editor.told("stopped")
            editor.process.kill()
            await editor.ended()
        await assert_whole(target)
