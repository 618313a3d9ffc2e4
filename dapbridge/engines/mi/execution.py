"""DAP's `continue`, steps and `pause`, and what follows from them: `stopped`, `continued`, `exited`."""

import asyncio
import logging
import signal

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import data_breakpoints, exception_info, new_program, processes, variables
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stack import first_page
from dapbridge.engines.mi.stop_reasons import SCOPE_END, find_return_value, split_reasons, stopped_body
from dapbridge.engines.mi.stops import Frame, Stop
from dapbridge.engines.mi.threads import ask_names
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

log = logging.getLogger(__name__)


class ThreadArguments(Arguments, frozen=True):
    """The arguments of requests that name a thread; all-stop makes the others follow."""

    thread_id: int
    granularity: str = "statement"


@request("continue", needs_stop=True, resumes=True)
async def continue_(context: Context, arguments: ThreadArguments) -> JsonObject:
    """DAP "Continue"."""
    context.stepping = False
    await context.debugger.send("-exec-continue")
    return {"allThreadsContinued": True}


@request("next", capabilities=("supportsSteppingGranularity",), needs_stop=True, resumes=True)
async def next_(context: Context, arguments: ThreadArguments) -> None:
    """DAP "Next"."""
    await _step(context, "exec-next", arguments)


@request("stepIn", needs_stop=True, resumes=True)
async def step_in(context: Context, arguments: ThreadArguments) -> None:
    """DAP "StepIn"."""
    await _step(context, "exec-step", arguments)


@request("stepOut", needs_stop=True, resumes=True)
async def step_out(context: Context, arguments: ThreadArguments) -> None:
    """DAP "StepOut"."""
    context.stepping = True
    await context.debugger.send(command("exec-finish", thread=arguments.thread_id, frame=0))


@request("pause", resumes=True)
async def pause(context: Context, arguments: ThreadArguments) -> None:
    """DAP "Pause"; of a target that stands already, nothing, unless a call that was asked for runs in it."""
    if context.stop is not None:
        if context.calling:
            await context.interrupt()
        return
    context.pause_wanted = True
    await context.debugger.send("-exec-interrupt")


def on_running(context: Context) -> None:
    """`*running`: what was known of the stop is void."""
    if context.stop is None:
        return
    stop, context.stop = context.stop, None
    stop.end()
    context.debugger.forget()
    if not context.is_resuming:
        context.tell("continued", {"threadId": stop.thread_id, "allThreadsContinued": True})


def on_stopped(context: Context, payload: Payload) -> None:
    """`*stopped`: ask at once for what the client will ask next, then tell it."""
    ended, payload = split_reasons(payload)
    reason = payload["reason"]
    if reason.startswith("exited"):
        if not processes.on_last_thread_exited(context, payload):
            _on_exited(context, payload)
        return
    if reason == "vfork":
        processes.on_vfork(context, payload)
        return
    if reason == "exec":
        new_program.on_exec(context, payload)
        return
    if context.calling:
        # At a breakpoint in the called function, or what took its place: the call is unwound.
        return
    data_breakpoints.tell_scope_ends(context, ended)
    if reason == SCOPE_END and not context.stepping:
        context.debugger.send("-exec-continue")
        return
    is_entry = not reason and context.attach_stop_due
    context.attach_stop_due = False
    if is_entry and not context.config.stop_on_entry:
        # The attach's own stop, from which the target goes on by itself.
        return
    thread_id = int(payload.get("thread-id", 1))
    context.debugger.forget()
    stop = context.stop = Stop(thread_id, context.ids)
    stop.return_value = find_return_value(payload)
    body = stopped_body(context, payload, thread_id)
    with context.debugger.burst():
        # First of all: nobody shows a stop before its reason is known.
        asked = None if body["reason"] == "pause" else exception_info.ask(context, payload)
        _prefetch(context, thread_id)
    if context.config.max_pause:
        loop = asyncio.get_running_loop()
        stop.limit = loop.call_later(context.config.max_pause, _let_go_on, context, stop)
    if asked is None:
        context.tell("stopped", body | {"reason": "entry"} if is_entry else body)
    else:
        context.tasks.create_task(_tell_explained(context, stop, asked, body))


async def _tell_explained(context: Context, stop: Stop, asked: exception_info.Asked, body: JsonObject) -> None:
    stop.exception = await exception_info.explain(asked)
    if context.stop is stop:
        context.tell("stopped", body | exception_info.explained_body(stop.exception))


def _prefetch(context: Context, thread_id: int) -> None:
    with context.debugger.burst():
        ask_names(context)
        context.debugger.ask(first_page(thread_id))
        context.debugger.ask(variables.variables_command(context, Frame(thread_id, 0)))


def _on_exited(context: Context, payload: Payload) -> None:
    context.stop = None
    context.terminated = True
    if name := payload.get("signal-name"):
        # The shell's way to put a signal into an exit code.
        code = 128 + int(getattr(signal, str(name), 0))
    else:
        code = int(str(payload.get("exit-code", "0")), 8)
    context.tell("exited", {"exitCode": code})
    context.tell("terminated")


def _let_go_on(context: Context, stop: Stop) -> None:
    if context.stop is not stop:
        return
    text = f"maxPause: the target stood for {context.config.max_pause:g} s and goes on now\n"
    context.tell("output", {"category": "important", "output": text})
    context.stepping = False
    context.debugger.send("-exec-continue")


async def _step(context: Context, operation: str, arguments: ThreadArguments) -> None:
    if arguments.granularity == "instruction":
        operation += "-instruction"
    context.stepping = True
    await context.debugger.send(command(operation, thread=arguments.thread_id))
