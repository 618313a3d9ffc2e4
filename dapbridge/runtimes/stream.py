"""A Transport over asyncio's streams that surely ends: a socket's, or a process's two pipes."""

import asyncio
import contextlib
import socket
from collections.abc import Iterable
from typing import SupportsIndex

from dapbridge.transport import READ_SIZE, Feeding, StreamTransport, Take

_FLUSH_LIMIT_S = 2.0
_READ_AHEAD_BYTES = 256 * 1024


class EndingStream(StreamTransport):
    """A stream that knows its end, and that waits for no peer when it is closed."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self.ended = False
        """No more will come."""

    async def read(self) -> bytes:
        """See Transport."""
        data = b"" if self.ended else await super().read()
        self.ended = not data
        return data

    async def aclose(self) -> None:
        """End the stream after what was written, and close; a peer that takes nothing is not waited for long."""
        if not self._writer.is_closing():
            # A shutdown counts even where somebody else holds the connection too.
            self._writer.write_eof()
        try:
            async with asyncio.timeout(_FLUSH_LIMIT_S):
                await super().aclose()
        except TimeoutError:
            self._writer.transport.abort()
        finally:
            self.ended = True

    async def feed(self, take: Take) -> bool:
        """See Transport."""
        goes_on = await super().feed(take)
        self.ended = not goes_on
        return goes_on

    async def discard_rest(self) -> None:
        """Take what still comes until the end, so that the peer is never held up by it; another reader does as well."""
        with contextlib.suppress(OSError, RuntimeError):
            while await self._reader.read(1 << 16):
                pass


class SocketStream(EndingStream):
    """A connected socket whose bytes are handed on in the call of the event loop that has read them."""

    def __init__(self, reader: "_FeedingReader", writer: asyncio.StreamWriter) -> None:
        super().__init__(reader, writer)
        self._feeding_reader = reader

    @classmethod
    async def open(cls, connection: socket.socket) -> "SocketStream":
        """Take over a socket; it is closed when that fails."""
        loop = asyncio.get_running_loop()
        try:
            connection.setblocking(False)
            reader = _FeedingReader(_READ_AHEAD_BYTES, loop)
            protocol = asyncio.StreamReaderProtocol(reader, loop=loop)
            transport, _ = await loop.create_connection(lambda: protocol, sock=connection)
        except BaseException:
            connection.close()
            raise
        return cls(reader, asyncio.StreamWriter(transport, protocol, reader, loop))

    async def feed(self, take: Take) -> bool:
        """See Transport."""
        goes_on = not self.ended and await self._feeding_reader.feed(take)
        self.ended = not goes_on
        return goes_on


class _FeedingReader(asyncio.StreamReader):
    def __init__(self, limit: int, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(limit, loop)
        self._unread_bytes = 0
        self._ended = False
        self._feeding: Feeding | None = None

    async def feed(self, take: Take) -> bool:
        while self._unread_bytes:
            if not take(await self.read(READ_SIZE)):
                return True
        if self._ended:
            return False
        self._feeding = Feeding(take)
        return await self._feeding.wait()

    async def read(self, n: int = -1) -> bytes:
        data = await super().read(n)
        self._unread_bytes -= len(data)
        return data

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        piece = bytes(data)  # the very same where it is bytes
        if self._feeding is not None and not self._feeding.is_over:
            self._feeding.receive(piece)
        else:
            self._unread_bytes += len(piece)
            super().feed_data(piece)

    def feed_eof(self) -> None:
        super().feed_eof()
        self._end()

    def set_exception(self, exc: Exception) -> None:
        super().set_exception(exc)
        self._end()

    def _end(self) -> None:
        self._ended = True
        if self._feeding is not None:
            self._feeding.end()
