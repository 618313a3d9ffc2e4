"""Async bytes: the one interface between protocols and whatever carries their bytes.

Knows nothing of what the bytes mean.
"""

import asyncio
import contextlib
from typing import Protocol

READ_SIZE = 1 << 16


class Transport(Protocol):
    """A two-way stream of bytes."""

    async def read(self) -> bytes:
        """Return the next bytes, at least one; b"" at the end of the stream, which a broken peer is too."""
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
