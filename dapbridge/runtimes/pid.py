"""pid://N: a process of this host in whatever namespaces; its sidecar is a local process that joins them."""

import asyncio
import logging
import os
import secrets
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress

from dapbridge.agent.bundle import BOOTSTRAP_ARGV
from dapbridge.agent.facts import AgentScope
from dapbridge.config import SidecarConfig
from dapbridge.runtimes.base import Progress, TargetSummary
from dapbridge.runtimes.pid_preflight import check_process
from dapbridge.runtimes.stream import EndingStream

_log = logging.getLogger(__name__)

_END_LIMIT_S = 10.0
_LET_GO_LIMIT_S = 30.0


class PidRuntime:
    """The processes of this host."""

    def __init__(self, agent_argv: Sequence[str] | None = None) -> None:
        """agent_argv: what sidecars run instead of the agent."""
        self._agent_argv = agent_argv or [sys.executable, *BOOTSTRAP_ARGV[1:]]

    async def targets(self) -> list[TargetSummary]:
        """List nothing: a host's processes are what `ps` lists, and hardly any of them is meant."""
        return []

    async def start_sidecar(
        self, name: str, config: SidecarConfig, progress: Progress, *, wider: bool = False
    ) -> "PidSidecar":
        """Preflight the process and start an agent. Raises UserError.

        config and wider mean nothing here: the agent runs as dapbridge does.
        """
        scope = check_process(int(name))
        progress(f"starting the agent for process {name}")
        return await PidSidecar.start(self._agent_argv, scope)

    async def aclose(self) -> None:
        """Free nothing."""


async def start_local_agent() -> "PidSidecar":
    """Start an agent of this host with no target: it only holds connections."""
    return await PidSidecar.start([sys.executable, *BOOTSTRAP_ARGV[1:]], AgentScope(container_id=secrets.token_hex(32)))


class PidSidecar:
    """A local agent. It is no child of the terminal's session: Ctrl-C there is not for the agent."""

    can_widen = False

    def __init__(self, process: asyncio.subprocess.Process, scope: AgentScope, stderr: asyncio.ReadTransport) -> None:
        if process.stdin is None or process.stdout is None:
            raise ValueError("the agent was started without pipes")
        self.transport = EndingStream(process.stdout, process.stdin)
        self.scope = scope
        self.process_id = process.pid
        self._process = process
        self._stderr = stderr

    @classmethod
    async def start(cls, argv: Sequence[str], scope: AgentScope) -> "PidSidecar":
        """Start the agent by its command."""
        read_end, write_end = os.pipe()
        stderr, _ = await asyncio.get_running_loop().connect_read_pipe(_StderrLog, os.fdopen(read_end, "rb", 0))
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=write_end,
                start_new_session=True,
            )
        except BaseException:
            stderr.close()
            raise
        finally:
            os.close(write_end)
        return cls(process, scope, stderr)

    async def target_exit_code(self) -> int | None:
        """None: only a process's parent is told."""
        return None

    async def aclose(self) -> None:
        """End the stream, which makes the agent let go and end; then ask by SIGTERM; force only after that."""
        await self.transport.aclose()
        if not await self._wait_ended(_END_LIMIT_S):
            _log.warning("agent %d has not ended by itself: stopping it", self._process.pid)
            self._signal(signal.SIGTERM)
            if not await self._wait_ended(_LET_GO_LIMIT_S):
                _log.error("agent %d had to be killed", self._process.pid)
                self._signal(signal.SIGKILL)
                await self._process.wait()
        self._stderr.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)

    async def _wait_ended(self, limit_s: float) -> bool:
        try:
            async with asyncio.timeout(limit_s):
                await self.transport.discard_rest()
                await self._process.wait()
        except TimeoutError:
            return False
        return True


class _StderrLog(asyncio.Protocol):
    """Logs what the agent writes to stderr."""

    def data_received(self, data: bytes) -> None:
        for line in data.decode(errors="replace").splitlines():
            _log.warning("agent: %s", line)
