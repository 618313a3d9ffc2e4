"""Async bytes: the one interface between protocols and whatever carries their bytes.

Knows nothing of what the bytes mean.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
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


class SubprocessTransport:
    """A transport to a child process's stdin and stdout; its stderr is ours."""

    def __init__(self, process: asyncio.subprocess.Process, grace_s: float) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self.process = process
        self._stdin = process.stdin
        self._stdout = process.stdout
        self._grace_s = grace_s

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, env: Mapping[str, str] | None = None, grace_s: float = 20.0
    ) -> "SubprocessTransport":
        """Start the process. grace_s: how long it may take to end after its stdin did. Raises OSError."""
        pipe = asyncio.subprocess.PIPE
        return cls(await asyncio.create_subprocess_exec(*argv, stdin=pipe, stdout=pipe, env=env), grace_s)

    async def read(self) -> bytes:
        """See Transport."""
        try:
            return await self._stdout.read(READ_SIZE)
        except OSError:
            return b""

    def write(self, data: bytes) -> None:
        """See Transport."""
        if not self._stdin.is_closing():
            self._stdin.write(data)

    async def drain(self) -> None:
        """See Transport."""
        with contextlib.suppress(OSError):
            await self._stdin.drain()

    async def aclose(self) -> None:
        """Close the process's stdin and wait until it has ended; it is killed if it has not in time."""
        self._stdin.close()
        try:
            async with asyncio.timeout(self._grace_s):
                while await self.read():  # it may have more to say than the pipe takes
                    pass
                await self.process.wait()
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
