"""DAP `setBreakpoints`. The debugger keeps a pending one until a library brings its code."""

from functools import partial

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.breakpoint_table import exchange
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
    log_message: str | None = None


class SetBreakpointsArguments(Arguments, frozen=True):
    """DAP "SetBreakpointsArguments"."""

    source: Source
    breakpoints: tuple[SourceBreakpoint, ...] = ()


@request("setBreakpoints", capabilities=("supportsLogPoints",))
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
    if wish.log_message:
        return await insert_log_point(context, place, wish.log_message)
    answer = await context.debugger.send(command("break-insert", "-f", **place))
    breakpoint_: Payload = answer["bkpt"]
    return breakpoint_
