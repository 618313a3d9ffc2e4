"""Real editors with the configurations of our documentation, in a project of their own, telling what happens to them.

async with editing("emacs", "--batch", "-l", SCENARIOS / "emacs.el", ..., project=project) as editor:
    stop = await editor.told("stopped")

RECORD_SESSIONS=FOLDER in the environment keeps there what editors and dapbridge say (`support.recording`).
"""

import asyncio
import json
import os
import re
import shutil
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from support.marks import FIXTURES, PROGRAMS
from support.recording import write_script

SCENARIOS = Path(__file__).resolve().parents[1] / "editor_scenarios"
DOCS = FIXTURES.parent / "docs"
LIMIT_S = 90

_TOLD = "scenario: "


class Project:
    """A folder with the source of a fixture program, as a developer has it, and a home that is nobody's."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder / "project"
        self.folder.mkdir()
        self.home = folder / "home"
        self.home.mkdir()
        self.source = self.folder / program
        shutil.copy(PROGRAMS / program, self.source)
        self.environment = os.environ | {
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
            "XDG_DATA_HOME": str(self.home / "data"),
            "XDG_STATE_HOME": str(self.home / "state"),
            "XDG_CACHE_HOME": str(self.home / "cache"),
            # The editor finds the dapbridge that is tested.
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        if kept := os.environ.get("RECORD_SESSIONS"):
            write_script(self.home, Path(kept) / f"{folder.name}.recorded")
            self.environment["PATH"] = f"{self.home}:{self.environment['PATH']}"

    def write(self, name: str, text: str) -> Path:
        """Write a file of the editor's into the home."""
        file = self.home / name
        file.write_text(text)
        return file

    async def init(self, editor: str, target: str, *, port: int | None = None) -> None:
        """Run `dapbridge init` here; port: and let the configuration connect to the server that listens there."""
        command = ("dapbridge", "init", "--editor", editor, target)
        process = await asyncio.create_subprocess_exec(*command, cwd=self.folder, env=self.environment, stderr=PIPE)
        _, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        if port is not None:
            file = self.folder / ".vscode/launch.json"
            launch = json.loads(file.read_text())
            launch["configurations"][0]["debugServer"] = port
            file.write_text(json.dumps(launch))


class Editor:
    """A running editor that tells what happens as lines `scenario: {"what": ...}`."""

    def __init__(self, process: Process) -> None:
        self.process = process
        self._lines: list[str] = []

    async def told(self, what: str) -> dict[str, Any]:
        """Return the next thing told, which must be `what`."""
        assert self.process.stdout
        try:
            async with asyncio.timeout(LIMIT_S):
                while line := (await self.process.stdout.readline()).decode():
                    self._lines.append(line)
                    if line.startswith(_TOLD):
                        told: dict[str, Any] = json.loads(line.removeprefix(_TOLD))
                        assert told["what"] == what, self._report(f"instead of {what!r} came {told}")
                        return told
        except TimeoutError:
            raise AssertionError(self._report(f"no {what!r} within {LIMIT_S} s")) from None
        raise AssertionError(self._report(f"the editor ended without {what!r}"))

    async def ended(self) -> int:
        """Wait for the editor's end; return its exit code."""
        async with asyncio.timeout(LIMIT_S):
            return await self.process.wait()

    def _report(self, problem: str) -> str:
        return "\n".join([problem, "the editor's output:", *self._lines])


@asynccontextmanager
async def editing(*command: str | Path, project: Project) -> AsyncIterator[Editor]:
    """Run an editor in the project until the block ends."""
    process = await asyncio.create_subprocess_exec(
        *map(str, command),
        cwd=project.folder,
        env=project.environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=1 << 24,
    )
    try:
        yield Editor(process)
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


def documented(page: str, language: str) -> str:
    """Return the first block of code in `language` on a page of the documentation."""
    block = re.search(rf"^```{language}\n(.*?)^```", (DOCS / page).read_text(), re.DOTALL | re.MULTILINE)
    assert block, f"docs/{page} has no block of {language}"
    return block[1]
