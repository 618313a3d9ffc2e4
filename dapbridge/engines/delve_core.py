"""Reads snapshots of a Go process, as core files, with `dlv dap`: all goroutines, and their variables.

It is like `mi.core_reader.CoreReader`; but dlv reads one core file in its life, so each snapshot gets a new one.
"""

import asyncio
import logging
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import Process, Snapshot, SnapshotThread
from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event, JsonObject
from dapbridge.engines.delve import Delve
from dapbridge.engines.relay.debugger import Debugger
from dapbridge.errors import EngineError

log = logging.getLogger(__name__)

MAX_FRAMES = 1000
MAX_GOROUTINES = 1024
"""The most that dlv lists by DAP."""
_NAME = re.compile(r"(?:\* )?\[Go (?P<id>\d+)\] (?P<function>.*?)(?P<runs> \(Thread \d+\))?\Z")
_RUNTIME = ("runtime.", "internal/runtime/")
_WRAPPER = re.compile(r"\.gowrap\d+\Z")
"""What a `go` statement with arguments is compiled to, in the function that it stands in."""
_MAX_VARIABLES = 100


class GoCoreReader:
    """One process's snapshots. The calls after `start` raise UserError, EngineError."""

    def __init__(self, agent: Agent, process: Process) -> None:
        self._agent = agent
        self._process = process
        self._config: AttachConfig
        self._tasks: asyncio.TaskGroup
        self._delve: Delve | None = None
        self._debugger: Debugger
        self._frame_ids: dict[tuple[int, int], int] = {}
        self._stacks: dict[int, list[JsonObject]] = {}
        self._listed: list[tuple[int, re.Match[str]]] = []

    async def start(self, config: AttachConfig, tasks: asyncio.TaskGroup) -> None:
        """Note what is needed later: dlv reads symbols with the core file, when the process runs on."""
        self._config, self._tasks = config, tasks

    async def look_for_libraries(self) -> None:
        """Do nothing: dlv knows the program only."""

    async def load(self, snapshot: Snapshot) -> None:
        """Have a new dlv read a snapshot."""
        await self.aclose()
        self._frame_ids, self._stacks = {}, {}
        self._delve = Delve(self._agent, self._process, self._tasks)
        transport = await self._delve.start(self._config)
        self._debugger = debugger = Debugger(self._delve, transport, _ignore)
        self._tasks.create_task(debugger.run())
        await debugger.ask("initialize", {"adapterID": "dapbridge", "linesStartAt1": True, "pathFormat": "path"})
        core = {"mode": "core", "program": f"/proc/{self._process.pid}/exe", "coreFilePath": snapshot.path}
        await debugger.ask("launch", core | {"stackTraceDepth": MAX_FRAMES, "hideSystemGoroutines": True})
        with suppress(EngineError):
            await debugger.ask("configurationDone", {})
        listed = (await debugger.ask("threads", {})).get("threads") or []
        self._listed = [(int(each["id"]), name) for each in listed if (name := _NAME.match(str(each.get("name"))))]
        if not self._listed:
            raise EngineError("dlv finds none without debug information")

    async def threads(self, snapshot: Snapshot) -> list[SnapshotThread]:
        """Return the goroutines, each as if it were a thread, named by the function that it began with."""
        found = []
        for thread_id, name in self._listed:
            goroutine = int(name["id"])
            self._stacks[goroutine] = stack = await self._read_stack(thread_id, goroutine)
            found.append(SnapshotThread(goroutine, _began_with(stack), "R" if name["runs"] else "S"))
        return found

    async def stacks(self) -> dict[int, list[JsonObject]]:
        """Return the frames of the goroutines that were listed, named as MI does, the innermost first."""
        return self._stacks

    async def variables(self, places: Sequence[tuple[int, int]]) -> Mapping[tuple[int, int], list[JsonObject]]:
        """Return the arguments and locals at each of `places`, a goroutine and the level of a frame."""
        found = {}
        for place in places:
            try:
                scopes = (await self._debugger.ask("scopes", {"frameId": self._frame_ids[place]})).get("scopes") or []
                found[place] = [
                    variable
                    for scope in scopes
                    if str(scope["name"]).startswith(("Locals", "Arguments"))
                    for variable in await self._read_variables(scope)
                ]
            except EngineError as error:
                log.info("no variables of goroutine %d, frame %d: %s", *place, error)
        return found

    async def aclose(self) -> None:
        """End the dlv of the snapshot before, if there is one."""
        if self._delve is not None:
            await self._delve.let_go()
            self._delve = None

    async def _read_stack(self, thread_id: int, goroutine: int) -> list[JsonObject]:
        try:
            answer = await self._debugger.ask("stackTrace", {"threadId": thread_id, "levels": MAX_FRAMES + 1})
        except EngineError as error:
            log.info("the stack of goroutine %d can't be unwound: %s", goroutine, error)
            return []
        frames = answer.get("stackFrames") or []
        self._frame_ids |= {(goroutine, level): int(frame["id"]) for level, frame in enumerate(frames)}
        return [_named_as_mi(frame) for frame in frames]

    async def _read_variables(self, scope: JsonObject) -> list[JsonObject]:
        kind = {"argument": 1} if str(scope["name"]).startswith("Arguments") else {}
        answer = await self._debugger.ask("variables", {"variablesReference": scope["variablesReference"]})
        listed = answer.get("variables") or []
        return [{"name": each["name"], "value": each["value"], **kind} for each in listed[:_MAX_VARIABLES]]


def _named_as_mi(frame: JsonObject) -> JsonObject:
    path = (frame.get("source") or {}).get("path")
    place = {"fullname": path, "line": frame["line"]} if path else {}
    return {"func": frame["name"], "addr": frame.get("instructionPointerReference", ""), **place}


def _began_with(stack: list[JsonObject]) -> str:
    """Return the outermost function that is none of the runtime's."""
    functions = [str(frame["func"]) for frame in reversed(stack)]
    own = [function for function in functions if not function.startswith(_RUNTIME)]
    return _WRAPPER.sub("", next(iter(own or functions[1:]), ""))


def _ignore(event: Event) -> None:
    """A core file makes no news."""
