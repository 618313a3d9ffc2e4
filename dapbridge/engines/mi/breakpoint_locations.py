"""DAP `breakpointLocations`: the lines of a source that have code."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.sources import Source
from dapbridge.errors import UserError
from dapbridge.mi.commands import command


class BreakpointLocationsArguments(Arguments, frozen=True):
    """DAP "BreakpointLocationsArguments"; columns are none of the debugger's."""

    source: Source
    line: int
    end_line: int | None = None


@request("breakpointLocations", capabilities=("supportsBreakpointLocationsRequest",))
async def breakpoint_locations(context: Context, arguments: BreakpointLocationsArguments) -> JsonObject:
    """DAP "BreakpointLocations"; none in a source that the debug info doesn't know."""
    if arguments.source.path is None:
        raise UserError("breakpoint locations need the path of their source")
    last = arguments.end_line or arguments.line
    listing = command("x-lines", arguments.source.path, arguments.line, last)
    found = await context.debugger.send(listing)
    return {"breakpoints": [{"line": line} for line in found["lines"]]}
