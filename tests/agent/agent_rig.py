"""An agent as a local process, as the pid:// runtime runs it, and a debugger of it that is spoken to in plain MI."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from support.procfs import children, wait_ended
from support.targets import Target

from dapbridge.agent.bundle import BOOTSTRAP_ARGV
from dapbridge.agent.client import GDB_LADDER, Agent, Child, Step
from dapbridge.agent.facts import AgentScope
from dapbridge.transport import StreamTransport

LIMIT_S = 20.0


class AgentProcess:
    """The bootstrap as a process of this host, waiting for its agent."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self.pid = process.pid
        self.transport = StreamTransport(process.stdout, process.stdin)

    async def wait(self) -> int:
        """Wait until it has ended by itself; return its exit code."""
        async with asyncio.timeout(LIMIT_S):
            return await self.process.wait()


@asynccontextmanager
async def agent_process(*prefix: str, python: str = sys.executable) -> AsyncIterator[AgentProcess]:
    """Start the bootstrap; after the block it must have ended, or is killed."""
    argv = [*prefix, python, *BOOTSTRAP_ARGV[1:]]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe)
    try:
        yield AgentProcess(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


@asynccontextmanager
async def agent_for(
    scope: AgentScope,
    *prefix: str,
    python: str = sys.executable,
    silence_s: float = 15,
    early_argv: Sequence[str] = (),
) -> AsyncIterator[tuple[Agent, AgentProcess]]:
    """Run an agent whose host side reads; it is released at the end of the block."""
    async with agent_process(*prefix, python=python) as started, asyncio.TaskGroup() as tasks:
        agent = await Agent.connect(started.transport, scope, silence_s=silence_s, early_argv=early_argv)
        tasks.create_task(agent.run())
        try:
            yield agent, started
        finally:
            await agent.aclose()
            await started.wait()


def scope_of(target: Target) -> AgentScope:
    """Return what the pid:// runtime would say of the target."""
    status = Path(f"/proc/{target.pid}/status").read_text()
    inner_pid = next(line for line in status.splitlines() if line.startswith("NSpid:")).split()[-1]
    return AgentScope(main_pid=int(inner_pid), join_pid=target.pid)


class Mi:
    """Speaks MI with a debugger in the simplest way."""

    def __init__(self, child: Child) -> None:
        self.child = child
        self._text = ""

    async def send(self, *commands: str, until: str = "^done") -> str:
        """Send commands one by one, each answered by `until`; return the last answer up to its end of line."""
        answer = ""
        for command in commands:
            self.child.write(command.encode() + b"\n")
            answer = await self.wait_for("^", f"the answer to {command}")
            assert answer.startswith((until, "^running", "^connected")), f"{command}: {answer}"
        return answer

    async def wait_for(self, start: str, what: str = "") -> str:
        """Wait for a line that begins with `start`; return it and forget what came before."""
        try:
            async with asyncio.timeout(LIMIT_S):
                while True:
                    *lines, rest = self._text.split("\n")
                    for number, line in enumerate(lines):
                        if line.startswith(start):
                            self._text = "\n".join([*lines[number + 1 :], rest])
                            return line
                    data = await self.child.read()
                    assert data, f"gdb ended before {what or start}: {self._text}"
                    self._text += data.decode(errors="replace")
        except TimeoutError:
            raise AssertionError(f"{what or start} did not come, but: {self._text}") from None


async def gdb_on(agent: Agent, place: str, ladder: Sequence[Step] = GDB_LADDER) -> Mi:
    """Attach gdb to the agent's main process with a breakpoint at `place`, and let that run."""
    pid = agent.hello.main_pid
    assert pid is not None
    libraries = await agent.link_libraries(pid)
    child = await agent.spawn(
        ["gdb", "--nx", "--quiet", "--interpreter=mi4", "-iex", "set auto-load off"], ladder=ladder
    )
    mi = Mi(child)
    await mi.send(
        "-gdb-set mi-async on",
        "-gdb-set unwindonsignal on",
        f"-gdb-set sysroot {libraries.sysroot}",
        f"-file-exec-and-symbols /proc/{pid}/exe",
        f"-break-insert {place}",
        f"-target-attach {pid}",
        "-exec-continue",
    )
    await mi.wait_for("*running")
    return mi


def read_bytes(path: str) -> bytes:
    """Return the content of a file of this host."""
    return Path(path).read_bytes()


async def wait_gone(pid: int) -> None:
    """Wait until a process that isn't ours to wait for, and what it waits for itself, has ended."""
    async with asyncio.timeout(LIMIT_S):
        for child in children(pid):
            await wait_ended(child)
        await wait_ended(pid)
