"""Async bytes: the one interface between protocols and whatever carries their bytes.

Knows nothing of what the bytes mean.
"""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

READ_SIZE = 1 << 16

Take = Callable[[bytes], bool]
"""Takes the next bytes of a stream; returns whether more is wanted now."""


class Transport(Protocol):
    """A two-way stream of bytes."""

    async def read(self) -> bytes:
        """Return the next bytes, at least one; b"" at the end of the stream, which a broken peer is too."""
        ...

    async def feed(self, take: Take) -> bool:
        """Have `take` called with all that comes, where it can be in the very call that brings it.

        Returns True once `take` wants no more for now, False at the end of the stream. Raises whatever `take` raises.
        """
        ...

    def write(self, data: bytes) -> None:
        """Queue bytes for sending at once, without waiting; ignored after the stream's end."""
        ...

    async def drain(self) -> None:
        """Wait until what was written is below the high-water mark; returns at once after the stream's end."""
        ...

    async def aclose(self) -> None:
        """End both directions and free what holds them. May be called twice."""
        ...


class StreamTransport:
    """A transport over asyncio's streams, e.g. of a socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def read(self) -> bytes:
        """See Transport."""
        try:
            return await self._reader.read(READ_SIZE)
        except OSError:
            return b""

    async def feed(self, take: Take) -> bool:
        """See Transport."""
        return await feed_by_reading(self, take)

    def write(self, data: bytes) -> None:
        """See Transport."""
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """See Transport."""
        with contextlib.suppress(OSError):
            await self._writer.drain()

    async def aclose(self) -> None:
        """See Transport."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()


class _Readable(Protocol):
    async def read(self) -> bytes: ...


async def feed_by_reading(transport: _Readable, take: Take) -> bool:
    """Be the `feed` of a transport that can only `read`."""
    while data := await transport.read():
        if not take(data):
            return True
    return False


class Feeding:
    """A `Transport.feed` that waits for what comes.

    A task that is woken by what has come costs a turn of the event loop, which is some hundredths of a millisecond each
    way for each stream that is inside another one.
    """

    def __init__(self, take: Take) -> None:
        self._take = take
        self._goes_on: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    @property
    def is_over(self) -> bool:
        return self._goes_on.done()

    async def wait(self) -> bool:
        """See Transport.feed."""
        return await self._goes_on

    def receive(self, data: bytes) -> None:
        """Hand on what came: none after the end of the stream, and none when it `is_over`."""
        try:
            if not self._take(data) and not self.is_over:
                self._goes_on.set_result(True)
        except Exception as error:  # noqa: BLE001 - it is raised where it belongs, in the task that feeds
            if not self.is_over:
                self._goes_on.set_exception(error)

    def end(self) -> None:
        """Note the end of the stream."""
        if not self.is_over:
            self._goes_on.set_result(False)
