"""The benchmark of the relay to delve runs to its end, with right facts; how long that takes is asserted nowhere."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 120


@pytest.mark.docker
@pytest.mark.root
@pytest.mark.timeout(LIMIT_S + 30)
async def test_the_relay_is_measured_beside_delve_itself() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}:{ROOT / 'bench'}"}
    command = (sys.executable, "bench/delve.py", "--runs", "1", "--stops", "1")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(LIMIT_S):
            stdout, stderr = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, stderr.decode()
    header, _, *rows = [line for line in stdout.decode().splitlines() if line.startswith("|")]
    assert header == "| ms | dapbridge | dlv dap | difference |"
    titles = [row.split("|")[1].strip() for row in rows]
    assert titles[2:] == [
        *("`threads`", "`stackTrace`", "`scopes`", "`variables`", "`evaluate`"),
        *("next until `stopped`", "`setBreakpoints`"),
    ]
    assert all(float(row.split("|")[column].split()[0]) > 0 for row in rows for column in (2, 3))
