"""Breakpoints taken out of the code for a while, and put in again."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support import procfs
from support.targets import Target, running_process

from dapbridge.agent.remote import healing
from dapbridge.agent.remote.lifting import Lifting

pytestmark = pytest.mark.root

HERE = Path(__file__).parent
LIMIT_S = 10.0


@pytest.fixture
async def target(compiled: Callable[[str], Path]) -> AsyncIterator[Target]:
    async with running_process(compiled(str(HERE / "seldom.c")), own_namespaces=False) as target:
        yield target


def put_in(target: Target, *offsets: int) -> dict[int, bytes]:
    """Write breakpoints to where the program never runs; return what was there."""
    start = int(re.findall(r"^([0-9a-f]+)-.* r-xp .*/seldom$", procfs.read(target.pid, "maps"), re.MULTILINE)[0], 16)
    for offset in offsets:
        write_breakpoint(target.pid, start + offset)
    return healing.find_breakpoints(target.pid)


def write_breakpoint(pid: int, address: int) -> None:
    with open(f"/proc/{pid}/mem", "r+b", buffering=0) as memory:
        os.pwrite(memory.fileno(), b"\xcc", address)


async def test_they_are_put_back_where_they_were_and_others_are_left(target: Target) -> None:
    logged: list[str] = []
    before = put_in(target, 0)
    own = put_in(target, 4, 9)
    assert len(own) == 3
    lifting = Lifting(target.pid, frozenset(before), logged.append)
    lifting.put_back()
    for _ in range(2):
        lifting.lift()
        lifting.lift()
        assert healing.find_breakpoints(target.pid) == before
        lifting.put_back()
        assert healing.find_breakpoints(target.pid) == own
        # What is put in anew in between is taken out with the others.
        own = put_in(target, 12)
    lifting.lift()
    assert healing.find_breakpoints(target.pid) == before
    assert logged == []


async def test_at_a_stop_they_are_taken_out_only_where_that_is_allowed(target: Target) -> None:
    own = put_in(target, 4)
    lifting = Lifting(target.pid, frozenset(), print)
    lifting.note_stop()
    assert healing.find_breakpoints(target.pid) == own
    lifting.learn()
    lifting.note_stop()
    assert healing.find_breakpoints(target.pid) == own
    for _ in range(2):
        lifting.put_back(until_stop=True)
        assert healing.find_breakpoints(target.pid) == own
        lifting.note_stop()
        assert healing.find_breakpoints(target.pid) == {}


async def test_one_that_the_debugger_has_taken_away_is_not_put_back(target: Target) -> None:
    own = put_in(target, 4, 9)
    lifting = Lifting(target.pid, frozenset(), print)
    lifting.lift()
    lifting.put_back(until_stop=True)
    gone = min(own)
    healing.write_back(target.pid, {gone: own[gone]})
    lifting.note_stop()
    assert healing.find_breakpoints(target.pid) == {}
    lifting.put_back()
    assert healing.find_breakpoints(target.pid) == {address: own[address] for address in own if address != gone}


async def test_nothing_is_written_to_a_program_that_the_process_has_become_since(tmp_path: Path) -> None:
    logged: list[str] = []
    gate = tmp_path / "gate"
    os.mkfifo(gate)
    process = await asyncio.create_subprocess_exec("sh", "-c", f"read _ < {gate}; exec sleep 100")
    # It is in the shell's program once it waits for the other end.
    with await asyncio.to_thread(gate.open, "w") as opened:
        end = re.findall(r"-([0-9a-f]+) r-xp .*/dash$", procfs.read(process.pid, "maps"), re.MULTILINE)[0]
        write_breakpoint(process.pid, int(end, 16) - 16)
        lifting = Lifting(process.pid, frozenset(), logged.append)
        lifting.lift()
        assert healing.find_breakpoints(process.pid) == {}
        opened.write("\n")
    async with asyncio.timeout(LIMIT_S):
        while "/sleep" not in procfs.read(process.pid, "maps"):
            await asyncio.sleep(0)
    lifting.put_back(until_stop=True)
    lifting.note_stop()
    lifting.close()
    assert healing.find_breakpoints(process.pid) == {}
    assert logged == []
    process.kill()
    await process.wait()


async def test_a_process_that_has_ended_is_left_alone() -> None:
    logged: list[str] = []
    nobody = 2**22 - 1
    lifting = Lifting(nobody, frozenset(), logged.append)
    lifting.lift()
    lifting.put_back()
    assert logged == []
