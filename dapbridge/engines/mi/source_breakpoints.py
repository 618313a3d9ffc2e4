"""DAP `setBreakpoints`. The debugger keeps a pending one until a library brings its code."""

from functools import partial

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.announced import BREAKPOINT_MODES
from dapbridge.engines.mi.breakpoint_table import exchange
from dapbridge.engines.mi.conditions import parse_when
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.logpoints import insert_log_point
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.sources import Source
from dapbridge.errors import UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload


class SourceBreakpoint(Arguments, frozen=True):
    """DAP "SourceBreakpoint"."""

    line: int
    condition: str | None = None
    hit_condition: str | None = None
    log_message: str | None = None
    mode: str | None = None


class SetBreakpointsArguments(Arguments, frozen=True):
    """DAP "SetBreakpointsArguments"."""

    source: Source
    breakpoints: tuple[SourceBreakpoint, ...] = ()


@request(
    "setBreakpoints",
    capabilities={
        "supportsConditionalBreakpoints": True,
        "supportsHitConditionalBreakpoints": True,
        "supportsLogPoints": True,
        "breakpointModes": BREAKPOINT_MODES,
    },
    causes_events=True,
)
async def set_breakpoints(context: Context, arguments: SetBreakpointsArguments) -> JsonObject:
    """DAP "SetBreakpoints"."""
    path = arguments.source.path
    if path is None:
        raise UserError("a breakpoint needs the path of its source")
    placed = await exchange(context, ("source", path), arguments.breakpoints, partial(_insert, path))
    # One that could not be set is still shown where it was wished.
    return {
        "breakpoints": [{"line": each.line} | body for each, body in zip(arguments.breakpoints, placed, strict=True)]
    }


async def _insert(path: str, context: Context, wish: SourceBreakpoint) -> Payload:
    place: dict[str, str | int] = {"source": path, "line": wish.line}
    hardware = ["-h"] if wish.mode == "hardware" else []
    if wish.log_message:
        inserted = command("break-insert", "-f", "-d", *hardware, **place)
        return await insert_log_point(context, inserted, wish.log_message, wish.condition, wish.hit_condition)
    when = parse_when(context, wish.condition, wish.hit_condition)
    answer = await context.debugger.send(command("break-insert", "-f", *hardware, *when.options(), **place))
    breakpoint_: Payload = answer["bkpt"]
    return breakpoint_
