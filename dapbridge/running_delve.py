"""A session with a dlv that runs headless already: no target and no sidecar, but an agent of this host to reach it.

The agent holds the connection, so that a killed bridge costs the target nothing: see `engines/running_delve.py`.
"""

import asyncio
from contextlib import AsyncExitStack

from dapbridge.agent.client import Agent
from dapbridge.engines import make_running_delve_engine
from dapbridge.engines.base import Emit, Engine
from dapbridge.prepared import Prepared, TargetEnd
from dapbridge.runtimes.base import Progress
from dapbridge.runtimes.pid import PidSidecar, start_local_agent


async def prepare_running_delve(address: str, emit: Emit, progress: Progress, tasks: asyncio.TaskGroup) -> Prepared:
    """Start an agent on this host and an engine for the dlv at `address`; nothing is left when that fails."""
    progress(f"connecting to dlv at {address}")
    async with AsyncExitStack() as undo:
        sidecar = await start_local_agent()
        undo.push_async_callback(sidecar.aclose)
        agent = await Agent.connect(sidecar.transport, sidecar.scope)
        undo.push_async_callback(agent.aclose)
        tasks.create_task(agent.run())
        undo.pop_all()
        return _RunningDelve(sidecar, agent, make_running_delve_engine(address, agent, tasks, emit))


class _RunningDelve:
    """See `prepared.Prepared`."""

    def __init__(self, sidecar: PidSidecar, agent: Agent, engine: Engine) -> None:
        self.engine = engine
        self._sidecar = sidecar
        self._agent = agent

    async def wait_ended(self) -> TargetEnd:
        await self._agent.wait_closed()
        return TargetEnd(None, f"the agent has ended: {self._agent.end_reason}")

    async def aclose(self) -> None:
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._sidecar.aclose)
            stack.push_async_callback(self._agent.aclose)
            stack.push_async_callback(self.engine.aclose)
