"""Log points: the `logMessage` of a breakpoint. The debugger formats the line inside and goes on by itself."""

import json

from dapbridge.engines.mi import log_message
from dapbridge.engines.mi.breakpoint_table import to_dap
from dapbridge.engines.mi.conditions import OPERATORS, parse_condition, parse_hit_condition
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.expressions import assigns
from dapbridge.engines.mi.log_lines import Place
from dapbridge.errors import UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

FLUSH = "-x-flush-log"
COST = (
    "Log points: the target goes on by itself, but each hit stops it for a moment (of the order of 0.2 ms, more on a "
    "busy machine): a line that runs thousands of times a second slows it down.\n"
)


async def insert_log_point(
    context: Context, insert: str, message: str, condition: str | None, hit_condition: str | None
) -> Payload:
    """Make a log point of what the command `insert` inserts: disabled, for it would stop the target until it is one.

    Raises UserError, EngineError.
    """
    settings = {
        "parts": _parse_message(message),
        "condition": parse_condition(condition) or "",
        "hits": _parse_hits(hit_condition),
    }
    answer = await context.debugger.send(insert)
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


def on_end(context: Context) -> None:
    """`=x-log-end`: the target is about to end itself; it stops for the lines on their way."""
    context.log_lines.end_due = True


def goes_on(context: Context, payload: Payload) -> bool:
    """`*stopped`: let a target go on that stopped for the lines only, which are all here now; tell whether it did."""
    due, context.log_lines.end_due = context.log_lines.end_due, False
    if not due or not str(payload.get("bkptno", "-")).startswith("-"):
        return False
    context.log_lines.flush()
    context.debugger.send("-exec-continue")
    return True


def on_stopped(context: Context) -> None:
    """`*stopped`: the lines that the debugger still keeps come before what is told of the stop."""
    if context.log_lines.places:
        context.hold_events_until(context.debugger.send(FLUSH))


def _parse_message(message: str) -> list[str]:
    parts = log_message.split(message)
    for expression in parts[1::2]:
        if assigns(expression):
            raise UserError(f"logMessage: {{{expression}}} would change the target at each hit")
    return parts


def _parse_hits(hit_condition: str | None) -> tuple[int, int] | None:
    if not (hit_condition or "").strip():
        return None
    operator, number = parse_hit_condition(hit_condition or "")
    return OPERATORS.index(operator), number


def _place(body: Payload) -> Place:
    return Place(body.get("source", {}).get("path"), body.get("line"))
