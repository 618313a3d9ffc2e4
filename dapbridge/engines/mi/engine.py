"""The engine for debuggers that speak MI: its life, and the way of a request to its handler."""

import asyncio
import logging
import re
from contextlib import nullcontext
from functools import partial

import msgspec

from dapbridge.agent.client import Agent, Child
from dapbridge.agent.facts import Process
from dapbridge.config import AttachConfig
from dapbridge.dap.messages import JsonObject, Request, Response
from dapbridge.engines.base import Emit
from dapbridge.engines.mi import (
    attach,
    breakpoint_locations,
    breakpoint_table,
    completions,
    data_breakpoints,
    disassembly,
    evaluate,
    exception_info,
    exceptions,
    execution,
    function_breakpoints,
    instruction_breakpoints,
    jumps,
    locations,
    logpoints,
    memory,
    misfits,
    modules,
    processes,
    reverse,
    scheduling,
    scopes,
    source_breakpoints,
    sources,
    stack,
    step_in_targets,
    threads,
    variables,
)
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Debugger, owner
from dapbridge.engines.mi.dialect import Dialect
from dapbridge.engines.mi.interrupts import end_early, interrupt
from dapbridge.engines.mi.libraries import LibraryLoader
from dapbridge.engines.mi.program import read_program
from dapbridge.engines.mi.requests import Handler, capabilities_of, collect
from dapbridge.errors import DapbridgeError, EngineError, ProtocolError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Async

log = logging.getLogger(__name__)

DETACH_LIMIT_S = 5.0
HANDLERS = collect(
    (
        *(attach, processes, threads, modules, sources),
        *(source_breakpoints, function_breakpoints, instruction_breakpoints, data_breakpoints),
        *(exceptions, exception_info, breakpoint_locations),
        *(execution, step_in_targets, jumps, reverse),
        *(stack, scopes, variables, locations, evaluate, completions),
        *(memory, disassembly),
    )
)


