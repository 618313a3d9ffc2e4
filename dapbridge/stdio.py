"""The process's stdin and stdout as one asyncio transport, whatever they are: pipes, sockets, terminals or files.

asyncio's own pipe transports refuse files, fail on /dev/null, and take one socket for both directions as closed.
"""

import asyncio
import os
import sys
from collections import deque
from contextlib import suppress

_READ_BYTES = 256 * 1024


def take_stdio() -> tuple[int, int]:
    """Return descriptors of the client's stdin and stdout, taken from the rest of the process.

    From now on `print`, C libraries and child processes write to stderr, and read nothing from stdin.
    """
    sys.stdout.flush()
    read_fd, write_fd = os.dup(0), os.dup(1)
    null = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null, 0)
    os.close(null)
    os.dup2(2, 1)
    return read_fd, write_fd


class StdioTransport(asyncio.Transport):
    """Reads one descriptor, writes another, and closes both."""

    def __init__(self, protocol: asyncio.Protocol, read_fd: int, write_fd: int) -> None:
        super().__init__()
        self._protocol = protocol
        self._read_fd = read_fd
        self._write_fd = write_fd
        self._loop = asyncio.get_running_loop()
        self._unsent: deque[memoryview] = deque()
        self._unsent_bytes = 0
        self._max_unsent_bytes = 64 * 1024
        self._writing_paused = False
        self._reading = False
        self._closing = False
        self._lost = False
        # The flag belongs to the open file, which others (a shell on the same terminal) share: put back at the end.
        self._were_blocking = {fd: os.get_blocking(fd) for fd in (read_fd, write_fd)}
        for fd in self._were_blocking:
            os.set_blocking(fd, False)
        protocol.connection_made(self)
        self._start_reading()

    def is_closing(self) -> bool:
        return self._closing

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Set how many bytes may be unsent before the protocol's `pause_writing` is called; `low` isn't used."""
        if high is not None:
            self._max_unsent_bytes = high

    def get_write_buffer_size(self) -> int:
        return self._unsent_bytes

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing:
            return
        rest = memoryview(data)
        if not self._unsent:
            rest = rest[self._write_some(rest) :]
            if not rest or self._lost:
                return
            self._loop.add_writer(self._write_fd, self._flush)
        self._unsent.append(rest)
        self._unsent_bytes += len(rest)
        if self._unsent_bytes > self._max_unsent_bytes and not self._writing_paused:
            self._writing_paused = True
            self._protocol.pause_writing()

    def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        self._stop_reading()
        if not self._unsent:
            self._lose(None)

    def abort(self) -> None:
        self._lose(None)

    def _start_reading(self) -> None:
        try:
            self._loop.add_reader(self._read_fd, self._read)
        except PermissionError:
            # epoll knows no files: they are always ready.
            self._loop.call_soon(self._read_file)
        self._reading = True

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._read_fd)

    def _read_file(self) -> None:
        if self._reading:
            self._read()
            self._loop.call_soon(self._read_file)

    def _read(self) -> None:
        try:
            data = os.read(self._read_fd, _READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose(error)
            return
        if data:
            self._protocol.data_received(data)
        else:
            self._stop_reading()
            self._protocol.eof_received()

    def _write_some(self, data: memoryview) -> int:
        try:
            return os.write(self._write_fd, data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._lose(error)
            return 0

    def _flush(self) -> None:
        while self._unsent:
            sent = self._write_some(self._unsent[0])
            if self._lost:
                return
            self._unsent_bytes -= sent
            if self._writing_paused and self._unsent_bytes <= self._max_unsent_bytes // 4:
                self._writing_paused = False
                self._protocol.resume_writing()
            if sent < len(self._unsent[0]):
                self._unsent[0] = self._unsent[0][sent:]
                return
            self._unsent.popleft()
        self._loop.remove_writer(self._write_fd)
        if self._closing:
            self._lose(None)

    def _lose(self, error: Exception | None) -> None:
        if self._lost:
            return
        self._lost = self._closing = True
        self._stop_reading()
        self._loop.remove_writer(self._write_fd)
        self._unsent.clear()
        self._unsent_bytes = 0
        for fd, was_blocking in self._were_blocking.items():
            with suppress(OSError):
                os.set_blocking(fd, was_blocking)
            os.close(fd)
        # Not at once: the protocol may be in the middle of a call to this transport.
        self._loop.call_soon(self._protocol.connection_lost, error)
