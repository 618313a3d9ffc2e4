"""The benchmark runs to its end, with right facts from every contender; how long that takes is asserted nowhere."""

import asyncio
import os
import re
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 240


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.timeout(LIMIT_S + 30)
async def test_every_contender_is_measured() -> None:
    command = (sys.executable, "bench/attach.py", "--runs", "1", "--stops", "1", "--markdown")
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(LIMIT_S):
            stdout, stderr = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, stderr.decode()
    header, _, *rows = [line for line in stdout.decode().splitlines() if line.startswith("|")]
    assert header.startswith("| ms | dapbridge | gdb -i=dap | raw MI |")
    assert [row.split("|")[1].strip()[:3] for row in rows if row.startswith("| (")] == [
        f"({each})" for each in "abcdefghii"
    ]
    measured = re.findall(r"([\d,]+(?:\.\d+)?)(?:/s)? \(", "\n".join(rows))
    assert len(measured) == 3 * len(rows)
    assert all(float(each.replace(",", "")) > 0 for each in measured)
