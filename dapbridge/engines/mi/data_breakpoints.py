"""DAP `dataBreakpointInfo` and `setDataBreakpoints`: the hardware's watchpoints."""

import json
from typing import Any, Literal

import msgspec
from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.breakpoint_table import exchange
from dapbridge.engines.mi.conditions import parse_when
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.registers import Registers
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.variables import Scope, expression_of, opened
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

GROUP = "data"
ACCESS_TYPES = ["write", "read", "readWrite"]


class Place(Struct, frozen=True, rename="camel"):
    """What a dataId says: a place in memory as the debugger's side tells it, and what the user calls it.

    A place with a scope belongs to a frame, and that to a stop.
    """

    label: str
    address: int
    size: int
    expression: str = ""
    symbol: str = ""
    scope: str = ""
    stop: int = 0
    thread: int = 0
    level: int = 0


class DataBreakpointInfoArguments(Arguments, frozen=True):
    """DAP "DataBreakpointInfoArguments"."""

    name: str
    variables_reference: int | None = None
    frame_id: int | None = None
    bytes: int | None = None
    as_address: bool = False


class DataBreakpoint(Arguments, frozen=True):
    """DAP "DataBreakpoint"."""

    data_id: str
    access_type: Literal["read", "write", "readWrite"] = "write"
    condition: str | None = None
    hit_condition: str | None = None


class SetDataBreakpointsArguments(Arguments, frozen=True):
    """DAP "SetDataBreakpointsArguments"."""

    breakpoints: tuple[DataBreakpoint, ...]


@request("dataBreakpointInfo", capabilities=("supportsDataBreakpointBytes",))
async def data_breakpoint_info(context: Context, arguments: DataBreakpointInfoArguments) -> JsonObject:
    """DAP "DataBreakpointInfo"; what can't be watched is answered with the reason."""
    if arguments.bytes is not None and arguments.bytes < 1:
        raise UserError(f"{arguments.bytes} bytes can't be watched")
    frame = None if arguments.frame_id is None else context.stopped.frame(arguments.frame_id)
    try:
        place = await _find(context, arguments, frame)
    except EngineError as error:
        if str(error) == "notStopped":
            raise
        return {"dataId": None, "description": str(error)}
    except UserError as error:
        return {"dataId": None, "description": str(error)}
    until = f", until {place.scope} is left" if place.scope else ""
    return {
        "dataId": msgspec.json.encode(place).decode(),
        "description": f"{place.label} ({place.size} byte{'' if place.size == 1 else 's'}{until})",
        "accessTypes": ACCESS_TYPES,
        "canPersist": bool(place.symbol),
    }


@request("setDataBreakpoints", capabilities=("supportsDataBreakpoints",), causes_events=True)
async def set_data_breakpoints(context: Context, arguments: SetDataBreakpointsArguments) -> JsonObject:
    """DAP "SetDataBreakpoints"."""
    return {"breakpoints": await exchange(context, GROUP, arguments.breakpoints, _insert)}


async def _find(context: Context, arguments: DataBreakpointInfoArguments, frame: Frame | None) -> Place:
    size = arguments.bytes or 0
    if arguments.as_address:
        asked = command("x-watch-address", arguments.name, size or 8)
    elif arguments.variables_reference:
        container = context.stopped.container(arguments.variables_reference)
        frame = container.frame  # type: ignore[attr-defined]
        asked = await _ask_child(context, container, arguments.name, size)
    else:
        asked = command("x-watch-place", arguments.name, size, **_in(frame))
    found = await context.debugger.send(asked)
    place = msgspec.convert(found | {"label": arguments.name}, Place)
    if place.scope:
        frame = frame or Frame(context.stopped.thread_id, 0)
        stop = context.stopped.number
        place = msgspec.structs.replace(place, stop=stop, thread=frame.thread_id, level=frame.level)
    return place


async def _ask_child(context: Context, container: Any, name: str, size: int) -> str:
    match container:
        case Registers():
            raise UserError(f"{name} is a register: only memory can be watched")
        case Scope(frame, _):
            return command("x-watch-place", await expression_of(context, frame, name), size, **_in(frame))
    node = await opened(context, container)
    return command("x-watch-child", context.stopped.number, node.node, node.start, name, size, **_in(node.frame))


def _in(frame: Frame | None) -> dict[str, int]:
    return {} if frame is None else {"thread": frame.thread_id, "frame": frame.level}


async def _insert(context: Context, wish: DataBreakpoint) -> Payload:
    try:
        place = msgspec.json.decode(wish.data_id, type=Place)
    except msgspec.MsgspecError:
        raise UserError("this data breakpoint is none of dapbridge's: set it again") from None
    frame = None
    if place.scope:
        if context.stop is None or context.stop.number != place.stop:
            raise UserError(f"{place.label} belongs to an earlier call of {place.scope}: set it again at a stop in it")
        frame = Frame(place.thread, place.level)
    when = parse_when(context, wish.condition, wish.hit_condition)
    settings = msgspec.to_builtins(place) | {
        "access": wish.access_type,
        "condition": when.condition or "",
        "ignored_hits": when.ignored_hits,
        "id": next(context.ids),
    }
    return await context.debugger.send(command("x-watch", json.dumps(settings), **_in(frame)))


def hit_body(context: Context, payload: Payload) -> JsonObject:
    """Return what the `stopped` event says of a data breakpoint's hit: the expression with old and new value."""
    hit = next(payload[key] for key in ("wpt", "hw-rwpt", "hw-awpt") if key in payload)
    # Several at once: the first stands for all.
    hits = hit if isinstance(hit, list) else [hit]
    value = payload.get("value") or {}
    value = value[0] if isinstance(value, list) else value
    number = str(hits[0]["number"])
    label = label_of(context, number) or str(hits[0]["exp"])
    if "old" in value:
        text = f"{label}: {value['old']} → {value.get('new')}"
    else:
        verb = "read" if "hw-rwpt" in payload else "read or written"
        text = f"{label} was {verb}: {value.get('value', value.get('new'))}"
    return {"hitBreakpointIds": [int(each["number"]) for each in hits], "description": text, "text": text}


def label_of(context: Context, number: str) -> str | None:
    """Return what the user calls the place that a breakpoint watches; None for one that the client never wished."""
    found = context.breakpoints.find(number)
    if found is None or not isinstance(found[1], DataBreakpoint):
        return None
    return msgspec.json.decode(found[1].data_id, type=Place).label


def tell_scope_ends(context: Context, numbers: list[str]) -> None:
    """Say which data breakpoints are gone with the variables that they watched."""
    for number in numbers:
        label = label_of(context, number) or "a variable"
        text = f"Data breakpoint on {label} removed: the call that the variable belongs to has ended.\n"
        context.tell("output", {"category": "console", "output": text})
