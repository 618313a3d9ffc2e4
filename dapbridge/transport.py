"""Async bytes: the one interface between protocols and whatever carries their bytes.

Knows nothing of what the bytes mean.
"""

from typing import Protocol


class Transport(Protocol):
    """A two-way stream of bytes."""

    async def read(self) -> bytes:
        """Return the next bytes, at least one; b"" at the end of the stream. Never raises at a broken peer: that is an end."""
        ...

    def write(self, data: bytes) -> None:
        """Queue bytes for sending at once, without waiting; ignored after the stream's end."""
        ...

    async def drain(self) -> None:
        """Wait until what was written is below the transport's high-water mark; returns at once after the stream's end."""
        ...

    async def aclose(self) -> None:
        """End both directions and free what holds them. May be called twice."""
        ...
