"""DAP `setBreakpoints` and the `breakpoint` event. The debugger keeps a pending one until a library brings its code."""

import asyncio

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Answer
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

_PENDING = "<PENDING>"


class SourceBreakpoint(Arguments, frozen=True):
    """DAP "SourceBreakpoint"."""

    line: int


class Source(Arguments, frozen=True):
    """DAP "Source", as far as it names a file."""

    path: str | None = None
    name: str | None = None


class SetBreakpointsArguments(Arguments, frozen=True):
    """DAP "SetBreakpointsArguments"."""

    source: Source
    breakpoints: tuple[SourceBreakpoint, ...] = ()


class Known(Struct, frozen=True):
    """A breakpoint as the client was last told of it."""

    number: str
    body: JsonObject


class BreakpointTable:
    """The client's breakpoints: by source and wish, and by the debugger's number."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.by_source: dict[str, dict[SourceBreakpoint, str]] = {}
        self._known: dict[str, JsonObject] = {}

    def learn(self, breakpoint_: Payload) -> tuple[JsonObject, bool]:
        """Take the debugger's word on a breakpoint; return it as DAP has it and whether that is news to the client."""
        number = str(breakpoint_["number"])
        body = to_dap(breakpoint_)
        is_news = self._known.get(number) != body
        self._known[number] = body
        return body, is_news

    def body(self, number: str) -> JsonObject:
        return self._known[number]

    def knows(self, number: str) -> bool:
        return number in self._known

    def drop(self, number: str) -> None:
        self._known.pop(number, None)


@request("setBreakpoints")
async def set_breakpoints(context: Context, arguments: SetBreakpointsArguments) -> JsonObject:
    """DAP "SetBreakpoints": what stays is left alone, so that a running target is touched for the changes only."""
    path = arguments.source.path
    if path is None:
        raise UserError("a breakpoint needs the path of its source")
    table = context.breakpoints
    async with table.lock:
        old = table.by_source.get(path, {})
        gone = [number for wish, number in old.items() if wish not in arguments.breakpoints]
        if gone:
            context.debugger.send(command("break-delete", *gone))
            for number in gone:
                table.drop(number)
        inserted = {
            wish: context.debugger.send(_insert(path, wish))
            for wish in dict.fromkeys(arguments.breakpoints)
            if wish not in old
        }
        new = {wish: number for wish, number in old.items() if number not in gone}
        failures: dict[SourceBreakpoint, JsonObject] = {}
        for wish, answer in inserted.items():
            try:
                new[wish] = await _inserted(table, answer)
            except EngineError as error:
                failures[wish] = {"verified": False, "message": str(error), "reason": "failed", "line": wish.line}
        table.by_source[path] = new
    return {"breakpoints": [failures.get(wish) or table.body(new[wish]) for wish in arguments.breakpoints]}


def on_modified(context: Context, payload: Payload) -> None:
    """`=breakpoint-modified`: hits and addresses are no news; a place that has come or moved is."""
    breakpoint_ = payload["bkpt"]
    if not context.breakpoints.knows(str(breakpoint_["number"])):
        return
    body, is_news = context.breakpoints.learn(breakpoint_)
    if is_news:
        context.tell("breakpoint", {"reason": "changed", "breakpoint": body})


def on_deleted(context: Context, payload: Payload) -> None:
    """`=breakpoint-deleted`: somebody deleted it on the debugger's command line."""
    number = str(payload["id"])
    if not context.breakpoints.knows(number):
        return
    context.breakpoints.drop(number)
    for wishes in context.breakpoints.by_source.values():
        for wish in [each for each, its in wishes.items() if its == number]:
            del wishes[wish]
    context.tell("breakpoint", {"reason": "removed", "breakpoint": {"id": int(number), "verified": False}})


def to_dap(breakpoint_: Payload) -> JsonObject:
    """Return the DAP Breakpoint of an MI breakpoint (GDB manual, "GDB/MI Breakpoint Information")."""
    body: JsonObject = {"id": int(breakpoint_["number"]), "verified": breakpoint_.get("addr") != _PENDING}
    places = [breakpoint_, *(breakpoint_.get("locations") or [])]
    place = next((each for each in places if "line" in each), None)
    if place is not None:
        body["line"] = int(place["line"])
        path = str(place.get("fullname") or place["file"])
        body["source"] = {"name": path.rsplit("/", 1)[-1], "path": path}
    if not body["verified"]:
        body["reason"] = "pending"
        body["message"] = (
            "no code for this line in what the target has loaded; the breakpoint becomes active when a library brings "
            "it. If it should be there, compare substitutePath with the paths that the program was built with"
        )
    return body


def _insert(path: str, wish: SourceBreakpoint) -> str:
    return command("break-insert", "-f", source=path, line=wish.line)


async def _inserted(table: BreakpointTable, answer: Answer) -> str:
    breakpoint_ = (await answer)["bkpt"]
    table.learn(breakpoint_)
    return str(breakpoint_["number"])
