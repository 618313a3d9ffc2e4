"""What is looked at while a target stands at a hit: its stack, the wanted variables, or all threads' stacks.

Each level is asked for in one go, for the time that this takes is time that the target stands still.
"""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.errors import UserError
from dapbridge.headless.client import DapClient
from dapbridge.headless.happenings import Frame, Thread, Variable

MAX_FRAMES = 20
MAX_THREADS = 200
MAX_VARIABLES = 50
MAX_CHILDREN = 20
MAX_OPENED = 100
"""Values that are opened at one hit."""
MAX_CHARACTERS = 500

_SHOWN_SCOPES = ("arguments", "locals")


class Capture(Struct, frozen=True):
    """What to look at: `expressions`, or where there are none all arguments and locals, opened to `depth` levels."""

    expressions: tuple[str, ...] = ()
    depth: int = 2


class StopLook:
    """A look at a stopped thread; what is seen stays, also where the look is broken off."""

    def __init__(self, thread_id: int) -> None:
        self.thread = Thread(thread_id, "")
        self.variables: tuple[Variable, ...] = ()
        self.captures: tuple[Variable, ...] = ()

    async def take(self, client: DapClient, wanted: Capture) -> None:
        """Look at the thread. Raises UserError when the target has gone on or ended."""
        thread_id = self.thread.id
        names = client.send("threads")
        stack = await client.request("stackTrace", threadId=thread_id, startFrame=0, levels=MAX_FRAMES)
        self.thread = _thread(thread_id, "", stack)
        self.thread = _thread(thread_id, _names(await names).get(thread_id, ""), stack)
        if not (frames := stack.get("stackFrames")):
            return
        opening = _Opening(client)
        if wanted.expressions:
            self.captures = await _evaluate(client, frames[0]["id"], wanted, opening)
        else:
            self.variables = await _variables(client, frames[0]["id"], wanted.depth, opening)


async def capture_threads(client: DapClient) -> tuple[Thread, ...]:
    """Look at the stacks of all threads. Raises UserError when the target has gone on or ended."""
    names = _names(await client.request("threads"))
    asked = [
        (id_, name, client.send("stackTrace", {"threadId": id_, "startFrame": 0, "levels": MAX_FRAMES}))
        for id_, name in list(names.items())[:MAX_THREADS]
    ]
    found = []
    for id_, name, answer in asked:
        try:
            found.append(_thread(id_, name, await answer))
        except UserError:
            # A thread may have ended; that all are gone is seen at the next request.
            found.append(Thread(id_, name))
    return tuple(found)


class _Opening:
    """Opens values level by level, not more than MAX_OPENED at a hit."""

    def __init__(self, client: DapClient) -> None:
        self._client = client
        self._left = MAX_OPENED

    async def open(self, values: Sequence[JsonObject], depth: int) -> tuple[Variable, ...]:
        """Return the values as variables, with `depth` - 1 levels below them."""
        asked = [self._ask(each) if depth > 1 else None for each in values]
        found = []
        for value, answer in zip(values, asked, strict=True):
            children: tuple[Variable, ...] = ()
            if answer is not None:
                listed = (await answer)["variables"][:MAX_CHILDREN]
                children = await self.open(listed, depth - 1)
            found.append(Variable(str(value["name"]), _cut(str(value["value"])), value.get("type"), children))
        return tuple(found)

    def _ask(self, value: JsonObject) -> asyncio.Future[JsonObject] | None:
        reference = value.get("variablesReference")
        if not reference or self._left <= 0:
            return None
        self._left -= 1
        count = {"start": 0, "count": MAX_CHILDREN} if value.get("indexedVariables") else {}
        return self._client.send("variables", {"variablesReference": reference} | count)


async def _variables(client: DapClient, frame_id: int, depth: int, opening: _Opening) -> tuple[Variable, ...]:
    scopes = (await client.request("scopes", frameId=frame_id))["scopes"]
    # Not every engine gives a hint; those that don't have the same names.
    shown = [
        each
        for each in scopes
        if str(each.get("presentationHint") or each["name"]).lower() in _SHOWN_SCOPES and not each.get("expensive")
    ]
    asked = [client.send("variables", {"variablesReference": each["variablesReference"]}) for each in shown]
    values = [value for answer in asked for value in (await answer)["variables"]]
    return await opening.open(values[:MAX_VARIABLES], depth)


async def _evaluate(client: DapClient, frame_id: int, wanted: Capture, opening: _Opening) -> tuple[Variable, ...]:
    asked = [
        (each, client.send("evaluate", {"expression": each, "frameId": frame_id, "context": "watch"}))
        for each in wanted.expressions
    ]
    found: list[Variable] = []
    for expression, answer in asked:
        try:
            body = await answer
        except UserError as error:
            found.append(Variable(expression, error=str(error)))
        else:
            value = body | {"name": expression, "value": body.get("result", "")}
            found += await opening.open([value], wanted.depth)
    return tuple(found)


def _names(threads: JsonObject) -> dict[int, str]:
    return {int(each["id"]): str(each["name"]) for each in threads.get("threads") or ()}


def _thread(thread_id: int, name: str, stack: JsonObject) -> Thread:
    frames = tuple(_frame(each) for each in stack.get("stackFrames") or ())
    return Thread(thread_id, name, frames, more_frames=int(stack.get("totalFrames") or 0) > len(frames))


def _frame(frame: JsonObject) -> Frame:
    path = (frame.get("source") or {}).get("path")
    return Frame(str(frame["name"]), path, int(frame["line"]) if path else None)


def _cut(text: str) -> str:
    return text if len(text) <= MAX_CHARACTERS else text[: MAX_CHARACTERS - 1] + "…"
