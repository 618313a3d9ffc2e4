"""The benchmark of stacks runs to its end, each contender with the stacks of all threads; no time is asserted."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 240


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.timeout(LIMIT_S + 30)
async def test_every_contender_takes_the_stacks() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "bench/stacks.py", "--runs", "1"), cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(LIMIT_S):
            stdout, stderr = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, stderr.decode()
    rows = [line.split("|") for line in stdout.decode().splitlines() if line.startswith("| ")][2:]
    titles = [row[1].strip(" `") for row in rows]
    assert titles[0] == "dapbridge stacks"
    assert [title.split()[0] for title in titles[2:]] == ["gdb", "the", "eu-stack", "nothing"]
    assert all(float(row[2].split("(")[0].replace(",", "")) > 0 for row in rows)
