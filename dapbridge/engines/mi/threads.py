"""DAP `threads`: the list is kept from events, so that it costs the debugger nothing while no thread comes or goes."""

import re

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

_TID = re.compile(r"\bLWP (\d+)|\bprocess (\d+)|\b[Tt]hread (\d+)(?:\.\d+)?\b")


class ThreadTable:
    """The target's threads by the debugger's numbers, with names where they were asked."""

    def __init__(self) -> None:
        self._names: dict[int, str | None] = {}

    @property
    def nameless(self) -> bool:
        """Whether a thread has come since names were asked."""
        return None in self._names.values()

    def add(self, thread_id: int) -> None:
        self._names.setdefault(thread_id, None)

    def remove(self, thread_id: int) -> None:
        self._names.pop(thread_id, None)

    def clear(self) -> None:
        self._names.clear()

    def name_all(self, threads: list[Payload]) -> None:
        """Take MI's own list; it is the truth also of which threads there are."""
        self._names = {int(each["id"]): _name(each) for each in threads}

    def to_dap(self) -> list[JsonObject]:
        return [{"id": each, "name": name or f"thread {each}"} for each, name in sorted(self._names.items())]


class NoArguments(Arguments, frozen=True):
    """Nothing that matters."""


@request("threads")
async def threads(context: Context, arguments: NoArguments) -> JsonObject:
    """DAP "Threads"."""
    if context.threads.nameless:
        answer = await context.debugger.ask(command("thread-info"))
        context.threads.name_all(answer.get("threads", []))
    return {"threads": context.threads.to_dap()}


def on_created(context: Context, payload: Payload) -> None:
    """`=thread-created`."""
    thread_id = int(payload["id"])
    context.threads.add(thread_id)
    context.debugger.forget_one(command("thread-info"))
    context.tell("thread", {"reason": "started", "threadId": thread_id})


def on_exited(context: Context, payload: Payload) -> None:
    """`=thread-exited`."""
    thread_id = int(payload["id"])
    context.threads.remove(thread_id)
    context.tell("thread", {"reason": "exited", "threadId": thread_id})


def _name(thread: Payload) -> str:
    target_id = str(thread.get("target-id", ""))
    found = _TID.search(target_id)
    tid = next(group for group in found.groups() if group) if found else target_id
    name = thread.get("name")
    return f"{name} ({tid})" if name else f"thread {tid}"
