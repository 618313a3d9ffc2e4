"""A target whose stacks are looked at: a sidecar beside it, a debugger that has read its symbols, snapshots."""

import asyncio
import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Protocol

from msgspec import Struct

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import Process, Snapshot, SnapshotThread
from dapbridge.config import AttachConfig, SidecarConfig, SubstitutePathRule
from dapbridge.engines.delve_core import MAX_GOROUTINES, GoCoreReader
from dapbridge.engines.mi.core_reader import CoreReader
from dapbridge.engines.mi.gdb import Gdb
from dapbridge.errors import DapbridgeError, EngineError, UserError
from dapbridge.failures import find_cause, format_failure
from dapbridge.headless.exit_codes import NOT_DEBUGGABLE, UNAVAILABLE
from dapbridge.headless.stacks.build import Place, frame_of, make_report, with_variables
from dapbridge.headless.stacks.paths import ClientPaths
from dapbridge.headless.stacks.report import Frame, Report, Unit
from dapbridge.mi.records import Payload
from dapbridge.preparation import reach, read_facts
from dapbridge.runtimes import make_runtime
from dapbridge.runtimes.base import Progress, Runtime, Sidecar
from dapbridge.runtimes.target import Target
from dapbridge.shielded import run_to_end
from dapbridge.symbols import ElfFacts

log = logging.getLogger(__name__)

_END_LIMIT_S = 90.0
_ENDING_S = 3.0
_MIB = 1 << 20


class StacksError(UserError):
    """Why there are no stacks of a target, with the exit code for that."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Options(Struct, frozen=True):
    """What to look at: `process` as in an attach configuration; `variables`: arguments and locals too."""

    process: int | str | None = None
    variables: bool = False
    rules: tuple[SubstitutePathRule, ...] = ()
    sidecar: SidecarConfig = SidecarConfig()
    folder: Path = Path()


class Reader(Protocol):
    """A debugger that reads snapshots; see `engines.mi.core_reader.CoreReader`."""

    async def start(self, config: AttachConfig, tasks: asyncio.TaskGroup) -> None: ...
    async def load(self, snapshot: Snapshot) -> None: ...
    async def look_for_libraries(self) -> None: ...
    async def threads(self, snapshot: Snapshot) -> Sequence[SnapshotThread]: ...
    async def stacks(self) -> dict[int, list[Payload]]: ...
    async def variables(self, places: Sequence[Place]) -> Mapping[Place, list[Payload]]: ...
    async def aclose(self) -> None: ...


class Observed:
    """One target, ready for snapshots. Raises StacksError once it has ended, or can't be traced any more."""

    def __init__(
        self, target: Target, options: Options, sidecar: Sidecar, agent: Agent, process: Process, facts: ElfFacts | None
    ) -> None:
        self.uri = target.uri
        self._options = options
        self._sidecar = sidecar
        self._agent = agent
        self._process = process
        self._unit: Unit = "goroutine" if facts is not None and facts.language == "go" else "thread"
        self._reader: Reader = (
            GoCoreReader(agent, process) if self._unit == "goroutine" else CoreReader(Gdb(), agent, process)
        )
        self._why_threads: str | None = None
        self._paths = ClientPaths(options.rules, options.folder)
        self._facts = facts
        self._snapshots: list[Snapshot] = []

    async def prepare(self, tasks: asyncio.TaskGroup) -> None:
        """Read the program's symbols; the target is not touched."""
        self._tasks = tasks
        await self._reader.start(AttachConfig(target=self.uri), tasks)

    async def freeze(self) -> tuple[Snapshot, datetime]:
        """Take a snapshot; for this, and nothing else, the target stands still."""
        if self._snapshots:
            # It may have loaded more since.
            await self._reader.look_for_libraries()
        time = datetime.now().astimezone()
        snapshot = await self._agent.snapshot(self._process.pid, data=self._needs_data)
        self._snapshots.append(snapshot)
        return snapshot, time

    async def read(self, snapshot: Snapshot, time: datetime) -> Report:
        """Make a snapshot's report."""
        try:
            await self._reader.load(snapshot)
        except (UserError, EngineError) as error:
            if self._unit == "thread":
                raise
            await self._fall_back(str(error))
            await self._reader.load(snapshot)
        seen = await self._reader.threads(snapshot)
        stacks = {
            tid: [frame_of(each, self._paths.to_client) for each in frames]
            for tid, frames in (await self._reader.stacks()).items()
        }
        if self._options.variables:
            with_variables(stacks, await self._reader.variables(_places(stacks)))
        # Only now has the debugger closed the one before.
        while len(self._snapshots) > 1:
            await self._agent.drop_snapshot(self._snapshots.pop(0))
        notes = self._notes(snapshot, len(seen))
        return make_report(self.uri, self._process, snapshot, seen, stacks, time, notes, self._unit)

    async def explain_end(self, error: DapbridgeError) -> StacksError:
        """Return the error to show in place of `error`, which may come from the target's end."""
        await self._settle_end()
        if self._agent.end_reason is not None:
            code = await self._sidecar.target_exit_code()
            if code is None:
                # On a busy machine the runtime tells of it late.
                code = await self._sidecar.target_exit_code()
            if code is not None:
                return StacksError(f"the target has ended with exit code {code}", NOT_DEBUGGABLE)
            return StacksError(f"the sidecar has ended: {self._agent.end_reason}", UNAVAILABLE)
        text = format_failure(error)
        if not isinstance(error, UserError):
            return StacksError(text, UNAVAILABLE)
        hint = Gdb().attach_hint(text)
        return StacksError(f"{text} ({hint})" if hint else text, NOT_DEBUGGABLE)

    async def _settle_end(self) -> None:
        """Wait a moment for the agent's end where the process has ended: with a container's first one both end."""
        try:
            if (await self._agent.inspect(self._process.pid)).process.state not in "ZX":
                return
        except DapbridgeError:
            pass
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDING_S):
                await self._agent.wait_closed()

    async def aclose(self) -> None:
        """End the debugger."""
        await self._reader.aclose()

    @property
    def _needs_data(self) -> bool:
        """Whether the heap is needed: goroutines and their stacks lie there."""
        return self._options.variables or self._unit == "goroutine"

    async def _fall_back(self, why: str) -> None:
        """Have gdb show the threads of a Go program where dlv can't show its goroutines."""
        await self._reader.aclose()
        self._unit, self._why_threads = "thread", why
        self._reader = CoreReader(Gdb(), self._agent, self._process)
        await self._reader.start(AttachConfig(target=self.uri), self._tasks)

    def _notes(self, snapshot: Snapshot, count: int) -> list[str]:
        notes = []
        facts = self._facts
        if self._why_threads is not None:
            why = f"goroutines can't be shown ({self._why_threads})"
            notes.append(f"{why}: these are the threads, and most goroutines are on none of them")
        if self._unit == "goroutine" and count >= MAX_GOROUTINES:
            notes.append(f"there may be more than these {count} goroutines: dlv lists no more")
        if facts is not None and not facts.has_debug_info:
            notes.append("the program was built without debug information (-g) or stripped: there are no lines in it")
        missing = [each.tid for each in snapshot.threads if not each.stopped]
        if missing:
            listed = ", ".join(map(str, missing))
            notes.append(f"threads that would not stand, being held by the kernel, without their stacks: {listed}")
        if snapshot.left_out:
            size = snapshot.left_out / _MIB
            notes.append(
                f"{size:.0f} MiB of the memory were too much to copy: what lies there is missing, or shows an error"
            )
        return notes


