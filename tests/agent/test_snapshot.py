"""Snapshots of processes of this host: what is in them, and that who was frozen runs on whatever happened."""

import asyncio
import io
import os
import signal
import struct
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from agent_rig import LIMIT_S, agent_for
from elftools.elf.elffile import ELFFile
from support import procfs
from support.targets import Target, running_process

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import AgentScope
from dapbridge.agent.remote.freezing import Stacks
from dapbridge.agent.remote.processes import Mapping
from dapbridge.errors import UserError

pytestmark = pytest.mark.root

HERE = Path(__file__).parent
SP = 19

# Takes a snapshot of process ARGV[1], and says "frozen" while it stands; `end` is what happens then.
HANGING = """
import os, sys
from dapbridge.agent.remote import freezing, snapshot

class Hanging(freezing.Copy):
    def take(self, spans):
        print("frozen", flush=True)
        sys.stdin.read()
        {end}

freezing.Copy = Hanging
pid = int(sys.argv[1])
{start}
"""
IN_THIS_PROCESS = "snapshot.take(pid, False, os.memfd_create('core'))"
IN_A_CHILD = """
told = os.pipe()[1]
if os.fork() == 0:
    snapshot._run_child(pid, False, os.memfd_create('core'), told)
os.wait()
"""


@asynccontextmanager
async def agent_of(target: Target) -> AsyncIterator[Agent]:
    """Run an agent in the target's own PID namespace, which is that of this host."""
    async with agent_for(AgentScope(main_pid=target.pid)) as (agent, _):
        yield agent


@asynccontextmanager
async def frozen(target: Target, start: str, end: str = "") -> AsyncIterator[asyncio.subprocess.Process]:
    """Let the target be frozen by a process that hangs then."""
    code = HANGING.format(start=start, end=end or "pass")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(target.pid), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(LIMIT_S):
            assert await process.stdout.readline() == b"frozen\n"
        assert set(target.states().values()) == {"t"}
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate(b"")


def threads_in(core: bytes) -> dict[int, tuple[int, ...]]:
    """Return the general registers of each thread in a core file, by its id."""
    notes = next(each for each in ELFFile(io.BytesIO(core)).iter_segments() if each["p_type"] == "PT_NOTE").iter_notes()
    raw = [note["n_descdata"] for note in notes if note["n_type"] == "NT_PRSTATUS"]
    return {struct.unpack_from("<i", each, 32)[0]: struct.unpack_from("<27Q", each, 112) for each in raw}


async def assert_untouched(target: Target) -> None:
    await target.assert_runs_on()
    assert not target.tracer_pids()
    assert not {state for state in target.states().values() if state in "tTZ"}


async def test_every_thread_is_in_it_with_its_stack(compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("many.c"), "stand", "20", "/none", own_namespaces=False) as target:
        async with agent_of(target) as agent:
            snapshot = await agent.snapshot(target.pid)
            core = await asyncio.to_thread(Path(snapshot.path).read_bytes)
            tids = set(target.states())
            assert {each.tid for each in snapshot.threads} == set(threads_in(core)) == tids
            stands = [each for each in snapshot.threads if each.name.startswith("stands-")]
            assert {each.name for each in stands} == {f"stands-{number}" for number in range(20)}
            assert {each.syscall.name for each in stands if each.syscall} == {"pause"}
            loads = [each for each in ELFFile(io.BytesIO(core)).iter_segments() if each["p_type"] == "PT_LOAD"]
            for registers in threads_in(core).values():
                sp = registers[SP]
                assert any(each["p_vaddr"] <= sp < each["p_vaddr"] + each["p_filesz"] for each in loads)
            assert snapshot.stood_ns > 0
            assert len(core) == snapshot.bytes
            await agent.drop_snapshot(snapshot)
            assert not await asyncio.to_thread(Path(snapshot.path).exists)
        await assert_untouched(target)


async def test_threads_that_come_and_go(compiled: Callable[[str], Path], tmp_path: Path) -> None:
    trigger = tmp_path / "trigger"
    trigger.touch()
    async with running_process(compiled("many.c"), "come-and-go", "4", str(trigger), own_namespaces=False) as target:
        async with agent_of(target) as agent:
            for _ in range(20):
                snapshot = await agent.snapshot(target.pid)
                assert {f"stands-{number}" for number in range(4)} < {each.name for each in snapshot.threads}
                await agent.drop_snapshot(snapshot)
        await assert_untouched(target)


async def test_no_signal_is_lost(compiled: Callable[[str], Path]) -> None:
    sent = 400
    async with running_process(compiled(str(HERE / "counting.c")), own_namespaces=False) as target:

        async def send() -> None:
            for _ in range(sent):
                os.kill(target.pid, signal.SIGRTMIN)
                await asyncio.sleep(0.001)

        async with agent_of(target) as agent, asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(send())
            while not sending.done():
                await agent.drop_snapshot(await agent.snapshot(target.pid))
        await target.lines.wait_for(f"tick {sent}")
        await assert_untouched(target)


