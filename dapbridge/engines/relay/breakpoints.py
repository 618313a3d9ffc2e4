"""The breakpoints that a client sets before the debugger is there, and what they are called on both sides. Pure.

A client names breakpoints by the numbers that it is given in the answer to its request. The debugger gives its own ones
later; so every number that crosses is translated, and the client never sees the debugger's.
"""

import itertools
import json

import msgspec
from msgspec import Struct

from dapbridge.dap.messages import Event, JsonObject, Request, Response

# Where in the arguments each kind has its list.
_LISTS = {
    "setBreakpoints": "breakpoints",
    "setFunctionBreakpoints": "breakpoints",
    "setDataBreakpoints": "breakpoints",
    "setInstructionBreakpoints": "breakpoints",
    "setExceptionBreakpoints": "",
}


class Replay(Struct, frozen=True):
    """A request to send to the debugger now, and what its breakpoints are called by the client."""

    command: str
    arguments: JsonObject
    numbers: tuple[int, ...]


class BreakpointBook:
    """What was set too early, and the numbers."""

    def __init__(self) -> None:
        self._recorded: dict[str, Replay] = {}
        self._numbers = itertools.count(1)
        self._ours: dict[int, int] = {}

    def is_for(self, command: str) -> bool:
        """Tell whether the request sets breakpoints."""
        return command in _LISTS

    def record(self, request: Request, message: str) -> JsonObject:
        """Keep a request for later; return the body that answers it now, with `message` at each breakpoint."""
        wanted = request.arguments.get(_LISTS[request.command])
        wanted = [each for each in wanted if isinstance(each, dict)] if isinstance(wanted, list) else []
        numbers = tuple(itertools.islice(self._numbers, len(wanted)))
        source = request.arguments.get("source")
        key = f"{request.command} {json.dumps(source, sort_keys=True)}"
        self._recorded[key] = Replay(request.command, request.arguments, numbers)
        if not _LISTS[request.command]:
            return {}
        shown = {"verified": False, "reason": "pending", "message": message}
        if isinstance(source, dict):
            shown["source"] = source
        lines = [{"line": each["line"]} if isinstance(each.get("line"), int) else {} for each in wanted]
        return {"breakpoints": [shown | {"id": number} | line for number, line in zip(numbers, lines, strict=True)]}

    def take_recorded(self) -> list[Replay]:
        """Return what was recorded, the last for each source and kind, and forget it."""
        recorded, self._recorded = list(self._recorded.values()), {}
        return recorded

    def settle(self, replay: Replay, response: Response, error: str) -> list[Event]:
        """Note how the debugger calls the replayed breakpoints; return the events that tell the client of them."""
        found = (response.body or {}).get("breakpoints") if response.success else None
        placed = found if isinstance(found, list) else [{"verified": False, "message": error}] * len(replay.numbers)
        events = []
        for number, each in zip(replay.numbers, placed, strict=False):
            if isinstance(each.get("id"), int):
                self._ours[each["id"]] = number
            events.append(Event("breakpoint", {"reason": "changed", "breakpoint": {**each, "id": number}}))
        return events

    def to_client(self, message: Response | Event) -> Response | Event:
        """Return the debugger's message with its numbers of breakpoints made the client's."""
        body = message.body
        changed: JsonObject
        if not body:
            return message
        if isinstance(message, Response):
            if not self.is_for(message.command) or not isinstance(body.get("breakpoints"), list):
                return message
            changed = {"breakpoints": [self._renumbered(each) for each in body["breakpoints"]]}
        elif message.event == "breakpoint":
            changed = {"breakpoint": self._renumbered(body.get("breakpoint"))}
        elif message.event == "stopped" and isinstance(body.get("hitBreakpointIds"), list):
            # The debugger's own, such as for panics, are none of the client's.
            hit = [self._ours[theirs] for theirs in body["hitBreakpointIds"] if theirs in self._ours]
            changed = {"hitBreakpointIds": hit}
        else:
            return message
        return msgspec.structs.replace(message, body={**body, **changed})

    def _renumbered(self, breakpoint_: object) -> object:
        if isinstance(breakpoint_, dict) and isinstance(breakpoint_.get("id"), int):
            return {**breakpoint_, "id": self._number(breakpoint_["id"])}
        return breakpoint_

    def _number(self, theirs: int) -> int:
        if theirs not in self._ours:
            self._ours[theirs] = next(self._numbers)
        return self._ours[theirs]
