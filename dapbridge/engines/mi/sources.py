"""DAP `source`: a file of the target's own file system, for clients that don't have it."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import UserError

MAX_SOURCE_BYTES = 1024 * 1024


class Source(Arguments, frozen=True):
    """DAP "Source", as far as it names a file."""

    path: str | None = None
    name: str | None = None


class SourceArguments(Arguments, frozen=True):
    """DAP "SourceArguments"."""

    source: Source | None = None


@request("source")
async def source(context: Context, arguments: SourceArguments) -> JsonObject:
    """DAP "Source"."""
    path = arguments.source.path if arguments.source else None
    if path is None:
        raise UserError("a source is found by its path only")
    if not context.config.source_request:
        raise UserError(f"{path} is not here, and sourceRequest is off")
    content = await context.agent.read_file(context.process.pid, path, 0, MAX_SOURCE_BYTES)
    return {"content": content.decode(errors="replace")}