async def test_a_stopped_process_stays_stopped(compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("many.c"), "stand", "2", "/none", own_namespaces=False) as target:
        os.kill(target.pid, signal.SIGSTOP)
        async with asyncio.timeout(LIMIT_S):
            while set(target.states().values()) != {"T"}:
                await asyncio.sleep(0.01)
        async with agent_of(target) as agent:
            snapshot = await agent.snapshot(target.pid)
            assert len(threads_in(await asyncio.to_thread(Path(snapshot.path).read_bytes))) == 3
            assert set(target.states().values()) == {"T"}
            os.kill(target.pid, signal.SIGCONT)
            await assert_untouched(target)


@pytest.mark.parametrize("start", [IN_THIS_PROCESS, IN_A_CHILD], ids=["itself", "the agent above it"])
async def test_who_takes_it_is_killed_meanwhile(compiled: Callable[[str], Path], start: str) -> None:
    async with running_process(compiled("many.c"), "stand", "5", "/none", own_namespaces=False) as target:
        async with frozen(target, start) as process:
            process.kill()
            await process.wait()
            await target.assert_runs_on()
        await assert_untouched(target)


async def test_an_error_meanwhile(compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("many.c"), "stand", "5", "/none", own_namespaces=False) as target:
        async with frozen(target, IN_THIS_PROCESS, "raise ValueError(7)") as process:
            _, stderr = await process.communicate(b"")
            assert b"ValueError: 7" in stderr
        await assert_untouched(target)


async def test_the_target_is_killed_meanwhile(compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("many.c"), "stand", "5", "/none", own_namespaces=False) as target:
        async with frozen(target, IN_THIS_PROCESS) as process:
            os.kill(target.pid, signal.SIGKILL)
            await process.communicate(b"")
            assert process.returncode is not None


async def test_a_process_that_has_ended(compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("many.c"), "stand", "1", "/none", own_namespaces=False) as target:
        async with agent_of(target) as agent:
            os.kill(target.pid, signal.SIGKILL)
            await procfs_ended(target.pid)
            with pytest.raises(UserError, match=f"can't take a snapshot of process {target.pid}: it has ended"):
                await agent.snapshot(target.pid)


async def test_a_process_that_somebody_traces(compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("many.c"), "stand", "1", "/none", own_namespaces=False) as target:
        async with frozen(target, IN_THIS_PROCESS) as process:
            async with agent_of(target) as agent:
                with pytest.raises(UserError, match="Operation not permitted"):
                    await agent.snapshot(target.pid)
            process.kill()
            await process.wait()
        await assert_untouched(target)


async def procfs_ended(pid: int) -> None:
    async with asyncio.timeout(LIMIT_S):
        while not procfs.is_zombie(pid) and procfs.name(pid):
            await asyncio.sleep(0.01)


def mapping(start: int, end: int, path: str = "", perms: str = "rw-p") -> Mapping:
    return Mapping(f"{start:x}-{end:x} {perms} 00000000 00:00 0 {path}\n")


def test_of_a_stack_the_used_part_is_copied() -> None:
    stacks = Stacks([mapping(0x1000, 0x9000), mapping(0x10000, 0x20000)], budget=1 << 20, limit=1 << 20)
    assert stacks.spans([0x8000]) == [(0x8000 - 128, 0x1000 + 128)]
    assert stacks.spans([0x1010]) == [(0x1000, 0x8000)]
    assert stacks.spans([0x9000, 0x5]) == []


def test_no_stack_is_copied_beyond_the_limit() -> None:
    stacks = Stacks([mapping(0, 1 << 30)], budget=1 << 29, limit=1 << 20)
    assert stacks.spans([1 << 20]) == [((1 << 20) - 128, 1 << 20)]


def test_large_stacks_share_what_small_ones_leave() -> None:
    maps = [mapping(0x10000, 0x11000), mapping(0x100000, 0x200000), mapping(0x300000, 0x400000)]
    spans = Stacks(maps, budget=0x21000, limit=1 << 30).spans([0x10080, 0x100080, 0x300080])
    assert [size for _, size in spans] == [0x1000, 0x10000, 0x10000]


def test_the_main_stack_may_have_grown_since() -> None:
    stacks = Stacks([mapping(0x1000, 0x2000), mapping(0x9000, 0xA000, "[stack]")], budget=1 << 20, limit=1 << 20)
    assert stacks.spans([0x8F00]) == [(0x8F00, 0x1100)]
