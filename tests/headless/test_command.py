import asyncio
import os
import sys
from pathlib import Path

import pytest

from dapbridge.headless.command import Command, NotStartedError
from dapbridge.headless.silence import Silence

LIMIT_S = 20


async def run(script: str, folder: Path, on_output: asyncio.Event | None = None) -> tuple[int, str]:
    """Run a Python script as COMMAND; return its exit code and what it wrote to stdout."""
    with (folder / "stdout").open("w+") as file:
        told = on_output.set if on_output else None
        async with asyncio.timeout(LIMIT_S):
            command = await Command.start([sys.executable, "-c", script], file.fileno(), told)
            code = await command.wait()
        assert command.ended
        file.seek(0)
        return code, file.read()


@pytest.mark.parametrize("piped", [False, True])
async def test_output_and_exit_code_come_through(tmp_path: Path, piped: bool) -> None:
    heard = asyncio.Event()
    found = await run("print('x' * 100_000); exit(3)", tmp_path, heard if piped else None)
    assert found == (3, "x" * 100_000 + "\n")
    assert heard.is_set() == piped


async def test_a_signal_is_the_exit_code_of_a_shell(tmp_path: Path) -> None:
    assert await run("import os; os.kill(os.getpid(), 15)", tmp_path) == (143, "")


async def test_a_child_that_is_left_behind_is_not_waited_for() -> None:
    script = "import os, time\nif not os.fork():\n    time.sleep(60)\nprint('done')"
    source, end = os.pipe()
    async with asyncio.timeout(LIMIT_S):
        command = await Command.start([sys.executable, "-c", script], end, lambda: None)
        assert await command.wait() == 0
    command.kill()
    os.close(end)
    assert os.read(source, 100) == b"done\n"
    os.close(source)


async def test_signals_reach_the_children_too() -> None:
    source, end = os.pipe()
    async with asyncio.timeout(LIMIT_S):
        command = await Command.start(["sh", "-c", "sleep 600; echo not reached"], end)
        command.kill()
        assert await command.wait() == 137
    os.close(end)
    with os.fdopen(source) as file:
        assert await asyncio.to_thread(file.read) == ""


@pytest.mark.parametrize(("name", "code"), [("no-such-command", 127), ("/etc/passwd", 126)])
async def test_what_cannot_be_started(name: str, code: int) -> None:
    with pytest.raises(NotStartedError, match=name) as caught:
        await Command.start([name], 1)
    assert caught.value.exit_code == code


async def test_silence_is_told_once_for_each_length_and_anew_after_a_sound() -> None:
    told: asyncio.Queue[int] = asyncio.Queue()
    silence = Silence([0.02, 0.04], told.put_nowait)
    async with asyncio.timeout(LIMIT_S):
        silence.heard()
        assert [await told.get(), await told.get()] == [0, 1]
        silence.heard()
        assert await told.get() == 0
    silence.end()
    assert told.empty()
