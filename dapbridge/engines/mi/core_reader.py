"""Reads snapshots of a process, as core files, with a debugger that speaks MI: stacks and variables, as at a stop.

The debugger has read the program's symbols before the first snapshot is taken, and keeps them from one to the next. It
never touches the process.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from dapbridge.agent.client import Agent, Child
from dapbridge.agent.facts import Process, Snapshot, SnapshotThread
from dapbridge.config import AttachConfig
from dapbridge.engines.mi.debugger import Answer, Debugger
from dapbridge.engines.mi.dialect import Dialect
from dapbridge.engines.mi.libraries import LibraryLoader
from dapbridge.engines.mi.program import read_program
from dapbridge.engines.mi.stack import frames_of
from dapbridge.engines.mi.threads import Thread
from dapbridge.errors import EngineError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Async, Payload

log = logging.getLogger(__name__)

MAX_FRAMES = 1000
"""The most frames of one stack: the innermost ones."""


class CoreDialect(Dialect, Protocol):
    """A debugger's own ways with core files."""

    def core_settings(self) -> list[str]:
        """MI commands sent before symbols are read; one that this version doesn't know is no error."""
        ...

    def load_core(self, path: str) -> list[str]:
        """MI commands that read a core file in place of the one before."""
        ...


class CoreReader:
    """One debugger in the sidecar. The calls after `start` raise EngineError."""

    def __init__(self, dialect: CoreDialect, agent: Agent, process: Process) -> None:
        self._dialect = dialect
        self._agent = agent
        self._process = process
        self._loaded = 0
        self._numbers: dict[int, int] = {}
        self._child: Child
        self._debugger: Debugger
        self._libraries: LibraryLoader

    async def start(self, config: AttachConfig, tasks: asyncio.TaskGroup) -> None:
        """Start the debugger and have it read the program's symbols, up to the end."""
        self._child = await self._dialect.spawn(self._agent, self._process)
        self._debugger = debugger = Debugger(self._dialect.name, self._child, _ignore)
        tasks.create_task(debugger.run())
        self._libraries = LibraryLoader(self._agent, self._process, self._dialect, debugger)
        settings = await self._dialect.settings(self._agent, self._process, config)
        every = (*settings, *self._dialect.core_settings())
        await read_program(debugger, self._dialect, every, self._process.pid, self._libraries)

    async def load(self, snapshot: Snapshot) -> None:
        """Read a snapshot, in place of the one before."""
        debugger = self._debugger
        with debugger.burst():
            self._libraries.load()
            asked = [debugger.send(each) for each in self._dialect.load_core(snapshot.path)]
        for each in asked:
            await each
        self._loaded += 1

    async def look_for_libraries(self) -> None:
        """Find the libraries that the process has now, for the next `load`."""
        await self._libraries.prepare()

    async def threads(self, snapshot: Snapshot) -> Sequence[SnapshotThread]:
        """Return the threads of a snapshot."""
        return snapshot.threads

    async def stacks(self) -> dict[int, list[Payload]]:
        """Return the frames of every thread by its kernel id, the innermost first, named as MI does."""
        listed = await self._debugger.send(command("x-threads"))
        threads = msgspec.convert(listed["threads"], list[Thread])
        with self._debugger.batch():
            asked = [self._debugger.send(command("x-frames", 0, MAX_FRAMES, thread=each.id)) for each in threads]
        self._numbers = {each.tid: each.id for each in threads}
        found = {}
        for each, answer in zip(threads, asked, strict=True):
            found[each.tid] = frames_of(await _or_none(answer))
            for frame in found[each.tid]:
                if "from" in frame:
                    frame["from"] = self._libraries.in_target(frame["from"])
        return found

    async def variables(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], list[Payload]]:
        """Return the arguments and locals at each of `places`, a thread's kernel id and the level of a frame."""
        with self._debugger.batch():
            asked = [
                self._debugger.send(command("x-variables", self._loaded, thread=self._numbers[tid], frame=level))
                for tid, level in places
            ]
        found = {}
        for place, answer in zip(places, asked, strict=True):
            try:
                found[place] = list((await answer)["variables"])
            except EngineError as error:
                log.info("no variables of thread %d, frame %d: %s", *place, error)
        return found

    async def aclose(self) -> None:
        """End the debugger."""
        if hasattr(self, "_child"):
            self._debugger.send("-gdb-exit")
            await self._child.aclose()


async def _or_none(answer: Answer) -> Payload:
    """Return a stack; one that can't be unwound at all has no frame."""
    try:
        return await answer
    except EngineError as error:
        log.info("a stack that can't be unwound: %s", error)
        return {"low": 0, "rows": [], "texts": []}


def _ignore(record: Async) -> None:
    """A core file makes no news."""
