"""Attaches gdb through an agent to the process in argv and waits to be killed; prints the agent's pid."""

import asyncio
import sys

from agent_rig import agent_process, gdb_on

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import AgentScope


async def main(main_pid: int, join_pid: int) -> None:
    async with agent_process() as started, asyncio.TaskGroup() as tasks:
        agent = await Agent.connect(started.transport, AgentScope(main_pid=main_pid, join_pid=join_pid))
        tasks.create_task(agent.run())
        await gdb_on(agent, "seldom")
        sys.stdout.write(f"{started.pid}\n")
        sys.stdout.flush()
        await agent.wait_closed()


asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
