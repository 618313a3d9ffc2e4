"""Breakpoints of a debugger that was killed, without an agent around."""

import asyncio
import os
import re
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from support import procfs
from support.fake_command import ENVIRONMENT
from support.targets import Target, running_process

from dapbridge.agent.remote import healing

pytestmark = pytest.mark.root

HERE = Path(__file__).parent


@pytest.fixture
async def target(compiled: Callable[[str], Path]) -> AsyncIterator[Target]:
    async with running_process(compiled(str(HERE / "seldom.c")), own_namespaces=False) as target:
        yield target


async def run_gdb(target: Target, *commands: str) -> asyncio.subprocess.Process:
    """Attach gdb, run commands, let the target go on; return the running gdb."""
    script = [f"attach {target.pid}", *commands, "continue &", "echo ready\\n"]
    options = [word for command in script for word in ("-ex", command)]
    gdb = await asyncio.create_subprocess_exec(
        "gdb", "-nx", "-q", *options, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert gdb.stdout is not None
    await gdb.stdout.readuntil(b"ready")
    await target.assert_runs_on()
    return gdb


async def kill(gdb: asyncio.subprocess.Process) -> None:
    gdb.kill()
    await gdb.wait()


async def test_only_the_breakpoints_are_found_and_they_are_taken_out(target: Target) -> None:
    assert healing.find_breakpoints(target.pid) == {}
    gdb = await run_gdb(target, "info address seldom", "break *seldom", "break *seldom+4")
    found = healing.find_breakpoints(target.pid)
    # gdb has one of its own in the dynamic linker.
    assert len(found) in (2, 3)
    await kill(gdb)
    assert healing.heal(target.pid) == len(found)
    assert healing.find_breakpoints(target.pid) == {}
    os.kill(target.pid, signal.SIGUSR1)
    await target.lines.wait_for("seldom ")
    await target.assert_runs_on()


async def test_those_to_leave_are_left(target: Target) -> None:
    gdb = await run_gdb(target, "break *seldom")
    found = healing.find_breakpoints(target.pid)
    await kill(gdb)
    assert healing.heal(target.pid, frozenset(found)) == 0
    assert healing.find_breakpoints(target.pid) == found
    assert healing.heal(target.pid) == len(found)


async def test_other_changes_of_the_code_are_left(target: Target) -> None:
    """A program may patch itself; such a byte isn't a breakpoint."""
    address = int(re.findall(r"^([0-9a-f]+)-.* r-xp .*/seldom$", procfs.read(target.pid, "maps"), re.MULTILINE)[0], 16)
    memory = os.open(f"/proc/{target.pid}/mem", os.O_RDWR)
    original = os.pread(memory, 16, address)
    assert b"\xcc" not in original
    os.pwrite(memory, b"\xcc\x90\xcc", address)
    assert healing.heal(target.pid) == 2
    assert os.pread(memory, 16, address) == original[:1] + b"\x90" + original[2:]
    os.close(memory)


async def test_a_replaced_program_is_healed_from_the_old_one(compiled: Callable[[str], Path], tmp_path: Path) -> None:
    program = tmp_path / "seldom"
    shutil.copy(compiled(str(HERE / "seldom.c")), program)
    async with running_process(program, own_namespaces=False) as target:
        gdb = await run_gdb(target, "break *seldom")
        os.unlink(program)
        shutil.copy("/bin/true", program)
        await kill(gdb)
        assert healing.heal(target.pid) >= 1
        assert healing.find_breakpoints(target.pid) == {}
        await target.assert_runs_on()


HEAL_AS_TRACER = """
import os, sys
from dapbridge.agent.remote import healing, processes

pid = int(sys.argv[1])
write_all = healing._write_all

def refuse_strangers(memory, originals):
    tracer = processes.facts(pid)["tracer_pid"]
    print("tracer" if tracer == os.getpid() else tracer)
    if tracer != os.getpid():
        raise PermissionError
    write_all(memory, originals)

healing._write_all = refuse_strangers
print(healing.heal(pid) > 0)
"""


async def test_a_kernel_that_lets_only_tracers_write_is_asked_as_one(target: Target) -> None:
    gdb = await run_gdb(target, "break *seldom")
    await kill(gdb)
    # In a process of its own, for here asyncio itself waits for the target, its child.
    healer = await asyncio.create_subprocess_exec(
        sys.executable, "-c", HEAL_AS_TRACER, str(target.pid), stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT
    )
    output, _ = await healer.communicate()
    assert output.split() == [b"0", b"tracer", b"True"]
    assert target.tracer_pids() == set()
    assert healing.find_breakpoints(target.pid) == {}
    await target.assert_runs_on()


async def test_it_is_quick(target: Target) -> None:
    """It races with the target: a search takes milliseconds, so it is far below the limit here on any machine."""
    started = time.perf_counter()
    for _ in range(10):
        healing.find_breakpoints(target.pid)
    assert time.perf_counter() - started < 1.0


def test_an_ended_process_is_an_error() -> None:
    with pytest.raises(OSError, match="No such"):
        healing.heal(4194304)
