"""A debugger that the agent starts before it is asked for."""

import asyncio
import os
from pathlib import Path

import pytest
from agent_rig import LIMIT_S, agent_for, wait_gone

from dapbridge.agent.client import Agent, Child
from dapbridge.agent.facts import AgentScope
from dapbridge.errors import UserError

OURSELVES = AgentScope(main_pid=os.getpid())


def echoing(log: Path) -> list[str]:
    """A program that notes its process id in a file, and then says what it hears."""
    return ["sh", "-c", f"echo $$ >>{log}; exec cat"]


def noted(log: Path) -> list[int]:
    return [int(line) for line in log.read_text().split()] if log.exists() else []


async def started(log: Path, count: int = 1) -> list[int]:
    """Wait until so many have noted their process ids; return these."""
    async with asyncio.timeout(LIMIT_S):
        while len(pids := noted(log)) < count:
            await asyncio.sleep(0.01)
    return pids


async def answer_of(child: Child) -> bytes:
    child.write(b"hello")
    return await child.read()


async def test_it_is_the_one_that_is_asked_for(tmp_path: Path) -> None:
    log = tmp_path / "log"
    async with agent_for(OURSELVES, early_argv=echoing(log)) as (agent, _):
        before = await started(log)
        child = await agent.spawn(echoing(log))
        assert await answer_of(child) == b"hello"
        assert await started(log) == before
        await child.aclose()
        assert await child.wait() == 0
        second = await agent.spawn(echoing(log))
        assert await answer_of(second) == b"hello"
        assert len(await started(log, 2)) == 2


@pytest.mark.parametrize("env", [{}, {"LANG": "C.nothing"}])
async def test_another_command_is_started_by_itself_and_it_ends_with_the_agent(
    tmp_path: Path, env: dict[str, str]
) -> None:
    log, other = tmp_path / "log", tmp_path / "other"
    async with agent_for(OURSELVES, early_argv=echoing(log)) as (agent, process):
        (early,) = await started(log)
        assert await answer_of(await agent.spawn(echoing(log if env else other), env=env)) == b"hello"
        assert len(await started(log)) == (2 if env else 1)
    assert process.process.returncode == 0
    await wait_gone(early)


async def test_one_that_has_ended_is_started_again(tmp_path: Path) -> None:
    log = tmp_path / "log"
    once = ["sh", "-c", f"echo $$ >>{log}; [ $(wc -l <{log}) = 1 ] || exec cat"]
    async with agent_for(OURSELVES, early_argv=once) as (agent, _):
        (early,) = await started(log)
        await wait_gone(early)
        await _hear_of_the_end(agent)
        assert await answer_of(await agent.spawn(once)) == b"hello"


async def test_one_that_is_missing_is_told_to_who_asks_for_it() -> None:
    async with agent_for(OURSELVES, early_argv=["no-such-debugger"]) as (agent, _):
        with pytest.raises(UserError, match="can't start 'no-such-debugger' in the sidecar: No such file"):
            await agent.spawn(["no-such-debugger"])


async def _hear_of_the_end(agent: Agent) -> None:
    """The agent has taken note of what has ended before it answers the next but one."""
    for _ in range(2):
        await agent.processes()
