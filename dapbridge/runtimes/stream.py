"""A Transport over asyncio's streams that surely ends: a socket's, or a process's two pipes."""

import asyncio
import contextlib

from dapbridge.transport import StreamTransport

_FLUSH_LIMIT_S = 2.0


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

    async def discard_rest(self) -> None:
        """Take what still comes until the end, so that the peer is never held up by it; another reader does as well."""
        with contextlib.suppress(OSError, RuntimeError):
            while await self._reader.read(1 << 16):
                pass
