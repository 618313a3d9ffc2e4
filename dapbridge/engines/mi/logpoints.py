"""Log points: the `logMessage` of a breakpoint. The debugger formats the line inside and goes on by itself."""

import json
from collections.abc import Mapping

from dapbridge.engines.mi import log_message
from dapbridge.engines.mi.breakpoint_table import to_dap
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.log_lines import Place
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

FLUSH = "-x-flush-log"
COST = (
    "Log points: the target goes on by itself, but each hit stops it for a moment (of the order of 0.2 ms, more on a "
    "busy machine): a line that runs thousands of times a second slows it down.\n"
)


async def insert_log_point(
    context: Context,
    place: Mapping[str, str | int],
    message: str,
    condition: str | None = None,
    hits: tuple[str, int] | None = None,
) -> Payload:
    """Insert a log point at `place`, options of -break-insert. Raises UserError, EngineError."""
    settings = {"parts": log_message.split(message), "condition": condition or "", "hits": hits}
    # Disabled, for until it is a log point it would stop the target.
    answer = await context.debugger.send(command("break-insert", "-f", "-d", **place))
    breakpoint_: Payload = answer["bkpt"]
    number = str(breakpoint_["number"])
    context.log_lines.places[number] = _place(to_dap(breakpoint_))
    try:
        # As ASCII: the debugger may take its input for another encoding than ours.
        await context.debugger.send(command("x-break-log", number, json.dumps(settings)))
    except BaseException:
        context.debugger.send(command("break-delete", number))
        raise
    if not context.log_cost_told:
        context.log_cost_told = True
        context.tell("output", {"category": "console", "output": COST})
    return breakpoint_


def on_log(context: Context, payload: Payload) -> None:
    """`=x-log`: lines of hits, `[number, text]` each."""
    for its, text in payload.get("lines", ()):
        number = str(its)
        if context.breakpoints.knows(number):
            # A pending one learns its place late; one that is deleted already has had it.
            context.log_lines.places[number] = _place(context.breakpoints.body(number))
        context.log_lines.add(number, str(text))


def on_stopped(context: Context) -> None:
    """`*stopped`: the lines that the debugger still keeps come before what is told of the stop."""
    if context.log_lines.places:
        context.hold_events_until(context.debugger.send(FLUSH))


def _place(body: Payload) -> Place:
    return Place(body.get("source", {}).get("path"), body.get("line"))
