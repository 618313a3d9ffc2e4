"""How a debugger that is at work is made to stop it: by a signal, since a busy one reads nothing."""

import asyncio
from contextlib import suppress
from typing import Any

from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import owner
from dapbridge.errors import DapbridgeError, EngineError
from dapbridge.mi.records import Payload

PROBE = "-gdb-show confirm"
INTERRUPT_AGAIN_S = 0.25
"""An interrupt that comes just before the debugger reads a command does nothing."""


async def interrupt(context: Context) -> None:
    """Interrupt what the debugger is doing now."""
    # With the agent gone there is nothing to interrupt.
    with suppress(DapbridgeError):
        await context.interrupt()


async def end_early(context: Context, request_seq: int | None, done: asyncio.Future[Any]) -> None:
    """Interrupt the debugger once it is at a request's command, which can't be taken back, until `done`.

    An interrupt that comes late swallows a command that the debugger was about to read, whosever it is. The answer of
    a later command tells so; it may be swallowed too, and then the next one's does.
    """
    while not done.done():
        if context.debugger.at_work_for == request_seq:
            await interrupt(context)
        context.debugger.send(PROBE)
        await asyncio.wait([done], timeout=INTERRUPT_AGAIN_S)
    context.tasks.create_task(_settle(context))


async def _settle(context: Context) -> None:
    """See that the last interrupt, too, leaves nobody waiting."""
    answered = False
    while not answered:
        probe = context.debugger.send(PROBE)
        await asyncio.wait([probe], timeout=INTERRUPT_AGAIN_S)
        answered = probe.done()


async def send_within(context: Context, command: str, limit_s: float) -> Payload | None:
    """Send a command that may take long, for the request that is answered now; None if it had to be interrupted."""
    answer = context.debugger.send(command)
    await asyncio.wait([answer], timeout=limit_s)
    interrupted = not answer.done()
    if interrupted:
        await end_early(context, owner.get(), answer)
    try:
        return await answer
    except EngineError:
        if interrupted:
            return None
        raise
