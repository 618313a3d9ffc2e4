"""DAP `gotoTargets` and `goto`: to another line of the function that a thread stands in, without running anything."""

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.execution import begin_stop, prefetch
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.sources import Source
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command


class GotoTargetsArguments(Arguments, frozen=True):
    """DAP "GotoTargetsArguments"; columns are none of the debugger's."""

    source: Source
    line: int


class GotoArguments(Arguments, frozen=True):
    """DAP "GotoArguments"."""

    thread_id: int
    target_id: int


class GotoTarget(Struct, frozen=True):
    """Where a piece of a line's code begins."""

    address: str


@request("gotoTargets", needs_stop=True)
async def goto_targets(context: Context, arguments: GotoTargetsArguments) -> JsonObject:
    """DAP "GotoTargets"; a line whose code is in several pieces, such as that of a `for`, has several."""
    if arguments.source.path is None:
        raise UserError("a jump needs the path of its source")
    _check(context)
    found = await context.debugger.send(command("x-goto-targets", arguments.source.path, arguments.line))
    places = found["targets"]
    return {
        "targets": [
            {
                "id": context.stopped.reference(GotoTarget(each["address"])),
                "label": f"{each['function']}, line {each['line']}"
                + (f" at {each['address']}" if len(places) > 1 else ""),
                "line": each["line"],
                "instructionPointerReference": each["address"],
            }
            for each in places
        ]
    }


@request("goto", capabilities=("supportsGotoTargetsRequest",), needs_stop=True, causes_events=True)
async def goto(context: Context, arguments: GotoArguments) -> None:
    """DAP "Goto"; not by `-exec-jump`, which would let the target run."""
    _check(context)
    stop = context.stopped
    target = stop.container(arguments.target_id)
    if not isinstance(target, GotoTarget):
        raise UserError(f"{arguments.target_id} is no target of a jump")
    await context.debugger.send(command("x-goto", target.address, thread=arguments.thread_id, frame=0))
    if context.stop is not stop:
        raise EngineError("notStopped")
    begin_stop(context, arguments.thread_id)
    prefetch(context, arguments.thread_id)
    context.tell("stopped", {"reason": "goto", "threadId": arguments.thread_id, "allThreadsStopped": True})


def _check(context: Context) -> None:
    if context.config.read_only:
        raise UserError("a jump changes the target, and this session is read-only (readOnly)")
    if context.scheduling.recording:
        raise UserError("a jump would spoil the recording: end it with `record stop (with the backtick) first")
