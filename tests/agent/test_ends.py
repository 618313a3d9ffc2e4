"""Every end, with a real gdb that has a breakpoint in a real program: it runs on, whole, and nothing is left."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from agent_rig import (
    LIMIT_S,
    AgentProcess,
    Mi,
    agent_for,
    agent_process,
    gdb_on,
    scope_of,
    wait_gone,
)
from support import procfs
from support.fake_command import ENVIRONMENT
from support.targets import Target, running_process

from dapbridge.agent.client import GDB_LADDER, Agent, Step
from dapbridge.agent.remote import healing

pytestmark = pytest.mark.root

HERE = Path(__file__).parent
LADDER: tuple[Step, ...] = (("close_stdin", 1.0), ("signal", "INT", 3.0), ("signal", "TERM", 3.0))


class Case:
    """A target under gdb under an agent."""

    def __init__(self, target: Target, started: AgentProcess, agent: Agent, mi: Mi) -> None:
        self.target = target
        self.started = started
        self.agent = agent
        self.mi = mi
        self.gdb_pid = next(iter(target.tracer_pids()))


End = Callable[[Case], Awaitable[None]]


@pytest.fixture(scope="session")
def program(compiled: Callable[[str], Path]) -> Path:
    return compiled(str(HERE / "seldom.c"))


@pytest.fixture(params=[True, False], ids=["own-namespaces", "shared-namespaces"])
async def target(
    request: pytest.FixtureRequest, program: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Target]:
    """A program that must run on, whole, with nothing left beside it, when the test has ended."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    async with running_process(program, own_namespaces=request.param) as target:
        yield target
        assert healing.find_breakpoints(target.pid) == {}
        os.kill(target.pid, signal.SIGUSR1)
        async with asyncio.timeout(LIMIT_S):
            await target.lines.wait_for("seldom ")
        await target.assert_let_go()
        assert procfs.children(target.pid) == []
    assert os.listdir(tmp_path) == []


@asynccontextmanager
async def under_gdb(
    target: Target, place: str = "seldom", *, silence_s: float = 15, ladder: tuple[Step, ...] = LADDER
) -> AsyncIterator[Case]:
    """Run gdb on the target, with a breakpoint in it; after the block agent and gdb must have ended."""
    async with agent_process() as started, asyncio.TaskGroup() as tasks:
        agent = await Agent.connect(started.transport, scope_of(target), silence_s=silence_s)
        tasks.create_task(agent.run())
        mi = await gdb_on(agent, place, ladder)
        case = Case(target, started, agent, mi)
        yield case
        assert await started.wait() == 0
        await procfs.wait_ended(case.gdb_pid)


async def by_release(case: Case) -> None:
    await case.agent.aclose()


async def by_end_of_stream(case: Case) -> None:
    await case.started.transport.aclose()


async def by_sigterm_of_the_agent(case: Case) -> None:
    case.started.process.terminate()


async def by_sighup_of_the_agent(case: Case) -> None:
    case.started.process.send_signal(signal.SIGHUP)


async def by_sigkill_of_gdb(case: Case) -> None:
    os.kill(case.gdb_pid, signal.SIGKILL)
    assert await case.mi.child.wait() == -signal.SIGKILL
    # Healed at once, not only at the agent's end.
    assert healing.find_breakpoints(case.target.pid) == {}
    await case.target.assert_runs_on()
    await case.agent.aclose()


async def by_sigterm_of_gdb(case: Case) -> None:
    os.kill(case.gdb_pid, signal.SIGTERM)
    await case.mi.child.wait()
    await case.target.assert_runs_on()
    await case.agent.aclose()


async def by_closing_gdb(case: Case) -> None:
    await case.mi.child.aclose()
    await case.target.assert_runs_on()
    await case.agent.aclose()


GENTLE_ENDS: list[End] = [by_release, by_end_of_stream, by_sigterm_of_the_agent, by_sighup_of_the_agent, by_closing_gdb]
ENDS: list[End] = [*GENTLE_ENDS, by_sigkill_of_gdb, by_sigterm_of_gdb]


@pytest.mark.parametrize("end", ENDS)
async def test_running_with_a_breakpoint(target: Target, end: End) -> None:
    async with under_gdb(target) as case:
        await target.assert_runs_on()
        assert healing.find_breakpoints(target.pid), "gdb has put no breakpoint in"
        await end(case)


@pytest.mark.parametrize("end", ENDS)
async def test_running_with_a_watchpoint_in_the_processor(target: Target, end: End) -> None:
    async with under_gdb(target) as case:
        await case.mi.send("-exec-interrupt")
        await case.mi.wait_for("*stopped")
        # Written to when it is asked for `seldom`, after the end: a watchpoint that is left kills it then.
        assert "wpt=" in await case.mi.send("-break-watch wanted")
        await case.mi.send("-exec-continue")
        await case.mi.wait_for("*running")
        await end(case)


