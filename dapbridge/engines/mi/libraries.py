"""The target's libraries: each is found inside the target's root by the agent, never by the debugger itself.

The agent keeps a sysroot of links; the debugger opens libraries only through it. A library that comes later stands in
no sysroot yet: the link is made, and the same sysroot set again makes the debugger look once more, while the target
runs.
"""

import asyncio
import logging

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import Process
from dapbridge.engines.mi.debugger import Debugger
from dapbridge.engines.mi.dialect import Dialect
from dapbridge.errors import DapbridgeError, UserError
from dapbridge.mi.records import Payload

log = logging.getLogger(__name__)


class LibraryLoader:
    """Keeps the debugger's libraries in step with the target's."""

    def __init__(self, agent: Agent, process: Process, dialect: Dialect, debugger: Debugger) -> None:
        self._agent = agent
        self._pids = [process.pid]
        self._sysroot_pid = process.pid
        self._dialect = dialect
        self._debugger = debugger
        self._sysroot: str | None = None
        self._wanted = asyncio.Event()
        self._linked: set[str] = set()
        self._seen: set[str] = set()
        self.changed = asyncio.Event()
        """Set when a library has come or gone, or symbols were read; cleared by whoever looks at them then."""

    async def prepare(self) -> None:
        """Make the sysroot of what is loaded now."""
        for pid in list(self._pids):
            try:
                await self._link(pid)
            except UserError:
                # Of several one may have ended meanwhile.
                if len(self._pids) == 1:
                    raise

    async def prepare_new_program(self, pid: int) -> None:
        """Make the sysroot of what a process has loaded that has become another program."""
        self._linked.clear()
        self._seen.clear()
        if pid not in self._pids:
            self._pids.append(pid)
        await self._link(pid)

    def follow(self, pid: int, *, alone: bool) -> None:
        """See to the libraries of one more process, or of it `alone` from now on."""
        self._pids = [pid] if alone else [*self._pids, pid]

    def leave(self, pid: int) -> None:
        """A process has ended."""
        self._pids = [each for each in self._pids if each != pid]

    async def _link(self, pid: int) -> None:
        libraries = await self._agent.link_libraries(pid, beside=self._sysroot_pid)
        self._sysroot = libraries.sysroot
        self._linked |= {each.name for each in libraries.libraries}
        for path in libraries.missing:
            log.info("library %s was not found inside the target's root", path)

    def in_target(self, path: str) -> str:
        """Return the target's own name of a library that the debugger has by a path in the sysroot."""
        return path.removeprefix(self._sysroot) if self._sysroot else path

    def load(self) -> None:
        """Have the debugger read what the sysroot holds; ends when it does, nobody needs to wait."""
        assert self._sysroot is not None
        for each in self._dialect.load_libraries(self._sysroot, self._pids[0] if self._pids else self._sysroot_pid):
            self._debugger.send(each)

    def on_loaded(self, payload: Payload) -> None:
        """`=library-loaded`: news only where the sysroot has no such name, be it that it came during the attach."""
        self.changed.set()
        name = str(payload.get("target-name", ""))
        if name in self._linked or name in self._seen:
            return
        self._seen.add(name)
        self._wanted.set()

    def on_unloaded(self) -> None:
        """`=library-unloaded`: what it had stays linked, for most come again."""
        self.changed.set()

    async def run(self) -> None:
        """Look again whenever a library has come that the sysroot doesn't have."""
        while True:
            await self._wanted.wait()
            self._wanted.clear()
            try:
                await self.prepare()
                self.load()
                self.changed.set()
            except DapbridgeError as error:
                log.warning("a library that was loaded later has no symbols: %s", error)
