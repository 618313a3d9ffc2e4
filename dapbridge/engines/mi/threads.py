"""DAP `threads`: the list is kept from events; names, which can change, are asked once a stop, without any stacks."""

import asyncio
from contextlib import suppress

import msgspec

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Answer
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import EngineError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload


class Thread(msgspec.Struct, frozen=True, array_like=True):
    """What the debugger says of one thread; `id` is its own number, the others are the kernel's."""

    id: int
    pid: int
    tid: int
    name: str | None = None

    def title(self, several_processes: bool) -> str:
        title = f"{self.name} ({self.tid})" if self.name else f"thread {self.tid}"
        return f"process {self.pid}: {title}" if several_processes else title


class ThreadTable:
    """The target's threads by the debugger's numbers, with names where they were asked."""

    def __init__(self) -> None:
        self.asked: Answer | None = None
        """The question that is on its way."""
        self._threads: dict[int, Thread | None] = {}
        self._version: int | None = None
        self._listed: dict[int, Thread] = {}

    def question(self) -> str:
        """Return the command that asks for the list, or whether the last one is still true."""
        return command("x-threads") if self._version is None else command("x-threads", self._version)

    @property
    def nameless(self) -> bool:
        """Whether a thread has come since names were asked."""
        return None in self._threads.values()

    def add(self, thread_id: int) -> None:
        self._threads.setdefault(thread_id, None)

    def remove(self, thread_id: int) -> None:
        self._threads.pop(thread_id, None)

    def take(self, answer: Answer) -> None:
        """Take the debugger's own list; it is the truth also of which threads there are."""
        if self.asked is not answer:
            return
        self.asked = None
        if not answer.cancelled() and answer.exception() is None:
            payload = answer.result()
            if "threads" in payload:
                self._listed = {each.id: each for each in msgspec.convert(payload["threads"], list[Thread])}
                self._version = payload.get("version")
            self._threads = dict(self._listed)

    @property
    def first(self) -> int | None:
        """The thread that has been there longest."""
        return min(self._threads, default=None)

    def pid_of(self, thread_id: int) -> int | None:
        """Return the process of a thread, if it was named."""
        thread = self._threads.get(thread_id)
        return thread.pid if thread else None

    def to_dap(self) -> list[JsonObject]:
        several = len({each.pid for each in self._threads.values() if each}) > 1
        return [
            {"id": number, "name": thread.title(several) if thread else f"thread {number}"}
            for number, thread in sorted(self._threads.items())
        ]


class NoArguments(Arguments, frozen=True):
    """Nothing that matters."""


@request("threads")
async def threads(context: Context, arguments: NoArguments) -> JsonObject:
    """DAP "Threads"."""
    if context.threads.asked is not None or context.threads.nameless:
        # Where the debugger can't tell, their numbers must do.
        with suppress(EngineError):
            asked = ask_names(context)
            await asyncio.shield(asked)
            # One that was there before anybody waited for it may be taken only in the loop's next round.
            context.threads.take(asked)
    return {"threads": context.threads.to_dap()}


def ask_names(context: Context) -> Answer:
    """Ask which threads there are and what they are called now, unless that is asked already."""
    table = context.threads
    if table.asked is None:
        table.asked = context.debugger.send(table.question())
        # No task's turn lies between: events that come behind the answer must find it taken.
        table.asked.add_done_callback(table.take)
    return table.asked


def on_created(context: Context, payload: Payload) -> None:
    """`=thread-created`; those that the attach finds are no news: every client asks for them."""
    thread_id = int(payload["id"])
    context.threads.add(thread_id)
    if context.attached:
        context.tell("thread", {"reason": "started", "threadId": thread_id})


def on_exited(context: Context, payload: Payload) -> None:
    """`=thread-exited`."""
    thread_id = int(payload["id"])
    context.threads.remove(thread_id)
    context.tell("thread", {"reason": "exited", "threadId": thread_id})