@pytest.mark.parametrize("end", GENTLE_ENDS)
async def test_running_into_a_hot_breakpoint(target: Target, end: End) -> None:
    async with under_gdb(target, "-c 0 often") as case:
        await target.assert_runs_on()
        await end(case)


@pytest.mark.parametrize("end", GENTLE_ENDS)
async def test_standing_at_a_breakpoint(target: Target, end: End) -> None:
    async with under_gdb(target, "often") as case:
        await case.mi.wait_for("*stopped")
        await end(case)


@pytest.mark.parametrize("end", GENTLE_ENDS)
async def test_in_a_call_into_the_target(target: Target, end: End) -> None:
    async with under_gdb(target) as case:
        await case.mi.send("-exec-interrupt")
        await case.mi.wait_for("*stopped")
        case.mi.child.write(b"-data-evaluate-expression call()\n")
        async with asyncio.timeout(LIMIT_S):
            await target.lines.wait_for("called")
        await end(case)


async def test_silence(target: Target) -> None:
    async with under_gdb(target, silence_s=1.0) as case:
        case.agent._ping_timer.cancel()


async def test_the_last_step_of_a_ladder_heals_before_it_kills(target: Target) -> None:
    async with under_gdb(target, "often", ladder=()) as case:
        await case.mi.wait_for("*stopped")
        await case.mi.child.aclose()
        assert await case.mi.child.wait() == -signal.SIGKILL
        await case.agent.aclose()


async def test_a_stopped_gdb_is_killed_in_the_end(target: Target) -> None:
    ladder: tuple[Step, ...] = (("close_stdin", 0.2), ("signal", "INT", 0.2), ("signal", "TERM", 0.2))
    async with under_gdb(target, ladder=ladder) as case:
        os.kill(case.gdb_pid, signal.SIGSTOP)
        await case.agent.aclose()


async def test_sigkill_of_the_bridge(target: Target) -> None:
    scope = scope_of(target)
    bridge = await asyncio.create_subprocess_exec(
        sys.executable,
        str(HERE / "bridge_to_kill.py"),
        str(scope.main_pid),
        str(scope.join_pid),
        stdout=asyncio.subprocess.PIPE,
        env={**ENVIRONMENT, "PYTHONPATH": f"{ENVIRONMENT['PYTHONPATH']}:{HERE}"},
    )
    assert bridge.stdout is not None
    agent_pid = int(await bridge.stdout.readline())
    gdb_pid = next(iter(target.tracer_pids()))
    bridge.kill()
    await bridge.wait()
    await wait_gone(agent_pid)
    await procfs.wait_ended(gdb_pid)


async def test_sigkill_of_what_waits_outside_of_the_namespace(program: Path) -> None:
    async with running_process(program) as target:
        async with agent_process() as started, asyncio.TaskGroup() as tasks:
            agent = await Agent.connect(started.transport, scope_of(target))
            tasks.create_task(agent.run())
            await gdb_on(agent, "seldom", GDB_LADDER)
            inner = procfs.children(started.pid)[0]
            started.process.kill()
            await wait_gone(inner)
        await target.assert_let_go()


ATTACH_AND_DIE = """
import ctypes, os, signal, sys
ctypes.CDLL(None).ptrace(16, int(sys.argv[1]), None, None)
os.kill(os.getpid(), signal.SIGKILL)
"""


async def test_a_debugger_that_dies_in_its_attach_leaves_the_target_running(target: Target) -> None:
    async with agent_for(scope_of(target)) as (agent, _):
        child = await agent.spawn([sys.executable, "-c", ATTACH_AND_DIE, str(agent.hello.main_pid)])
        assert await child.wait() == -signal.SIGKILL
    await target.assert_runs_on()


async def test_what_was_stopped_before_stays_stopped(program: Path) -> None:
    async with running_process(program) as target:
        os.kill(target.pid, signal.SIGSTOP)
        async with agent_for(scope_of(target)) as (agent, _):
            child = await agent.spawn(["false"])
            assert await child.wait() == 1
        assert set(procfs.thread_states(target.pid).values()) == {"T"}


ORPHANS = "trap '' TERM; (exec sleep 1000) & (trap '' TERM; sleep 1000; true) & echo $$"


async def test_orphans_of_a_child_are_ended_and_reaped(target: Target) -> None:
    async with agent_for(scope_of(target)) as (agent, _):
        child = await agent.spawn(["sh", "-c", ORPHANS])
        assert await child.read()
        assert await child.wait() == 0


async def test_a_breakpoint_that_was_there_before_is_left_alone(program: Path) -> None:
    async with running_process(program, own_namespaces=False) as target:
        async with agent_for(scope_of(target)) as (agent, _):
            mi = await gdb_on(agent, "seldom")
            await target.assert_runs_on()
            foreign = healing.find_breakpoints(target.pid)
            assert foreign
            async with agent_for(scope_of(target)) as (other, _):
                child = await other.spawn(["false"])
                await child.wait()
            assert healing.find_breakpoints(target.pid) == foreign
            await mi.child.aclose()
        assert healing.find_breakpoints(target.pid) == {}
