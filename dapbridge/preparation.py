"""All that lies between an attach request and an engine: target, sidecar, agent, process, rights, choice of engine.

What is not needed before the sidecar starts is imported while it does.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import Inspection, Process
from dapbridge.config import AttachConfig, EngineName
from dapbridge.dap.messages import Event
from dapbridge.engines import early_argv, load_ahead, make_engine
from dapbridge.engines.base import Emit, Engine
from dapbridge.errors import DapbridgeError, ProtocolError, UserError
from dapbridge.failures import find_cause
from dapbridge.prepared import Prepared, TargetEnd
from dapbridge.process_choice import choose_process
from dapbridge.runtimes import make_runtime
from dapbridge.runtimes.base import Progress, Runtime, Sidecar
from dapbridge.runtimes.target import parse_target

if TYPE_CHECKING:
    from dapbridge.symbols import ElfFacts

RESCUE_LIMIT_S = 20

log = logging.getLogger(__name__)


async def prepare(config: AttachConfig, emit: Emit, progress: Progress, tasks: asyncio.TaskGroup) -> Prepared:
    """See `prepared.Prepare`."""
    if config.program is not None:
        raise UserError("'program' is not there yet: symbols are read from the target's own program")
    if config.delve.address is not None:
        from dapbridge.running_delve import prepare_running_delve

        return await prepare_running_delve(config.delve.address, emit, progress, tasks)
    target = parse_target(config.target)
    async with AsyncExitStack() as undo:
        runtime = make_runtime(target.scheme)
        undo.push_async_callback(runtime.aclose)
        taking_time = asyncio.Event()

        def step(message: str) -> None:
            taking_time.set()
            progress(message)

        loading = tasks.create_task(_load_ahead(config.engine, taking_time))
        undo.callback(loading.cancel)
        sidecar, agent, inspection = await reach(config, runtime, target.name, step, tasks, undo, engine=config.engine)
        process = inspection.process
        reading = tasks.create_task(_read_and_tell(agent, process, emit))
        # Who has named the engine needn't wait for what is only told.
        facts = await reading if config.engine == "auto" else None
        await loading
        engine = make_engine(choose_engine(config.engine, facts), agent, process, tasks, emit)
        undo.pop_all()
        again = msgspec.structs.replace(config, process=process.pid)
        rescue = partial(_rescue, again, runtime, target.name)
        return _Attachable(runtime, sidecar, agent, engine, rescue)


async def _load_ahead(engine: EngineName, taking_time: asyncio.Event) -> None:
    """Import what comes after the sidecar's start once that, or whatever is told first, gives the time for it.

    Before, it would only take the interpreter from the runtime's own first steps. The name that is not used is what it
    is for (F401).
    """

    def load() -> None:
        from dapbridge import symbols  # noqa: F401

        load_ahead(engine)

    await taking_time.wait()
    await asyncio.to_thread(load)


class _Attachable:
    """See `prepared.Prepared`."""

    def __init__(
        self, runtime: Runtime, sidecar: Sidecar, agent: Agent, engine: Engine, rescue: Callable[[], Awaitable[None]]
    ) -> None:
        self.engine = engine
        self._runtime = runtime
        self._sidecar = sidecar
        self._agent = agent
        self._rescue = rescue
        self._is_rescued = False

    async def wait_ended(self) -> TargetEnd:
        """Return when the sidecar has ended; with the target's PID 1 the kernel ends it too."""
        await self._agent.wait_closed()
        if self._agent.released:
            return TargetEnd(None, f"the sidecar has ended: {self._agent.end_reason}")
        # Before anything else: the target runs towards breakpoints that nobody handles any more.
        await self._rescue_if_lost()
        exit_code = await self._sidecar.target_exit_code()
        if exit_code is not None:
            return TargetEnd(exit_code, f"the target has ended with exit code {exit_code}")
        return TargetEnd(None, f"the sidecar has ended: {self._agent.end_reason}")

    async def aclose(self) -> None:
        """Let go by the engine, then by the agent, then by the runtime, whatever each of them meets."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._runtime.aclose)
            stack.push_async_callback(self._sidecar.aclose)
            stack.push_async_callback(self._rescue_if_lost)
            stack.push_async_callback(self._agent.aclose)
            stack.push_async_callback(self.engine.aclose)

    async def _rescue_if_lost(self) -> None:
        """Heal the target where its sidecar was killed before it had let go, or while it did."""
        if not self._agent.released and not self._is_rescued:
            await self._rescue()
            self._is_rescued = True


async def reach(
    config: AttachConfig,
    runtime: Runtime,
    name: str,
    progress: Progress,
    tasks: asyncio.TaskGroup,
    undo: AsyncExitStack,
    *,
    engine: EngineName = "auto",
) -> tuple[Sidecar, Agent, Inspection]:
    """Start a sidecar whose agent may trace the wanted process: with the least rights, else with the next more.

    engine: whose debugger will be asked for, as far as that is known; it starts with the agent. `undo` ends what was
    started. Raises UserError.
    """
    for wider in (False, True):
        sidecar = await runtime.start_sidecar(name, config.sidecar, progress, wider=wider)
        keep = AsyncExitStack()
        keep.push_async_callback(sidecar.aclose)
        try:
            progress("looking at the target's processes")
            agent = await Agent.connect(sidecar.transport, sidecar.scope, early_argv=early_argv(engine))
            keep.push_async_callback(agent.aclose)
            tasks.create_task(agent.run())
            wanted = choose_process(agent.hello.processes, config.process, agent.hello.main_pid)
            inspection = await agent.inspect(wanted.pid)
        except BaseException:
            await keep.aclose()
            raise
        if inspection.denial is None or wider or not sidecar.can_widen:
            undo.push_async_exit(keep)
            _check_attachable(inspection)
            return sidecar, agent, inspection
        log.info("%s: trying with more rights", inspection.denial)
        progress("the target's process needs more rights: starting another sidecar")
        await keep.aclose()
    raise AssertionError


def _check_attachable(inspection: Inspection) -> None:
    process = inspection.process
    if inspection.tracer is not None:
        raise UserError(f"process {process.pid} ({process.name}) is already traced by {inspection.tracer}")
    if inspection.denial is not None:
        raise UserError(inspection.denial)


async def _rescue(config: AttachConfig, runtime: Runtime, name: str) -> None:
    """Heal a target whose sidecar was killed, by another sidecar; one that has ended too needs nothing."""
    try:
        async with asyncio.timeout(RESCUE_LIMIT_S), asyncio.TaskGroup() as tasks, AsyncExitStack() as undo:
            _, agent, inspection = await reach(config, runtime, name, log.info, tasks, undo)
            await agent.heal(inspection.process.pid, forks=config.follow_fork != "parent")
    except* (DapbridgeError, TimeoutError) as group:
        log.info("nothing to heal: %s", str(find_cause(group)) or "it took too long")


async def read_facts(agent: Agent, process: Process) -> "ElfFacts | None":
    """Read the facts of a process's program; None where it can't be read, or is no ELF file."""
    from dapbridge.symbols import read_remote_elf

    async def read(offset: int, length: int) -> bytes:
        return await agent.read_file(process.pid, None, offset, length)

    try:
        return await read_remote_elf(read)
    except ProtocolError:
        raise
    except DapbridgeError as error:
        log.warning("the program of process %d: %s", process.pid, error)
        return None


async def _read_and_tell(agent: Agent, process: Process, emit: Emit) -> "ElfFacts | None":
    """Read a program's facts, and say which symbols it lacks."""
    try:
        facts = await read_facts(agent, process)
    except ProtocolError as error:
        # The sidecar's end, which is told by who watches that.
        log.debug("no facts of process %d: %s", process.pid, error)
        return None
    _tell_of_symbols(emit, process, facts)
    return facts


def choose_engine(wanted: EngineName, facts: "ElfFacts | None") -> EngineName:
    """Return the engine that is wanted, or for "auto" the one for the program's language."""
    if wanted != "auto":
        return wanted
    if facts is not None and facts.language == "go":
        return "delve"
    return "gdb"


def _tell_of_symbols(emit: Emit, process: Process, facts: "ElfFacts | None") -> None:
    if facts is None or facts.has_debug_info:
        return
    name = process.exe or process.name
    if facts.language == "go":
        lack = "was linked without debug information (-ldflags=-s or -w): there are no variables and types in it"
    else:
        lack = "was built without debug information (-g) or stripped: there are no source lines or variables in it"
    text = f"{name} {lack}\n"
    emit(Event("output", {"category": "important", "output": text}))
