"""DAP `locations`: where a variable was declared, and where the function is that a pointer points to.

Who shows a variable only gives out a number (`declaration`, `code`); what it means is found when a client asks.
"""

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import UserError
from dapbridge.mi.commands import command


class Declaration(Struct, frozen=True):
    """A line of a source."""

    path: str
    line: int


class Code(Struct, frozen=True):
    """An address of code."""

    address: int


class LocationsArguments(Arguments, frozen=True):
    """DAP "LocationsArguments"."""

    location_reference: int


def declaration(context: Context, path: str, line: int) -> int:
    """Return the location reference of a declaration."""
    return context.stopped.reference(Declaration(path, line))


def code(context: Context, address: int) -> int:
    """Return the location reference of the code at an address."""
    return context.stopped.reference(Code(address))


@request("locations", needs_stop=True)
async def locations(context: Context, arguments: LocationsArguments) -> JsonObject:
    """DAP "Locations"."""
    match context.stopped.container(arguments.location_reference):
        case Declaration(path, line):
            pass
        case Code(address):
            answer = await context.debugger.ask(command("x-code-place", address))
            path, line = str(answer["file"]), int(answer["line"])
        case _:
            raise UserError(f"{arguments.location_reference} is no reference of a location")
    return {"source": {"name": path.rsplit("/", 1)[-1], "path": path}, "line": line}
