"""Calls into the target, for what a person asks in so many words: limited in time, and undone where they don't end.

Only the calling thread runs: breakpoints and signals of the others would end the call in the middle. A call that ends
nowhere else would leave its frame on the target's stack, which nobody can let go on without harm.
"""

import asyncio
from contextlib import suppress

from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Answer, owner
from dapbridge.engines.mi.interrupts import end_early
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

_BEGIN = ("-gdb-set may-call-functions on", "-gdb-set scheduler-locking on")
_END = ("-gdb-set may-call-functions off", "-gdb-set scheduler-locking replay")


async def run(context: Context, asked: str, thread_id: int | None) -> Payload:
    """Return the answer to a command that may call the target's functions in a thread (None: the selected one).

    Raises UserError for a call that took too long; EngineError. The target stands then as it stood before.
    """
    context.calling = True
    try:
        with context.debugger.burst():
            for each in _BEGIN:
                context.debugger.send(each)
            answer = context.debugger.send(asked)
            for each in _END:
                context.debugger.send(each)
        try:
            return await _limited(context, answer)
        except (EngineError, UserError):
            # An interrupt may have swallowed these.
            for each in _END:
                context.debugger.send(each)
            await _unwind(context, thread_id)
            raise
    finally:
        context.calling = False


async def _limited(context: Context, answer: Answer) -> Payload:
    limit_s = context.config.call_timeout
    if limit_s:
        await asyncio.wait([answer], timeout=limit_s)
        if not answer.done():
            await end_early(context, owner.get(), answer)
            if answer.exception() is not None:
                raise UserError(
                    f"this took longer than {limit_s:g} s and was ended; the target stands where it stood (callTimeout)"
                )
    return await answer


async def _unwind(context: Context, thread_id: int | None) -> None:
    # The debugger's end undoes it too.
    with suppress(EngineError):
        await context.debugger.send(command("x-unwind-calls", thread=thread_id))
