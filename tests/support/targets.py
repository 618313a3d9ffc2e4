"""Targets to attach to, in Docker or in namespaces of their own, and what must be true of them after every session.

async with running("spin") as target:
    ...
    await target.assert_let_go()
"""

import asyncio
import os
import secrets
import subprocess
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path
from signal import SIGKILL
from typing import Any

import docker
import requests
from docker.errors import NotFound
from docker.models.containers import Container
from support import procfs
from support.engine import connect
from support.images import image
from support.lines import Lines
from support.marks import PROGRAMS

SIDECAR_LABEL = "dapbridge"

_RUN_OPTIONS: dict[str, dict[str, Any]] = {
    "threads": {"read_only": True},
    "go_gauged": {"tmpfs": {"/tmp": "mode=1777"}},
    "ticker": {"read_only": True, "tmpfs": {"/tmp": "mode=1777"}},
}
_TICKS = {"pair": ("tick parent ", "tick child ")}
_DEBUGGERS = ("gdb", "lldb-server", "dlv", "python3")
_START_LIMIT_S = 30.0


class Target:
    """A running target as this host sees it, below any debugger.

    uri is what the attach configuration's `target` takes; pid is the main process's on this host.
    """

    def __init__(self, uri: str, pid: int, lines: Lines, ticks: Sequence[str]) -> None:
        namespace = procfs.pid_namespace(pid)
        assert namespace is not None, f"the main process of {uri} has ended: {lines.all[-10:]}"
        self.uri = uri
        self.pid = pid
        self.lines = lines
        self._ticks = ticks
        self._namespace = namespace
        self._shares_host_pids = namespace == procfs.own_pid_namespace()
        self._first_pids = frozenset(procfs.pids_in_namespace(namespace))

    def pids(self) -> list[int]:
        """Return the host pids of the target's processes."""
        if self._shares_host_pids:
            return [self.pid, *procfs.children(self.pid)]
        return sorted(self._first_pids)

    def states(self) -> dict[int, str]:
        """Return the state letter of every thread of the target's processes, by host thread id."""
        return {tid: state for pid in self.pids() for tid, state in procfs.thread_states(pid).items()}

    def tracer_pids(self) -> set[int]:
        """Return who traces any thread of the target."""
        return {tracer for pid in self.pids() for tracer in procfs.tracers(pid)}

    def zombies(self) -> dict[int, str]:
        """Return the zombies in the target's PID namespace that came after its start: host pid to name.

        In the host's own namespace others leave zombies too: there only those named like a debugger count.
        """
        fresh = {pid: procfs.name(pid) for pid in self._newcomers() if procfs.is_zombie(pid)}
        if self._shares_host_pids:
            return {pid: name for pid, name in fresh.items() if name in _DEBUGGERS}
        return fresh

    def trigger(self, path: str = "/tmp/trigger") -> None:
        """Make the file that the program waits for, inside the target's root."""
        Path(f"/proc/{self.pid}/root{path}").touch()

    async def assert_runs_on(self, limit_s: float = 10) -> None:
        """Assert that every process of the target makes progress from now on."""
        for prefix in self._ticks:
            try:
                async with asyncio.timeout(limit_s):
                    # Two lines: the first may have been on its way before now.
                    await self.lines.wait_for(prefix, count=2)
            except TimeoutError:
                raise AssertionError(
                    f"{self.uri} printed no {prefix!r} for {limit_s} s: threads {self.states()},"
                    f" tracers {self.tracer_pids()}, last lines {self.lines.all[-3:]}"
                ) from None

    async def assert_let_go(self, limit_s: float = 15) -> None:
        """Assert that a session left no sidecar, tracer, stopped thread or zombie, and that the target runs on."""
        await self.wait_until_alone(limit_s)
        await self.assert_runs_on()
        stopped = {tid: state for tid, state in self.states().items() if state in "tTZ"}
        assert not stopped, f"threads of {self.uri} still stand: {stopped}"
        assert not self.tracer_pids(), f"{self.uri} is still traced by {self.tracer_pids()}"
        assert not self.zombies(), f"zombies in the PID namespace of {self.uri}: {self.zombies()}"

    async def wait_until_alone(self, limit_s: float = 15) -> None:
        """Wait until the agent and its debugger have left. Raises AssertionError after the limit."""
        if self._shares_host_pids:
            return
        try:
            async with asyncio.timeout(limit_s):
                for pid in self._newcomers():
                    await procfs.wait_ended(pid)
        except TimeoutError:
            left = {pid: f"{procfs.name(pid)}, {procfs.thread_states(pid).get(pid)}" for pid in self._newcomers()}
            raise AssertionError(f"processes left in the PID namespace of {self.uri}: {left}") from None

    def _newcomers(self) -> list[int]:
        return [pid for pid in procfs.pids_in_namespace(self._namespace) if pid not in self._first_pids]


