"""Look at a target for `dapbridge init`: as an attach would, up to the moment before the process is touched."""

import asyncio
import logging
import re
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from pathlib import Path

import msgspec
from msgspec import Struct

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import Process
from dapbridge.config import AttachConfig, EngineName, SubstitutePathRule
from dapbridge.editors.source_rules import choose_rules, find_local_sources
from dapbridge.engines import make_engine
from dapbridge.engines.base import Engine
from dapbridge.errors import DapbridgeError, UserError
from dapbridge.failures import find_cause
from dapbridge.preparation import choose_engine, reach, read_facts
from dapbridge.process_choice import choose_process
from dapbridge.runtimes import make_runtime
from dapbridge.runtimes.target import parse_target
from dapbridge.symbols import ElfFacts

SOURCES_LIMIT_S = 20
MAX_LOOKED_AT = 20

_log = logging.getLogger(__name__)


class Findings(Struct, frozen=True):
    """What a configuration for a target can say.

    wanted_process is what its `process` takes, None for the main one. engine is None where the program doesn't tell.
    fitting and asked count the sources of the folder that the program has too, and those compared. notes are sentences.
    """

    target: str
    process: Process
    wanted_process: int | str | None
    process_count: int
    facts: ElfFacts | None
    engine: EngineName | None
    rules: tuple[SubstitutePathRule, ...] = ()
    fitting: int = 0
    asked: int = 0
    notes: tuple[str, ...] = ()


async def look(config: AttachConfig, folder: Path, progress: Callable[[str], None]) -> Findings:
    """Look at the target, its programs and the sources in `folder`; nothing is traced or stopped. Raises UserError."""
    target = parse_target(config.target)
    try:
        async with asyncio.TaskGroup() as tasks, AsyncExitStack() as undo:
            runtime = make_runtime(target.scheme)
            undo.push_async_callback(runtime.aclose)
            _, agent, inspection = await reach(config, runtime, target.name, progress, tasks, undo)
            progress("reading its program")
            findings = await _find(config, target.uri, agent, inspection.process)
            if findings.facts is None or not findings.facts.has_debug_info or findings.engine is None:
                return findings
            progress("comparing its sources with those in this folder")
            return await _compare_sources(config, findings, agent, folder, tasks)
    except ExceptionGroup as group:
        raise find_cause(group) from None


async def _find(config: AttachConfig, uri: str, agent: Agent, process: Process) -> Findings:
    processes = agent.hello.processes
    facts = await read_facts(agent, process)
    notes = []
    if config.process is None and len(processes) > 1 and not (facts and facts.has_debug_info):
        other = await _find_only_one_with_debug_info(agent, processes)
        if other is not None:
            notes.append(f"the main process, {describe(process)}, has no debug info: another one has, and was chosen")
            process, facts = other
    is_main = process.pid == agent.hello.main_pid and not isinstance(config.process, str)
    wanted = None if is_main else name_process(config.process, process, processes)
    engine: EngineName | None = None
    try:
        engine = choose_engine("auto", facts) if facts and facts.language else None
    except UserError as error:
        notes.append(str(error))
    return Findings(uri, process, wanted, len(processes), facts, engine, notes=tuple(notes))


async def _find_only_one_with_debug_info(agent: Agent, processes: Sequence[Process]) -> tuple[Process, ElfFacts] | None:
    found = []
    for process in processes[:MAX_LOOKED_AT]:
        facts = await read_facts(agent, process)
        if facts is not None and facts.has_debug_info:
            found.append((process, facts))
    return found[0] if len(found) == 1 else None


def name_process(wanted: int | str | None, process: Process, processes: Sequence[Process]) -> int | str:
    """Return what names `process` in a configuration: the user's own pattern, else one that outlives a restart."""
    if isinstance(wanted, str):
        return wanted
    words = " ".join(process.command)
    # A blank needs no escaping in our patterns, and reads better so.
    name, whole = (re.escape(text).replace("\\ ", " ") for text in (process.name, words))
    for pattern in (name, f"^{whole}$") if words else (name,):
        with suppress(UserError):
            if choose_process(processes, pattern, None) == process:
                return pattern
    return process.pid


async def _compare_sources(
    config: AttachConfig, findings: Findings, agent: Agent, folder: Path, tasks: asyncio.TaskGroup
) -> Findings:
    assert findings.engine is not None
    engine = make_engine(findings.engine, agent, findings.process, tasks, lambda _: None)
    try:
        await engine.start(msgspec.structs.replace(config, process=findings.process.pid))
        found = await _ask(engine, await asyncio.to_thread(find_local_sources, folder))
    except DapbridgeError as error:
        return msgspec.structs.replace(findings, notes=(*findings.notes, f"its sources can't be listed: {error}"))
    finally:
        await engine.aclose()
    rules = choose_rules(str(folder), found)
    fitting = sum(bool(targets) for targets in found.values())
    return msgspec.structs.replace(findings, rules=tuple(rules), fitting=fitting, asked=len(found))


async def _ask(engine: Engine, sources: Sequence[Path]) -> dict[str, list[str]]:
    """Return the target paths by those of local sources of the same name, as far as the time allows."""
    found: dict[str, list[str]] = {}
    try:
        async with asyncio.timeout(SOURCES_LIMIT_S):
            for path in sources:
                found[str(path)] = await engine.find_sources(path.name)
    except TimeoutError:
        _log.info("compared only %d of %d sources in time", len(found), len(sources))
    return found


def describe(process: Process) -> str:
    """Write a process for a person: its pid and command."""
    words = " ".join(process.command) or f"[{process.name}]"
    return f"process {process.pid} ({''.join(letter if letter.isprintable() else '?' for letter in words)[:120]})"
