"""The table of DAP's fields that carry source paths, and the rewriting of messages by it. Knows no rule of paths.

Only `Source.path` is one (DAP 1.71, "Source"); `Module.path` is the target's own file and is shown as it is. A message
is never changed: a rewritten one is a new object that shares with the old one all that stayed the same.
"""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import msgspec

from dapbridge.dap.messages import Event, Request, Response

MapPath = Callable[[str], str]

# From a request's arguments, or a body, to the `Source`; "[]" steps into each item of a list.
REQUEST_SOURCES: Mapping[str, str] = {
    "breakpointLocations": "source",
    "evaluate": "source",
    "gotoTargets": "source",
    "setBreakpoints": "source",
    "source": "source",
}
RESPONSE_SOURCES: Mapping[str, str] = {
    "disassemble": "instructions [] location",
    "loadedSources": "sources []",
    "locations": "source",
    "scopes": "scopes [] source",
    "setBreakpoints": "breakpoints [] source",
    "setDataBreakpoints": "breakpoints [] source",
    "setExceptionBreakpoints": "breakpoints [] source",
    "setFunctionBreakpoints": "breakpoints [] source",
    "setInstructionBreakpoints": "breakpoints [] source",
    "stackTrace": "stackFrames [] source",
}
EVENT_SOURCES: Mapping[str, str] = {
    "breakpoint": "breakpoint source",
    "loadedSource": "source",
    "output": "source",
}


def map_request_paths(request: Request, to_target: MapPath) -> Request:
    """Return the request with its client paths mapped; the same object when none changes."""
    place = REQUEST_SOURCES.get(request.command)
    if place is None:
        return request
    arguments = _map_at(request.arguments, place.split(), to_target)
    return request if arguments is request.arguments else msgspec.structs.replace(request, arguments=arguments)


def map_message_paths(message: Response | Event, to_client: MapPath) -> Response | Event:
    """Return the response or event with its target paths mapped; the same object when none changes."""
    place = EVENT_SOURCES.get(message.event) if isinstance(message, Event) else RESPONSE_SOURCES.get(message.command)
    if place is None:
        return message
    # A long stack is in few files.
    body = _map_at(message.body, place.split(), cache(to_client))
    return message if body is message.body else msgspec.structs.replace(message, body=body)


def _map_at(value: Any, steps: list[str], map_path: MapPath) -> Any:
    """Map the sources below `value`; what doesn't have DAP's shape is left to whoever reads it."""
    if not steps:
        return _map_source(value, map_path)
    step, rest = steps[0], steps[1:]
    if step == "[]":
        return _map_items(value, lambda item: _map_at(item, rest, map_path))
    if not isinstance(value, dict) or step not in value:
        return value
    inner = _map_at(value[step], rest, map_path)
    return value if inner is value[step] else {**value, step: inner}


def _map_source(source: Any, map_path: MapPath) -> Any:
    if not isinstance(source, dict):
        return source
    changes = {}
    path, related = source.get("path"), source.get("sources")
    if isinstance(path, str) and (mapped := map_path(path)) != path:
        changes["path"] = mapped
    if related and (sources := _map_items(related, lambda item: _map_source(item, map_path))) is not related:
        changes["sources"] = sources
    return {**source, **changes} if changes else source


def _map_items(items: Any, map_item: Callable[[Any], Any]) -> Any:
    if not isinstance(items, list):
        return items
    mapped = [map_item(item) for item in items]
    return items if all(new is old for new, old in zip(mapped, items, strict=True)) else mapped