@asynccontextmanager
async def observing(target: Target, options: Options, progress: Progress) -> AsyncIterator[Observed]:
    """Go beside the target and read its symbols; at the block's end nothing is left. Raises StacksError."""
    try:
        async with asyncio.TaskGroup() as tasks, AsyncExitStack() as undo:
            closing = AsyncExitStack()
            undo.push_async_callback(lambda: run_to_end(closing.aclose(), _END_LIMIT_S))
            runtime = await _usable_runtime(target, closing)
            config = AttachConfig(target=target.uri, process=options.process, sidecar=options.sidecar)
            try:
                sidecar, agent, inspection = await reach(config, runtime, target.name, progress, tasks, closing)
            except DapbridgeError as error:
                raise StacksError(format_failure(error), NOT_DEBUGGABLE) from error
            facts = await read_facts(agent, inspection.process)
            observed = Observed(target, options, sidecar, agent, inspection.process, facts)
            closing.push_async_callback(observed.aclose)
            try:
                progress("reading symbols")
                await observed.prepare(tasks)
                yield observed
            except StacksError:
                raise
            except DapbridgeError as error:
                raise await observed.explain_end(error) from error
    except ExceptionGroup as group:
        raise find_cause(group) from group


async def _usable_runtime(target: Target, closing: AsyncExitStack) -> Runtime:
    try:
        runtime = make_runtime(target.scheme)
        closing.push_async_callback(runtime.aclose)
        # Nothing is done with the list: an engine that can't be reached says so here.
        await runtime.targets()
    except DapbridgeError as error:
        raise StacksError(format_failure(error), UNAVAILABLE) from error
    return runtime


def _places(stacks: dict[int, list[Frame]]) -> Sequence[Place]:
    """Return the frames that can have variables."""
    return [
        (tid, level) for tid, frames in stacks.items() for level, frame in enumerate(frames) if frame.line is not None
    ]
