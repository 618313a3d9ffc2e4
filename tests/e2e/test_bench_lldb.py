"""The benchmark beside lldb-dap runs to its end, finds its stacks wrong and ours right; no time is asserted."""

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
async def test_every_contender_is_measured_and_its_stacks_are_compared_with_the_truth() -> None:
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"}
    command = (sys.executable, "bench/lldb_dap.py", "--runs", "1", "--stops", "1", "--markdown")
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment, stdout=PIPE, stderr=PIPE)
    try:
        async with asyncio.timeout(LIMIT_S):
            stdout, stderr = await process.communicate()
    except TimeoutError:
        process.kill()
        raise
    assert process.returncode == 0, stderr.decode()
    times, counts, ends = re.findall(r"(?:^\|.*\n)+", stdout.decode(), re.MULTILINE)

    header, _, *rows = times.splitlines()
    assert header.startswith("| ms | dapbridge | lldb-dap | lldb-dap, set up |")
    assert [row.split("|")[1].strip()[:3] for row in rows if row.startswith("| (")] == [
        f"({each})" for each in "abcdefgh"
    ]
    measured = re.findall(r"([\d.]+) \(", times)
    assert len(measured) == 3 * len(rows)
    assert all(float(each) > 0 for each in measured)

    scores = {name: cells for name, *cells in map(_cells, counts.splitlines()[2:])}
    unwound, named, wrong = scores["dapbridge"]
    assert scores["gdb (true)"] == scores["dapbridge"]
    assert (unwound, wrong) == ("16 of 16", "0")
    assert len(set(named.split(" of "))) == 1
    for blind in ("lldb-dap, `pid`", "lldb-dap, `pid` and `program`"):
        assert scores[blind][:2] == ["0 of 16", f"0 of {named.split(' of ')[1]}"]

    stacks = {thread: cells for thread, *cells in map(_cells, ends.splitlines()[2:])}
    assert set(stacks) == {"`threads`", "`in-condition`", "`in-poll`", "`in-recv`", "`in-sleep`"}
    assert stacks["`in-recv`"][:2] == ["`recv` … `clone` (10)"] * 2


def _cells(row: str) -> list[str]:
    return [each.strip() for each in row.strip("|").split("|")]
