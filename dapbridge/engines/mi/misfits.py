"""Breakpoints that the debugger takes and then can't insert: more than the processor has, or where no memory is.

The debugger says so in its log, and lets the target stand: at a resume that it has answered already, or, while the
target runs, wherever that stops next without a reason. So such a breakpoint is taken out, and the target goes on.
"""

import os
from contextlib import suppress
from signal import Signals

from dapbridge.engines.mi.context import Context
from dapbridge.errors import DapbridgeError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Async, Payload


def on_misfit(context: Context, payload: Payload) -> None:
    """A breakpoint can't be inserted: take it out and tell why."""
    number = str(payload["number"])
    table = context.breakpoints
    if number in table.misfits:
        return
    table.misfits.add(number)
    deleted = context.debugger.send(command("break-delete", number))
    # The debugger is in order again: what it tells from here on has another cause.
    deleted.add_done_callback(lambda _: table.misfits.discard(number))
    if not table.knows(number):
        return
    told = table.body(number) | {"verified": False, "reason": "failed", "message": payload["text"]}
    table.remove(number)
    context.tell("breakpoint", {"reason": "changed", "breakpoint": told})
    text = f"A breakpoint can't be set and is taken out: {payload['text']}\n"
    context.tell("output", {"category": "important", "output": text})


def goes_on(context: Context, payload: Payload) -> bool:
    """Let the target go on if it stopped for a misfit only."""
    if payload.get("reason") or not context.breakpoints.misfits or context.attach_stop_due or context.pause_wanted:
        return False
    context.debugger.send("-exec-continue")
    return True


def on_resume_failed(context: Context) -> None:
    """A resume that was answered has failed behind that: the target stands, or has been killed where it stood."""
    if context.breakpoints.misfits and not context.scheduling.stepping:
        context.debugger.send("-exec-continue")
        return
    context.tasks.create_task(_tell_stop(context))


async def _tell_stop(context: Context) -> None:
    with suppress(DapbridgeError):
        standing = await context.debugger.send("-thread-info")
        thread = standing.get("current-thread-id")
        end = await _find_end(context)
        if thread is None or context.stop is not None:
            return
        if end:
            for group in context.processes.groups:
                context.debugger.replay(Async("=", "thread-group-exited", {"id": group}))
        context.debugger.replay(Async("*", "stopped", end or {"thread-id": thread}))


async def _find_end(context: Context) -> Payload | None:
    """Return MI's fields for the only process's end, which gdb (16) doesn't see, so that it would stand for ever."""
    if len(context.processes.groups) != 1:
        return None
    process = (await context.agent.inspect(context.process.pid)).process
    if not process.has_ended:
        return None
    if killed_by := os.WTERMSIG(process.exit_status):
        return {"reason": "exited-signalled", "signal-name": Signals(killed_by).name}
    return {"reason": "exited", "exit-code": f"{os.WEXITSTATUS(process.exit_status):o}"}