class MiEngine:
    """See `engines.base.Engine`. `dialect` says which debugger it is."""

    def __init__(self, dialect: Dialect, agent: Agent, process: Process, tasks: asyncio.TaskGroup, emit: Emit) -> None:
        self._dialect = dialect
        self._agent = agent
        self._process = process
        self._tasks = tasks
        self._emit = emit
        self._child: Child | None = None
        self._context: Context | None = None
        self._leaving: Context | None = None
        self._running: dict[int, asyncio.Task[None]] = {}
        self._cancelled: set[int] = set()
        self._background: list[asyncio.Task[None]] = []

    async def start(self, config: AttachConfig) -> JsonObject:
        """Start the debugger and have it read the program's symbols; the target isn't touched."""
        self._child = await self._dialect.spawn(self._agent, self._process)
        debugger = Debugger(self._dialect.name, self._child, self._on_async)
        self._context = context = Context(
            self._agent,
            self._process,
            config,
            self._dialect,
            debugger,
            self._tasks,
            self._emit,
            threads=threads.ThreadTable(),
            breakpoints=breakpoint_table.BreakpointTable(),
            processes=processes.ProcessTable(self._child),
            libraries=LibraryLoader(self._agent, self._process, self._dialect, debugger),
            modules=modules.ModuleTable(),
            sources=sources.SourceTable(),
            interrupt=partial(self._child.signal, "INT"),
        )
        self._background = [
            self._tasks.create_task(self._run_debugger(context, self._child)),
            self._tasks.create_task(context.libraries.run()),
            self._tasks.create_task(modules.watch(context)),
        ]
        settings = await self._dialect.settings(self._agent, self._process, config)
        await read_program(debugger, self._dialect, settings, self._process.pid, context.libraries)
        for cli_command in config.init_commands:
            await attach.say_output_of(context, cli_command)
        return self._dialect.capabilities(capabilities_of(HANDLERS.values()))

    def send(self, request: Request) -> None:
        """Take a request; its response is emitted later."""
        task = self._tasks.create_task(self._answer(request))
        self._running[request.seq] = task
        task.add_done_callback(lambda _: self._note_answered(request))

    def cancel(self, request_seq: int) -> None:
        """End a request early: the debugger is interrupted when it is at work on it, else nobody waits any longer."""
        task = self._running.get(request_seq)
        if task is None or self._context is None:
            return
        self._cancelled.add(request_seq)
        if self._context.debugger.works_for(request_seq):
            self._tasks.create_task(end_early(self._context, request_seq, task))
        else:
            task.cancel()

    def _note_answered(self, request: Request) -> None:
        self._running.pop(request.seq, None)
        if request.seq in self._cancelled:
            # Before its first step: such a task runs no line of its own.
            self._cancelled.discard(request.seq)
            self._emit(Response(request.seq, request.command, success=False, message="cancelled"))

    def wait_for_client(self, waits: bool) -> None:
        """Pause the debugger, and so a target that runs through log points, until the client has read on."""
        if self._context is not None:
            self._context.debugger.pause_reading(waits)

    async def find_sources(self, file_name: str) -> list[str]:
        """Return the full names of the program's sources called `file_name`."""
        if self._context is None:
            return []
        pattern = f"^{re.escape(file_name)}$"
        asked = command("file-list-exec-source-files", "--basename", "--", pattern)
        try:
            answer = await self._context.debugger.send(asked)
        except EngineError as error:
            log.debug("%s can't list sources: %s", self._dialect.name, error)
            return []
        return sorted({str(each["fullname"]) for each in answer.get("files") or [] if "fullname" in each})

    async def aclose(self) -> None:
        """Detach, end the debugger; what it doesn't do in time the agent does."""
        context, child = self._context, self._child
        self._context, self._leaving = None, self._context or self._leaving
        if context is not None and child is not None:
            context.debugger.pause_reading(False)
            if context.attached and not context.terminated:
                if context.debugger.is_busy and context.stop is not None:
                    # It may be in a call into the target, which hears nothing but this.
                    await interrupt(context)
                await attach.detach(context, DETACH_LIMIT_S)
                context.log_lines.flush()
            context.debugger.send("-gdb-exit")
        if child is not None:
            await child.aclose()
        for task in self._background:
            task.cancel()

    async def _run_debugger(self, context: Context, child: Child) -> None:
        """Read what the debugger says up to its end; one that nobody asked for ends the session."""
        await context.debugger.run()
        if self._context is None or context.terminated:
            return
        try:
            status = await child.wait()
        except ProtocolError:
            # The sidecar's end, which is told by who watches that.
            return
        if self._agent.letting_go is not None:
            return
        how = f"killed by signal {-status}" if status < 0 else f"exit code {status}"
        text = f"{self._dialect.name} has ended unexpectedly ({how}); its breakpoints were taken out of the target\n"
        context.terminated = True
        context.tell("output", {"category": "important", "output": text})
        context.tell("terminated")

    async def _answer(self, request: Request) -> None:
        handler = HANDLERS.get(request.command)
        context = self._context
        if handler is None or context is None:
            reason = (
                f"{self._dialect.name} has no {request.command!r} here" if context else "the debugger has not started"
            )
            self._emit(Response(request.seq, request.command, success=False, message=reason))
            return
        owner.set(request.seq)
        with context.holding_events(resuming=handler.resumes) if handler.holds_events else nullcontext():
            response = await self._respond(context, handler, request)
            context.respond(response)
            if handler.resumes:
                execution.on_resume_answered(context, success=response.success)

    async def _respond(self, context: Context, handler: Handler, request: Request) -> Response:
        def failed(message: str) -> Response:
            return Response(request.seq, request.command, success=False, message=message)

        try:
            arguments = msgspec.convert(request.arguments, handler.arguments)
        except msgspec.ValidationError as error:
            return failed(f"{request.command}: {error}")
        if handler.needs_stop and context.stop is None:
            return failed("notStopped")
        try:
            body = await handler.handle(context, arguments)
        except asyncio.CancelledError:
            if request.seq not in self._cancelled:
                raise
            return failed("cancelled")
        except DapbridgeError as error:
            if request.seq in self._cancelled:
                return failed("cancelled")
            went_on = handler.needs_stop and context.stop is None and "is running" in str(error)
            return failed("notStopped" if went_on else str(error))
        except Exception:
            log.exception("bug in the handler of %s", request.command)
            return failed(f"internal error in {request.command}; the log has the details")
        finally:
            self._cancelled.discard(request.seq)
        return Response(request.seq, request.command, body=body)

    def _on_async(self, record: Async) -> None:
        # Up to the detach the target runs through its log points; nothing else is news any more.
        context = self._context or (self._leaving if record.kind == "x-log" else None)
        if self._leaving is not None and record.kind == "stopped":
            self._leaving.scheduling.stood.set()
        if context is None:
            return
        try:
            self._route(context, record)
        except Exception:
            # One record that is not understood must not end the reader, and with it the session.
            log.exception("bug in the handling of %s%s %s", record.mark, record.kind, record.payload)

    def _route(self, context: Context, record: Async) -> None:
        match record.mark, record.kind:
            case "*", "stopped" if not (
                logpoints.goes_on(context, record.payload) or misfits.goes_on(context, record.payload)
            ):
                logpoints.on_stopped(context)
                execution.on_stopped(context, record.payload)
            case "*", "running":
                execution.on_running(context)
            case "=", "record-started":
                scheduling.on_record_started(context)
            case "=", "x-recording-failed":
                scheduling.on_recording_failed(context, record.payload)
            case "=", "record-stopped":
                scheduling.on_record_stopped(context)
            case "=", "thread-group-started":
                processes.on_started(context, record.payload)
            case "=", "thread-group-exited":
                processes.on_exited(context, record.payload)
            case "=", "thread-created":
                threads.on_created(context, record.payload)
            case "=", "thread-exited":
                threads.on_exited(context, record.payload)
                scheduling.on_thread_exited(context, int(record.payload["id"]))
            case "=", "breakpoint-modified":
                breakpoint_table.on_modified(context, record.payload)
            case "=", "breakpoint-deleted":
                breakpoint_table.on_deleted(context, record.payload)
            case "=", "x-condition-failed":
                breakpoint_table.on_condition_failed(context, record.payload)
            case "=", "x-misfit":
                misfits.on_misfit(context, record.payload)
            case "=", "x-resume-failed":
                misfits.on_resume_failed(context)
            case "=", "x-warning":
                context.tell("output", {"category": "important", "output": f"{record.payload['text']}\n"})
            case "=", "x-log-end":
                logpoints.on_end(context)
            case "=", "x-log":
                logpoints.on_log(context, record.payload)
            case "=", "library-loaded":
                context.libraries.on_loaded(record.payload)
            case "=", "library-unloaded":
                context.libraries.on_unloaded()
