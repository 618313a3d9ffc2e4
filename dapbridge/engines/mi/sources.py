"""DAP `loadedSources` and `loadedSource`, by the debug info; and `source`, a file of the target's own file system."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import EngineError, UserError

MAX_SOURCE_BYTES = 1024 * 1024
MAX_EVENTS = 200
"""How many sources that come or go at once are told one by one; those beyond are in the next answer."""


class SourceTable:
    """The sources that the client was told of; None while it has never asked."""

    def __init__(self) -> None:
        self.told: set[str] | None = None


class NoArguments(Arguments, frozen=True):
    """DAP "LoadedSourcesArguments"."""


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


@request("loadedSources", capabilities=("supportsLoadedSourcesRequest",))
async def loaded_sources(context: Context, arguments: NoArguments) -> JsonObject:
    """DAP "LoadedSources": all that the debug info names, be there a file or not."""
    paths = await _list(context)
    context.sources.told = set(paths)
    return {"sources": [_to_dap(path) for path in paths]}


async def tell_changes(context: Context) -> None:
    """Libraries have come or gone: tell a client that has ever asked which sources did."""
    told = context.sources.told
    if told is None:
        return
    now = set(await _list(context))
    changes = [("removed", path) for path in sorted(told - now)] + [("new", path) for path in sorted(now - told)]
    context.sources.told = now
    for reason, path in changes[:MAX_EVENTS]:
        context.tell("loadedSource", {"reason": reason, "source": _to_dap(path)})


async def _list(context: Context) -> list[str]:
    """Return the full names of all sources, sorted."""
    try:
        paths: list[str] = (await context.debugger.send("-x-sources"))["sources"]
    except EngineError as error:
        if "Undefined MI command" not in str(error):
            raise
        files = (await context.debugger.send("-file-list-exec-source-files")).get("files") or []
        paths = sorted({str(each["fullname"]) for each in files if "fullname" in each})
    return paths


def _to_dap(path: str) -> JsonObject:
    return {"name": path.rsplit("/", 1)[-1], "path": path}
