"""The client's breakpoints of all kinds, by group and wish and by the debugger's number, and DAP's `breakpoint` event.

DAP sets breakpoints by groups: all of one source, all function breakpoints, … A group is exchanged as a whole, and
what stays in it is left alone, so that a running target is touched for the changes only.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import TypeVar

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

_PENDING = "<PENDING>"
_WHY_PENDING_LINE = (
    "no code for this line in what the target has loaded; the breakpoint becomes active when a library brings it. If "
    "it should be there, compare substitutePath with the paths that the program was built with"
)
_WHY_PENDING = "not in what the target has loaded; the breakpoint becomes active when a library brings it"

Wish = TypeVar("Wish", bound=Hashable)
Insert = Callable[[Context, Wish], Awaitable[Payload]]
"""Sets what one wish asks for and returns MI's breakpoint tuple. Raises EngineError, UserError for what can't be."""


class BreakpointTable:
    """What the client has set; written by the breakpoint areas only."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self._groups: dict[Hashable, dict[Hashable, str]] = {}
        self._known: dict[str, JsonObject] = {}
        self._joined: dict[str, list[str]] = {}
        self.exchanging: Hashable = None
        """The group that is being exchanged now: its new breakpoints can be hit before their numbers are known here."""
        self.misfits: set[str] = set()
        """Those that the debugger can't insert and has still to delete."""

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

    def find(self, number: str) -> tuple[Hashable, Hashable] | None:
        """Return the group and the wish that a breakpoint was set for; None for one that the client never wished."""
        for group, wishes in self._groups.items():
            for wish, its in wishes.items():
                if its == number:
                    return group, wish
        return None

    def group_of(self, number: str) -> Hashable:
        """Return the group of a breakpoint; None for one that the client never wished."""
        found = self.find(number)
        return found[0] if found else self.exchanging

    def group(self, group: Hashable) -> dict[Hashable, str]:
        """Return the debugger's numbers of a group's breakpoints by wish."""
        return self._groups.get(group, {})

    def replace(self, group: Hashable, numbers: dict[Hashable, str]) -> None:
        """Note what a group holds now."""
        self._groups[group] = numbers

    def join(self, number: str, others: list[str]) -> None:
        """Note that breakpoint `number` stands for others too: the client knows of it alone."""
        self._joined[number] = others

    def joined(self, number: str) -> list[str]:
        """Return the breakpoints that go with `number`."""
        return self._joined.get(number, [])

    def stands_for(self, number: str) -> str:
        """Return the breakpoint by which the client knows `number`."""
        return next((known for known, others in self._joined.items() if number in others), number)

    def drop(self, number: str) -> None:
        """Forget what a breakpoint was told as; its group is the caller's to replace."""
        self._known.pop(number, None)
        self._joined.pop(number, None)

    def remove(self, number: str) -> None:
        """Forget a breakpoint that somebody else has deleted."""
        self.drop(number)
        for wishes in self._groups.values():
            for wish in [each for each, its in wishes.items() if its == number]:
                del wishes[wish]


async def exchange(context: Context, group: Hashable, wishes: Sequence[Wish], insert: Insert[Wish]) -> list[JsonObject]:
    """Make `wishes` the whole of a group; return a DAP Breakpoint for each, in their order.

    New ones are inserted side by side, in order; one that fails is answered as unverified, with its reason.
    """
    table = context.breakpoints
    async with table.lock:
        old = dict(table.group(group))
        wanted = frozenset(wishes)
        gone = [number for wish, number in old.items() if wish not in wanted]
        if gone:
            joined = (other for number in gone for other in table.joined(number))
            context.debugger.send(command("break-delete", *gone, *joined))
            for number in gone:
                table.drop(number)
        new: dict[Hashable, str] = {wish: number for wish, number in old.items() if wish in wanted}
        failures: dict[Hashable, JsonObject] = {}

        async def set_one(wish: Wish) -> None:
            try:
                breakpoint_ = await insert(context, wish)
            except (EngineError, UserError) as error:
                failures[wish] = {"verified": False, "message": _reason(error), "reason": "failed"}
            else:
                table.learn(breakpoint_)
                new[wish] = str(breakpoint_["number"])

        table.exchanging = group
        try:
            # Side by side: nobody waits for another one's answer.
            async with asyncio.TaskGroup() as inserting:
                with context.debugger.batch():
                    for wish in dict.fromkeys(wishes):
                        if wish not in old:
                            inserting.create_task(set_one(wish))
                    # Their first step, in which each sends its command.
                    await asyncio.sleep(0)
        finally:
            # Also what a cancelled request has set by then: the next exchange has to know of it.
            table.exchanging = None
            table.replace(group, new)
    return [failures.get(wish) or table.body(new[wish]) for wish in wishes]


def _reason(error: Exception) -> str:
    return " ".join(str(error).removeprefix("Warning:\n").split("\n"))


def on_modified(context: Context, payload: Payload) -> None:
    """`=breakpoint-modified`: hits and addresses are no news; a place that has come or moved is."""
    breakpoint_ = payload["bkpt"]
    if not context.breakpoints.knows(str(breakpoint_["number"])):
        return
    body, is_news = context.breakpoints.learn(breakpoint_)
    if is_news:
        context.tell("breakpoint", {"reason": "changed", "breakpoint": body})


def on_deleted(context: Context, payload: Payload) -> None:
    """`=breakpoint-deleted`: somebody deleted it on the debugger's command line, or its scope has ended."""
    number = str(payload["id"])
    if context.breakpoints.knows(number):
        context.breakpoints.remove(number)
        context.tell("breakpoint", {"reason": "removed", "breakpoint": {"id": int(number), "verified": False}})


def on_condition_failed(context: Context, payload: Payload) -> None:
    """A condition could not be evaluated in the target, which stops there for it: tell why."""
    number = context.breakpoints.stands_for(payload["number"])
    if not context.breakpoints.knows(number):
        return
    body = context.breakpoints.body(number)
    place = {key: body[key] for key in ("source", "line") if key in body}
    text = f"the condition of this breakpoint failed, so the target stops: {payload['text']}\n"
    context.tell("output", {"category": "important", "output": text} | place)


def is_pending(breakpoint_: Payload) -> bool:
    """Tell whether nothing that is loaded has a place for an MI breakpoint."""
    return breakpoint_.get("addr") == _PENDING


def to_dap(breakpoint_: Payload) -> JsonObject:
    """Return the DAP Breakpoint of an MI breakpoint (GDB manual, "GDB/MI Breakpoint Information")."""
    body: JsonObject = {"id": int(breakpoint_["number"]), "verified": not is_pending(breakpoint_)}
    places = [breakpoint_, *(breakpoint_.get("locations") or [])]
    place = next((each for each in places if "line" in each), None)
    if place is not None:
        body["line"] = int(place["line"])
        path = str(place.get("fullname") or place["file"])
        body["source"] = {"name": path.rsplit("/", 1)[-1], "path": path}
    if not body["verified"]:
        body["reason"] = "pending"
        body["message"] = _WHY_PENDING_LINE if "-line" in str(breakpoint_.get("pending")) else _WHY_PENDING
    return body
