"""Breakpoints taken out of the code for a while, and put in again."""

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


@pytest.fixture
async def target(compiled: Callable[[str], Path]) -> AsyncIterator[Target]:
    async with running_process(compiled(str(HERE / "seldom.c")), own_namespaces=False) as target:
        yield target


def put_in(target: Target, *offsets: int) -> dict[int, bytes]:
    """Write breakpoints to where the program never runs; return what was there."""
    start = int(re.findall(r"^([0-9a-f]+)-.* r-xp .*/seldom$", procfs.read(target.pid, "maps"), re.MULTILINE)[0], 16)
    with open(f"/proc/{target.pid}/mem", "r+b", buffering=0) as memory:
        for offset in offsets:
            os.pwrite(memory.fileno(), b"\xcc", start + offset)
    return healing.find_breakpoints(target.pid)


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


async def test_a_process_that_has_ended_is_left_alone() -> None:
    logged: list[str] = []
    nobody = 2**22 - 1
    lifting = Lifting(nobody, frozenset(), logged.append)
    lifting.lift()
    lifting.put_back()
    assert logged == []
