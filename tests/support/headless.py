"""`dapbridge run` as a CI job starts it, with a COMMAND that ends when the test says so.

async with running("spin") as target, Run(tmp_path, target.uri, "--break", "spin.c:79") as run:
    hit = await run.event("hit")
    assert await run.finish(0) == 0
"""

import asyncio
import os
import signal
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from xml.etree import ElementTree

from support.marks import PROGRAMS, mark
from support.reports import parse_line, read_junit, read_lines

LIMIT_S = 30
ROOT = Path(__file__).parents[2]


def at(program: str, name: str) -> str:
    """Return FILE:LINE of a mark in a fixture program, as this machine has it."""
    return f"{PROGRAMS / program}:{mark(program, name)}"


class Run:
    """One run, with a JSON report on its stdout and in a file, and a JUnit file. All must be valid in the end.

    command: what runs instead of a COMMAND that waits for `finish`. None: nothing.
    """

    def __init__(
        self,
        folder: Path,
        *arguments: str,
        command: tuple[str, ...] | None = (),
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.events: list[dict[str, Any]] = []
        self.json_file = folder / "report.jsonl"
        self.junit_file = folder / "junit.xml"
        self._fifo = folder / "command"
        self._log = folder / "dapbridge.log"
        reports = ("--json", "--json-file", str(self.json_file), "--junit", str(self.junit_file))
        own = (sys.executable, "-m", "dapbridge", "run", "--log-file", str(self._log), *reports)
        if command == ():
            os.mkfifo(self._fifo)
            command = ("sh", "-c", f"echo begun; read code <{self._fifo}; exit $code")
        self._argv = (*own, *arguments, *(("--", *command) if command else ()))
        self._env = {**os.environ, "PYTHONPATH": str(ROOT), **(env or {})}
        self._cwd = cwd or folder
        self._stderr = b""
        self._arrived = asyncio.Condition()
        self._ended = False

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self.process = await asyncio.create_subprocess_exec(
            *self._argv,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=pipe,
            stderr=pipe,
            env=self._env,
            cwd=self._cwd,
            limit=1 << 26,
        )
        self._tasks = await asyncio.TaskGroup().__aenter__()
        self._readers = [self._tasks.create_task(self._read_stdout()), self._tasks.create_task(self._read_stderr())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self.process.returncode is None:
            await self.kill()
        for each in self._readers:
            each.cancel()
        await self._tasks.__aexit__(None, None, None)
        if error is not None:
            sys.stderr.write(f"--- stderr of dapbridge run\n{self.stderr}\n--- log\n{self.log}\n")

    @property
    def stderr(self) -> str:
        return self._stderr.decode(errors="replace")

    @property
    def log(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    async def event(self, name: str, limit_s: float = LIMIT_S, **expected: Any) -> dict[str, Any]:
        """Wait for the first event of that name with these values."""

        def find() -> dict[str, Any] | None:
            return next(
                (
                    each
                    for each in self.events
                    if each["event"] == name and all(each.get(key) == value for key, value in expected.items())
                ),
                None,
            )

        try:
            async with asyncio.timeout(limit_s), self._arrived:
                await self._arrived.wait_for(lambda: find() or self._ended)
        except TimeoutError:
            raise AssertionError(f"no event {name} {expected} in {limit_s} s; there are {self.events}") from None
        found = find()
        assert found, f"no event {name} {expected}; there are {self.events}"
        return found

    async def written(self, text: str) -> None:
        """Wait until the run, or COMMAND, has written a text to stderr."""
        async with asyncio.timeout(LIMIT_S), self._arrived:
            await self._arrived.wait_for(lambda: text in self.stderr)

    def all(self, name: str, **expected: Any) -> list[dict[str, Any]]:
        """Return the events of that name with these values so far."""
        return [
            each
            for each in self.events
            if each["event"] == name and all(each.get(key) == value for key, value in expected.items())
        ]

    async def finish(self, exit_code: int) -> int:
        """Have COMMAND end with an exit code; return that of the run."""
        await self.event("command-started")
        await asyncio.to_thread(self._fifo.write_text, f"{exit_code}\n")
        return await self.exit_code()

    async def exit_code(self) -> int:
        """Wait for the run's end; its reports must be valid, and its log without errors."""
        try:
            async with asyncio.timeout(LIMIT_S):
                code = await self.process.wait()
                await asyncio.wait(self._readers)
        except TimeoutError:
            raise AssertionError(f"the run did not end in {LIMIT_S} s; there are {self.events}") from None
        if self.events:
            assert read_lines(self.json_file) == self.events
            assert self.events[-1]["exit_code"] == code
            if self._argv.count("--junit") == 1:
                read_junit(self.junit_file)
        assert " ERROR " not in self.log, self.log
        assert "Traceback" not in self.stderr, self.stderr
        return code

    def junit(self) -> ElementTree.Element:
        """Return the suite of the JUnit file as it is now, which must be valid."""
        return read_junit(self.junit_file)

    async def kill(self) -> None:
        """Kill dapbridge, and wait until nothing of the run is left."""
        self.process.kill()
        self._release_command()
        await asyncio.wait(self._readers, timeout=LIMIT_S)
        await self.process.wait()

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal to dapbridge alone."""
        self.process.send_signal(number)

    def _release_command(self) -> None:
        """End a COMMAND that still waits: it would hold dapbridge's streams open."""
        with suppress(OSError):
            fd = os.open(self._fifo, os.O_WRONLY | os.O_NONBLOCK)
            os.write(fd, b"0\n")
            os.close(fd)

    async def _read_stdout(self) -> None:
        assert self.process.stdout
        while line := await self.process.stdout.readline():
            self.events.append(parse_line(line.decode()))
            await self._tell()
        self._ended = True
        await self._tell()

    async def _read_stderr(self) -> None:
        assert self.process.stderr
        while data := await self.process.stderr.read(1 << 16):
            self._stderr += data
            await self._tell()

    async def _tell(self) -> None:
        async with self._arrived:
            self._arrived.notify_all()
