"""A FAKE debugger that speaks MI, and the agent that starts it: answers come from the test, nothing is debugged."""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from dapbridge.agent.facts import Inspection, Libraries, Process
from dapbridge.errors import UserError
from dapbridge.transport import Take, feed_by_reading

Answers = Callable[[str], str | None]
"""What the debugger says to a command: whole lines after its token's result, or None for a plain ^done."""


class FakeDebugger:
    """A Transport to a script. `asked` holds every command without its token."""

    def __init__(self, answers: Answers) -> None:
        self.asked: list[str] = []
        self._answers = answers
        self._said: asyncio.Queue[bytes] = asyncio.Queue()

    def say(self, *lines: str) -> None:
        """Say lines unasked, in one piece."""
        self._said.put_nowait("".join(f"{line}\n" for line in lines).encode())

    def die(self) -> None:
        self._said.put_nowait(b"")

    async def read(self) -> bytes:
        return await self._said.get()

    async def feed(self, take: Take) -> bool:
        return await feed_by_reading(self, take)

    def write(self, data: bytes) -> None:
        for line in data.decode().splitlines():
            token, command = re.fullmatch(r"(\d+)(.*)", line).groups()  # type: ignore[union-attr]
            self.asked.append(command)
            answer = self._answers(command) or "^done"
            self.say(*(f"{token}{each}" if each.startswith("^") else each for each in answer.splitlines()), "(gdb) ")

    async def drain(self) -> None:
        pass

    async def aclose(self) -> None:
        self.die()

    async def signal(self, name: str) -> None:
        self.asked.append(f"signal {name}")

    async def look_after(self, pid: int, parent: int | None = None) -> None:
        self.asked.append(f"look after {pid}, a fork of {parent}")

    async def wait(self) -> int:
        return -9


class FakeAgent:
    """Starts the fake debugger, and has a sysroot."""

    letting_go = None

    def __init__(self, debugger: FakeDebugger) -> None:
        self._debugger = debugger
        self.processes: dict[int, Process] = {}
        """What `inspect` finds."""
        self.has_libraries = True

    async def inspect(self, pid: int) -> Inspection:
        return Inspection(self.processes[pid], None, None)

    async def spawn(self, argv: Sequence[str], **options: Any) -> FakeDebugger:
        return self._debugger

    async def write_file(self, name: str, chunks: Iterable[bytes]) -> str:
        return f"/tmp/fake/{name}"

    async def read_file(self, pid: int, path: str | None, offset: int, length: int) -> bytes:
        return b"\x7fELF\x02"[offset : offset + length]

    async def link_libraries(self, pid: int, paths: Sequence[str] = (), **options: Any) -> Libraries:
        if not self.has_libraries:
            raise UserError("can't link the libraries")
        return Libraries("/tmp/fake/sysroot", (), ())
