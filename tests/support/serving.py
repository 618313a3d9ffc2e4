"""The real `dapbridge serve`, the way an editor takes to a fixture program in it, and what must be true afterwards.

async with running("spin") as target, serving() as client:
    await attach(client, target, "spin.c", "work")
    stopped = await client.event("stopped")
    ...
    await client.disconnect()
    await assert_whole(target)
"""

import asyncio
import os
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from signal import SIGKILL, SIGSTOP
from tempfile import TemporaryDirectory
from typing import Any

from support import engines
from support.dap_client import LIMIT_S, DapClient, JsonObject
from support.marks import mark
from support.targets import DockerTarget, Target

from dapbridge.agent.remote import healing

WORKSPACE = "/home/me/project"
RULES = [{"from": WORKSPACE, "to": "/build/src"}]


@asynccontextmanager
async def serving(*arguments: str, env: Mapping[str, str] | None = None) -> AsyncIterator[DapClient]:
    """Run `dapbridge serve` for one client over stdio; after it the log must hold no error."""
    with TemporaryDirectory(prefix="dapbridge-test-") as folder:
        log = Path(folder) / "log"
        command = (sys.executable, "-m", "dapbridge", "serve", "--log-file", str(log), *arguments)
        async with await DapClient.spawn(*command, env=env) as client:
            yield client
        assert_no_errors(log, client)


async def attach(client: DapClient, target: Target, program: str, *marks: str, **arguments: Any) -> list[JsonObject]:
    """Attach to `target` with breakpoints at the marks of its source; return these as the client sees them.

    The client has the source in WORKSPACE. arguments: more of the attach configuration, e.g. process=7.
    """
    path = client_path(program)
    lines = {path: [mark(program, each) for each in marks]} if marks else {}
    placed = await client.attach(attach_arguments(target, **arguments), lines)
    return placed.get(path, [])


def attach_arguments(target: Target, **arguments: Any) -> JsonObject:
    """Return the arguments of `attach` for a client with the sources in WORKSPACE, and the engine of the test."""
    # gdb is what the engine "auto" comes to.
    chosen: JsonObject = {} if engines.current.get() == "gdb" else {"engine": engines.current.get()}
    if image := engines.sidecar.get():
        chosen["sidecar"] = {"image": image, "pull": "never"}
    return {"target": target.uri, "substitutePath": RULES, **chosen, **arguments}


def client_path(program: str) -> str:
    """Return where the client has the source of a fixture program."""
    return f"{WORKSPACE}/{program}"


@asynccontextmanager
async def held_in_letting_go(client: DapClient, target: Target) -> AsyncIterator[int]:
    """Disconnect from a target that stands, whose tracer is stopped before it lets go; gives the tracer's pid.

    The block has to let it go on, or to kill it: behind it the disconnect is waited for.
    """
    # Behind all that is looked up at a stop.
    await client.request("evaluate", {"expression": "1 + 1"})
    (tracer,) = target.tracer_pids()
    os.kill(tracer, SIGSTOP)
    async with asyncio.TaskGroup() as tasks:
        leaving = tasks.create_task(client.disconnect())
        # Long enough for the tracer to be asked, and not for anybody to lose patience.
        await asyncio.sleep(0.3)
        assert target.tracer_pids() == {tracer}
        assert not leaving.done()
        yield tracer


async def assert_whole(target: Target) -> None:
    """Assert that the target runs on as if nothing had been: no breakpoint, sidecar, tracer or zombie is left."""
    await target.assert_let_go()
    left = {pid: found for pid in target.pids() if (found := healing.find_breakpoints(pid))}
    assert not left, f"breakpoints left in {target.uri}: {left}"
    if isinstance(target, DockerTarget):
        assert target.sidecars() == []


def assert_no_errors(log: Path, client: DapClient | None = None) -> None:
    """Assert that the server has logged no error and written none to stderr."""
    text = log.read_text() if log.exists() else ""
    bad = [line for line in text.splitlines() if " ERROR " in line or " CRITICAL " in line]
    assert not bad, f"errors in the server's log:\n{text}"
    assert client is None or "Traceback" not in client.stderr, client.stderr


class ListeningServer:
    """A `dapbridge serve --listen` for any number of clients."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port

    async def connect(self) -> DapClient:
        """Connect one more client."""
        return await DapClient.connect("127.0.0.1", self.port)


@asynccontextmanager
async def listening() -> AsyncIterator[ListeningServer]:
    """Run `dapbridge serve` on a free TCP port; SIGTERM, if nothing before, ends it; the log must hold no error."""
    with TemporaryDirectory(prefix="dapbridge-test-") as folder:
        log = Path(folder) / "log"
        command = (sys.executable, "-m", "dapbridge", "serve", "--log-file", str(log), "--listen", "127.0.0.1:0")
        process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.PIPE)
        assert process.stderr
        try:
            async with asyncio.timeout(LIMIT_S):
                address = (await process.stderr.readline()).decode()
            yield ListeningServer(process, int(address.rpartition(":")[2]))
            if process.returncode is None:
                process.terminate()
            async with asyncio.timeout(LIMIT_S):
                assert await process.wait() in (0, -SIGKILL)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        assert_no_errors(log)
