"""The contender without DAP: gdb/MI over the same agent and attach stream, plain MI commands, each stop's in one burst.

It is what dapbridge could cost at best: nobody waits for an answer before the next command, no client is spoken to,
and the names of the variables that are opened are known beforehand.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

from scene import AFTER_S, BUILD_FOLDER, IDLE_LINE, SERVE_LINE, SOURCE, STEPS_PER_STOP, Place, Sample, Seen, check
from support.targets import DockerTarget

from dapbridge.agent.client import Agent, Child
from dapbridge.agent.facts import Libraries, Process
from dapbridge.config import AttachConfig, SidecarConfig
from dapbridge.engines.mi.gdb import Gdb
from dapbridge.mi.commands import command
from dapbridge.mi.connection import MiConnection
from dapbridge.mi.records import Async, Payload, Result
from dapbridge.runtimes import make_runtime

_OPENED = ("numbers", "ages", "name")


class Mi:
    """One gdb: bursts of commands out, their results in."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._connection = MiConnection()
        self._results: dict[int, Result] = {}
        self._stops: deque[Payload] = deque()

    def send(self, *commands: str) -> list[int]:
        """Send commands in one burst; return their tokens."""
        numbered = [self._connection.send(each) for each in commands]
        self._child.write(b"".join(data for _, data in numbered))
        return [token for token, _ in numbered]

    async def results(self, tokens: list[int]) -> list[Payload]:
        """Wait for the commands' results. Raises RuntimeError for an error among them."""
        while not all(token in self._results for token in tokens):
            await self._take()
        results = [self._results.pop(token) for token in tokens]
        if errors := [result.payload for result in results if result.kind == "error"]:
            raise RuntimeError(f"gdb: {errors}")
        return [result.payload for result in results]

    async def run(self, *commands: str) -> list[Payload]:
        """Send commands in one burst and wait for their results."""
        return await self.results(self.send(*commands))

    async def stop(self, reason: str) -> Payload:
        """Wait for the target's next stop, the attach's own left out."""
        while not self._stops:
            await self._take()
        stop = self._stops.popleft()
        if stop["reason"] != reason:
            raise RuntimeError(f"stopped, expected {reason!r}: {stop}")
        return stop

    async def _take(self) -> None:
        data = await self._child.read()
        if not data:
            raise RuntimeError("gdb has ended")
        for record in self._connection.receive_data(data):
            match record:
                case Result(token=int(token)):
                    self._results[token] = record
                case Async(kind="stopped") if "reason" in record.payload:
                    self._stops.append(record.payload)


@asynccontextmanager
async def agent_in_sidecar(target: DockerTarget) -> AsyncIterator[Agent]:
    """Start a sidecar beside the target and its agent, as dapbridge does; end both with the block."""
    runtime = make_runtime("docker")
    try:
        sidecar = await runtime.start_sidecar(target.name, SidecarConfig(), lambda _: None)
        try:
            agent = await Agent.connect(sidecar.transport, sidecar.scope)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(agent.run())
                try:
                    yield agent
                finally:
                    await agent.aclose()
        finally:
            await sidecar.aclose()
    finally:
        await runtime.aclose()


async def prepare(agent: Agent, target: DockerTarget, *breakpoints: str) -> tuple[Mi, Child, Process, Libraries]:
    """Start a gdb that has read the program's symbols and set breakpoints, and not yet attached."""
    dialect = Gdb()
    process = next(each for each in agent.hello.processes if each.pid == agent.hello.main_pid)
    child = await dialect.spawn(agent, process)
    mi = Mi(child)
    prepared = mi.send(
        *await dialect.settings(agent, process, AttachConfig(target.name)),
        *dialect.load_program(f"/proc/{process.pid}/exe"),
        *breakpoints,
    )
    libraries = await agent.link_libraries(process.pid)
    await mi.results(prepared)
    return mi, child, process, libraries


async def measure(place: Place, stops: int) -> Sample:
    """Do what `dap_contenders.measure` does."""
    sample = Sample()
    begin = perf_counter()
    place.gauge.reset()
    async with agent_in_sidecar(place.target) as agent:
        await _debug(agent, place, stops, sample, begin)
    return sample


async def _debug(agent: Agent, place: Place, stops: int, sample: Sample, begin: float) -> None:
    mi, child, process, libraries = await prepare(agent, place.target, break_at(SOURCE, IDLE_LINE))
    dialect = Gdb()
    attached = mi.send(*dialect.attach(process.pid, stop=False))
    loaded = mi.send(*dialect.load_libraries(libraries.sysroot, process.pid))
    await mi.results(attached)
    sample.stood_still_s = place.gauge.stood_still_ns() / 1e9
    sample.from_nothing_s = sample.attach_s = perf_counter() - begin
    await mi.results(loaded)
    await asyncio.sleep(AFTER_S)
    sample.stood_still_after_s = place.gauge.stood_still_ns() / 1e9
    [inserted] = await mi.run(break_at(SOURCE, SERVE_LINE))
    for stop in range(stops):
        thread_id = int((await mi.stop("breakpoint-hit"))["thread-id"])
        await _look(mi, thread_id, f"{stop}_0")
        for step in range(1, STEPS_PER_STOP + 1):
            step_begin = perf_counter()
            mi.send(command("exec-next", thread=thread_id))
            await mi.stop("end-stepping-range")
            seen = await _look(mi, thread_id, f"{stop}_{step}")
            sample.steps_s.append(perf_counter() - step_begin)
            sample.lists_s.append(sample.steps_s[-1])
            check(seen, step)
        if stop == stops - 1:
            await mi.run(command("break-delete", inserted["bkpt"]["number"]))
        await mi.run("-exec-continue")
        looks = [f"{stop}_{step}" for step in range(STEPS_PER_STOP + 1)]
        await mi.run(*(command("var-delete", f"v{look}_{name}") for look in looks for name in _OPENED))
    await mi.run("-target-detach")
    await child.aclose()


def break_at(source: str, line: int) -> str:
    """Return the command that sets a breakpoint."""
    return command("break-insert", "-f", source=f"{BUILD_FOLDER}/{source}", line=line)


async def _look(mi: Mi, thread_id: int, look: str) -> Seen:
    """Ask for the stack and all variables of the top frame; `look` makes the names of variable objects."""
    place = {"thread": thread_id, "frame": 0}
    _, stack, values, *_ = await mi.run(
        command("stack-list-variables", "--simple-values", **place),
        command("stack-list-frames", 0, 19, thread=thread_id),
        command("stack-list-variables", "--all-values", **place),
        *(command("var-create", f"v{look}_{name}", "*", name, **place) for name in _OPENED),
    )
    frames = stack["stack"]
    shown = {each["name"]: each["value"] for each in values["variables"]}
    return Seen([each.get("func", "??") for each in frames], int(frames[0]["line"]), shown)