class DockerTarget(Target):
    """A target container; `container` is for what only some tests do with it (pause, stop, ...)."""

    def __init__(self, client: docker.DockerClient, container: Container, lines: Lines, ticks: Sequence[str]) -> None:
        self._client = client
        self.container = container
        self.name: str = container.attrs["Name"].removeprefix("/")
        self.id: str = container.attrs["Id"]
        super().__init__(f"docker://{self.name}", container.attrs["State"]["Pid"], lines, ticks)

    def pids(self) -> list[int]:
        return procfs.pids_in_container(self.id)

    def sidecars(self) -> list[Container]:
        """Return the sidecars of this target, dead ones included: they name it in their options or labels."""
        return [each for each in sidecars(self._client) if self.id in str(each.attrs)]

    async def wait_until_alone(self, limit_s: float = 15) -> None:
        for sidecar in await asyncio.to_thread(self.sidecars):
            await asyncio.to_thread(_wait_removed, sidecar, limit_s)

    async def wait_exit(self) -> int:
        """Wait for the target's end; return its exit code."""
        ended = await asyncio.to_thread(self.container.wait)
        return int(ended["StatusCode"])


def sidecars(client: docker.DockerClient) -> list[Container]:
    """Return every sidecar of dapbridge, dead ones included."""
    return list(client.containers.list(all=True, filters={"label": SIDECAR_LABEL}, ignore_removed=True))


@asynccontextmanager
async def running(fixture: str, *command: str, **options: Any) -> AsyncIterator[DockerTarget]:
    """Run the image of a fixture program until the block ends, ready when it ticks.

    options: those of the Docker SDK's `containers.create`, e.g. pid_mode="host" or "container:NAME", user, read_only.
    The container has no network; it runs as its image says, threads and ticker with a read-only root file system.
    """
    with closing(connect()) as client:
        tag = await asyncio.to_thread(image, client, fixture)
    options = _RUN_OPTIONS.get(fixture, {}) | options
    async with running_image(tag, *command, ticks=_TICKS.get(fixture, ("tick ",)), **options) as target:
        yield target


@asynccontextmanager
async def running_image(
    tag: str, *command: str, ticks: Sequence[str] = ("tick ",), **options: Any
) -> AsyncIterator[DockerTarget]:
    """Run a container of any image, like `running`; ticks: how the lines begin that it prints again and again."""
    with closing(connect()) as client:
        container = await asyncio.to_thread(
            client.containers.create,
            tag,
            list(command) or None,
            name=f"dapbridge-test-{tag.rpartition('-')[2].split(':')[0]}-{secrets.token_hex(4)}",
            **{"network_mode": "none"} | options,
        )
        lines: Lines | None = None
        try:
            await asyncio.to_thread(container.start)
            lines = Lines(container.logs(stream=True, follow=True))
            async with asyncio.timeout(_START_LIMIT_S):
                await lines.wait_for(ticks[0])
            await asyncio.to_thread(container.reload)
            yield DockerTarget(client, container, lines, ticks)
        finally:
            await asyncio.to_thread(_remove, container)
            if lines:
                await lines.aclose()


@asynccontextmanager
async def running_process(
    binary: Path, *arguments: str, own_namespaces: bool = True, user: int | None = None
) -> AsyncIterator[Target]:
    """Run a program on this host until the block ends, by default in PID and mount namespaces of its own."""
    command = [str(binary), *arguments]
    if user is not None:
        command = ["setpriv", f"--reuid={user}", f"--regid={user}", "--clear-groups", *command]
    if own_namespaces:
        command = ["unshare", "--pid", "--mount", "--fork", "--mount-proc", *command]
    read_end, write_end = os.pipe()
    process = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL, stdout=write_end)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as output:
        lines = Lines(output)
        try:
            async with asyncio.timeout(_START_LIMIT_S):
                await lines.wait_for("tick ")
            pid = procfs.children(process.pid)[0] if own_namespaces else process.pid
            yield Target(f"pid://{pid}", pid, lines, _TICKS.get(binary.name, ("tick ",)))
        finally:
            # The end of a PID namespace's first process ends all of it; unshare's --kill-child is undone by setpriv.
            for each in (*procfs.children(process.pid), process.pid):
                with suppress(ProcessLookupError):
                    os.kill(each, SIGKILL)
            await process.wait()
            await lines.aclose()


def compile_program(source: str, folder: Path) -> Path:
    """Compile a fixture program for this host into `folder`, its DWARF as if built in /build/src; return the binary."""
    binary = folder / Path(source).stem
    compiler = ["g++", "-std=c++20"] if source.endswith(".cpp") else ["gcc"]
    kind = ["-shared", "-fPIC"] if source == "plugin.c" else []
    flags = ["-g", "-O0", "-pthread", f"-ffile-prefix-map={PROGRAMS}=/build/src"]
    subprocess.run([*compiler, *flags, *kind, source, "-o", binary, "-lm"], cwd=PROGRAMS, check=True)
    return binary


def _wait_removed(sidecar: Container, limit_s: float) -> None:
    try:
        sidecar.wait(condition="removed", timeout=limit_s)
    except NotFound:
        return
    except requests.RequestException as error:
        raise AssertionError(f"sidecar {sidecar.name} is left after {limit_s} s: {error}") from error


def _remove(container: Container) -> None:
    try:
        container.remove(force=True, v=True)
    except NotFound:
        return
