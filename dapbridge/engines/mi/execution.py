"""DAP's `continue`, steps and `pause`, and what follows from them: `stopped`, `continued`, `exited`."""

import signal
from typing import Literal

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import (
    data_breakpoints,
    exception_info,
    new_program,
    processes,
    scheduling,
    step_in_targets,
    variables,
)
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stack import first_page
from dapbridge.engines.mi.stop_reasons import SCOPE_END, find_return_value, split_reasons, stopped_body
from dapbridge.engines.mi.stops import Frame, Stop
from dapbridge.engines.mi.threads import ask_names
from dapbridge.errors import DapbridgeError, EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload


class ThreadArguments(Arguments, frozen=True):
    """The arguments of requests that name a thread; all-stop makes the others follow."""

    thread_id: int


class ContinueArguments(Arguments, frozen=True):
    """DAP "ContinueArguments"."""

    thread_id: int
    single_thread: bool = False


class StepArguments(Arguments, frozen=True):
    """What steps have in common. "statement" is "line": the debugger knows no smaller piece of a line's code."""

    thread_id: int
    single_thread: bool = False
    granularity: Literal["statement", "line", "instruction"] = "statement"


class StepInArguments(StepArguments, frozen=True):
    """DAP "StepInArguments"."""

    target_id: int | None = None


@request("continue", capabilities=("supportsSingleThreadExecutionRequests",), needs_stop=True, resumes=True)
async def continue_(context: Context, arguments: ContinueArguments) -> JsonObject:
    """DAP "Continue"."""
    # The thread is named only where it matters: it becomes the debugger's selected one.
    alone = arguments.single_thread or context.scheduling.recording
    resuming = command("exec-continue", thread=arguments.thread_id if alone else None)
    watched = arguments.thread_id if alone else None
    await scheduling.resume(context, resuming, alone=arguments.single_thread, watched=watched)
    return {"allThreadsContinued": not alone}


@request("next", capabilities=("supportsSteppingGranularity",), needs_stop=True, resumes=True)
async def next_(context: Context, arguments: StepArguments) -> None:
    """DAP "Next"; in code of which the debugger knows not even the function, to the caller."""
    try:
        await _step(context, "exec-next", arguments)
    except EngineError as error:
        if "Cannot find bounds of current function" not in str(error):
            raise
        try:
            await _step_out(context, arguments)
        except DapbridgeError:
            await _step(context, "exec-next-instruction", arguments)


@request("stepIn", needs_stop=True, resumes=True)
async def step_in(context: Context, arguments: StepInArguments) -> None:
    """DAP "StepIn", into the call that `targetId` names or the next one."""
    if arguments.target_id is not None:
        step = operation_of("exec-step", arguments)
        resuming, via = step_in_targets.way_into(context, arguments.thread_id, arguments.target_id, step)
        await scheduling.resume(context, resuming, alone=arguments.single_thread, stepping=True, via=via)
        return
    try:
        await _step(context, "exec-step", arguments)
    except EngineError as error:
        if "Cannot find bounds of current function" not in str(error):
            raise
        await _step(context, "exec-step-instruction", arguments)


@request("stepOut", needs_stop=True, resumes=True)
async def step_out(context: Context, arguments: StepArguments) -> None:
    """DAP "StepOut"; what the function returned is kept with the stop."""
    await _step_out(context, arguments)


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
    scheduling.end_limit(context)
    context.debugger.forget()
    body = {"threadId": stop.thread_id, "allThreadsContinued": not context.scheduling.alone}
    if context.is_resuming:
        context.continued_untold = body
    else:
        context.tell("continued", body)


def on_resume_answered(context: Context, *, success: bool) -> None:
    """Tell of a target that goes on although the request to let it was refused: another reason came in between."""
    body, context.continued_untold = context.continued_untold, None
    if body is not None and not success and context.stop is None:
        context.tell("continued", body)


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
    if reason == SCOPE_END and not context.scheduling.stepping:
        context.debugger.send("-exec-continue")
        return
    is_entry = not reason and context.attach_stop_due
    context.attach_stop_due = False
    if is_entry and not context.config.stop_on_entry:
        # The attach's own stop, from which the target goes on by itself.
        return
    if scheduling.goes_on(context, payload):
        return
    _tell_stop(context, payload, is_entry=is_entry)


def _tell_stop(context: Context, payload: Payload, *, is_entry: bool) -> None:
    scheduling.let_all_run(context)
    thread_id = int(payload.get("thread-id", 1))
    stop = begin_stop(context, thread_id)
    stop.return_value = find_return_value(payload)
    body = stopped_body(context, payload, thread_id)
    with context.debugger.burst():
        # First of all: nobody shows a stop before its reason is known.
        asked = None if body["reason"] == "pause" or "text" in body else exception_info.ask(context, payload)
        prefetch(context, thread_id)
    if asked is None:
        context.tell("stopped", body | {"reason": "entry"} if is_entry else body)
    else:
        context.tasks.create_task(_tell_explained(context, stop, asked, body))


def begin_stop(context: Context, thread_id: int) -> Stop:
    """The target stands, or was changed as if it had moved: what was known of it is void."""
    context.debugger.forget()
    stop = context.stop = Stop(thread_id, context.ids)
    scheduling.start_limit(context)
    return stop


def operation_of(operation: str, arguments: StepArguments, *parameters: str) -> str:
    """Return the command of a step, such as "exec-next", of the wanted granularity."""
    if arguments.granularity == "instruction" and not operation.endswith("-instruction"):
        operation += "-instruction"
    return command(operation, *parameters, thread=arguments.thread_id)


async def _tell_explained(context: Context, stop: Stop, asked: exception_info.Asked, body: JsonObject) -> None:
    stop.exception = await exception_info.explain(asked)
    if context.stop is stop:
        context.tell("stopped", body | exception_info.explained_body(stop.exception))


def prefetch(context: Context, thread_id: int) -> None:
    """Ask at once for what the client will ask next."""
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


async def _step(context: Context, operation: str, arguments: StepArguments) -> None:
    resuming = operation_of(operation, arguments)
    watched = arguments.thread_id if arguments.single_thread else None
    await scheduling.resume(context, resuming, alone=arguments.single_thread, stepping=True, watched=watched)


async def _step_out(context: Context, arguments: StepArguments) -> None:
    finish = command("exec-finish", thread=arguments.thread_id, frame=0)
    try:
        alone, thread_id = arguments.single_thread, arguments.thread_id
        await scheduling.resume(context, finish, alone=alone, stepping=True, watched=thread_id)
    except EngineError as error:
        if "outermost frame" in str(error):
            raise UserError("this is the outermost function: it has no caller to step out to") from None
        raise
