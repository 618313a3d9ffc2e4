"""DAP `stepBack` and `reverseContinue`, once the user has the debugger record (`` `record `` in the debug console).

gdb's recording steps the target instruction by instruction, hundreds of times slower, so it begins by nothing but the
user's own command. Until then the client isn't told that the target can go back.
"""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.execution import ThreadArguments
from dapbridge.engines.mi.requests import request
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command, console


@request("stepBack", needs_stop=True, resumes=True)
async def step_back(context: Context, arguments: ThreadArguments) -> None:
    """DAP "StepBack"."""
    _check_recording(context)
    operation = "exec-next-instruction" if arguments.granularity == "instruction" else "exec-next"
    await context.debugger.send(command(operation, "--reverse", thread=arguments.thread_id))


@request("reverseContinue", needs_stop=True, resumes=True)
async def reverse_continue(context: Context, arguments: ThreadArguments) -> JsonObject:
    """DAP "ReverseContinue"."""
    _check_recording(context)
    await context.debugger.send("-exec-continue --reverse")
    return {"allThreadsContinued": True}


def on_record_started(context: Context) -> None:
    """`=record-started`: now the target can go back."""
    _tell(context, recording=True)
    count = len(context.threads.to_dap())
    if count > 1:
        text = (
            f"The target has {count} threads, which gdb records one at a time: a step may take very long, and can't be "
            "paused. To be let go it has to be disconnected.\n"
        )
        context.tell("output", {"category": "important", "output": text})


def on_record_stopped(context: Context) -> None:
    """`=record-stopped`."""
    _tell(context, recording=False)


async def return_to_present(context: Context) -> None:
    """End the recording at its end: gdb has put the target's memory into the past, where it must not be let go."""
    if not context.recording:
        return
    for each in ("record goto end", "record stop"):
        try:
            await context.debugger.send(console(each))
        except EngineError:
            # It stands at the end already.
            continue


def _tell(context: Context, *, recording: bool) -> None:
    context.recording = recording
    context.tell("capabilities", {"capabilities": {"supportsStepBack": recording}})


def _check_recording(context: Context) -> None:
    if context.config.read_only:
        raise UserError("going back writes the past into the target, and this session is read-only (readOnly)")
    if not context.recording:
        raise UserError("nothing is recorded to go back in: let gdb record first, by `record in the debug console")
