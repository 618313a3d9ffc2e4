"""A real Emacs with dap-mode and the configuration of docs/emacs.md, in batch mode."""

import re
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest
from support.editors import SCENARIOS, Editor, Project, documented, editing
from support.marks import mark
from support.serving import assert_whole, listening
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path, "spin.c")


def emacs(project: Project, scenario: str, target: DockerTarget) -> AbstractAsyncContextManager[Editor]:
    configuration = project.write("dapbridge.el", documented("emacs.md", "elisp"))
    place = (project.source, str(mark("spin.c", "work")), target.name)
    return editing("emacs", "--batch", "-l", SCENARIOS / "emacs.el", configuration, scenario, *place, project=project)


async def test_a_session(project: Project) -> None:
    async with running("spin") as target:
        await project.init("emacs", target.name)
        async with emacs(project, "session", target) as editor:
            stop = await editor.told("stopped")
            assert (stop["stack"], stop["shown"]) == (["work", "main"], str(project.source))
            assert stop["line"] == mark("spin.c", "work")
            shown = (await editor.told("locals"))["text"]
            assert re.search(r"▾ Arguments\n    round: \d+\n▾ Locals\n  ▸ home: \{x = 3, y = 4\}\n", shown), shown
            step = await editor.told("stepped")
            assert (step["stack"], step["line"]) == (["work", "main"], mark("spin.c", "work-next"))
            assert (await editor.told("evaluated"))["text"].endswith(">> round * 0 + 42\n42\n>> ")
            await editor.told("disconnected")
            assert await editor.ended() == 0
        await assert_whole(target)


async def test_closing_emacs_in_a_stop_lets_the_program_go(project: Project) -> None:
    async with running("spin") as target:
        async with emacs(project, "close", target) as editor:
            assert (await editor.told("stopped"))["line"] == mark("spin.c", "work")
            assert await editor.ended() == 0
        await assert_whole(target)


async def test_killing_emacs_that_is_connected_over_tcp_lets_the_program_go(project: Project) -> None:
    async with running("spin") as target, listening() as server:
        await project.init("emacs", target.name, port=server.port)
        async with emacs(project, "hang", target) as editor:
            await editor.told("stopped")
            editor.process.kill()
            await editor.ended()
        await assert_whole(target)
