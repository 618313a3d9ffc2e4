"""A Transport over asyncio's streams: a socket's or a process's two pipes."""

import asyncio
import logging

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024
_FLUSH_LIMIT_S = 2.0


class AsyncioStream:
    """A two-way stream of bytes; a broken one has ended."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.ended = False
        """No more will come."""

    async def read(self) -> bytes:
        """Return the next bytes; b"" at the end."""
        if self.ended:
            return b""
        try:
            data = await self._reader.read(_CHUNK_BYTES)
        except OSError as error:
            _log.debug("stream broke: %s", error)
            data = b""
        self.ended = not data
        return data

    def write(self, data: bytes) -> None:
        """Queue bytes."""
        if not self._writer.is_closing():
            self._writer.write(data)

    async def drain(self) -> None:
        """Wait until the queue is short enough."""
        try:
            await self._writer.drain()
        except OSError as error:
            _log.debug("stream broke: %s", error)

    async def aclose(self) -> None:
        """End the stream after what was written, and close; a peer that takes nothing is not waited for long."""
        if not self._writer.is_closing():
            # A shutdown, which counts even where somebody else holds the connection too.
            self._writer.write_eof()
            self._writer.close()
        try:
            async with asyncio.timeout(_FLUSH_LIMIT_S):
                await self._writer.wait_closed()
        except TimeoutError:
            self._writer.transport.abort()
        except OSError as error:
            _log.debug("stream broke: %s", error)
        finally:
            self.ended = True
