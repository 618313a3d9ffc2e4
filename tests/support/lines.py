"""What a target prints: a thread reads it to its end, tests wait for newer lines."""

import asyncio
import threading
from collections.abc import Iterable


class Lines:
    """The lines of an output from now on; `chunks` blocks for more and ends with the output."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self.all: list[str] = []
        self._chunks = chunks
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()
        self._ended = False
        self._reader = threading.Thread(target=self._read, name="target-output", daemon=True)
        self._reader.start()

    async def wait_for(self, prefix: str, count: int = 1) -> None:
        """Wait until `count` lines that start with `prefix` have come from now on.

        Raises AssertionError if the output ends first.
        """
        seen = len(self.all)
        while sum(line.startswith(prefix) for line in self.all[seen:]) < count:
            assert not self._ended, f"the target's output has ended; its last lines: {self.all[-10:]}"
            await self._changed.wait()

    async def aclose(self, limit_s: float = 10) -> None:
        """Wait for the reader, whose output has been ended by now."""
        await asyncio.to_thread(self._reader.join, limit_s)

    def _read(self) -> None:
        rest = b""
        for chunk in self._chunks:
            *whole, rest = (rest + chunk).split(b"\n")
            self._loop.call_soon_threadsafe(self._take, [line.decode(errors="replace") for line in whole], False)
        self._loop.call_soon_threadsafe(self._take, [], True)

    def _take(self, lines: list[str], ended: bool) -> None:
        self.all += lines
        self._ended = ended
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
