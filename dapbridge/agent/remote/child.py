"""A child of the agent: a debugger with its stdin and stdout on a channel, and its stderr in the log."""

from __future__ import annotations

import os

from dapbridge.agent.frames import MAX_CHUNK
from dapbridge.agent.remote.loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dapbridge.agent.remote.connection import Connection
    from dapbridge.agent.remote.launching import Launched
    from dapbridge.agent.remote.loop import Loop
    from dapbridge.agent.remote.stream import Stream

_MAX_LINE = 4096


class Child:
    """One child; `number` is its channel, `status` its exit code (or minus the signal that ended it) once it has ended.

    `discards` is set at the end: a debugger whose output nobody takes would hang instead of letting go. `connections`
    are those to what it serves.
    """

    def __init__(self, number: int, launched: Launched, stream: Stream, loop: Loop) -> None:
        self.number = number
        self.name = os.path.basename(launched.argv[0])
        self.pid = launched.pid
        self.status: int | None = None
        self.discards = False
        self.connections: list[Connection] = []
        self._stream = stream
        self._loop = loop
        self._to_write = bytearray()
        self._is_closing = False
        self._line = b""
        self._stdin, self._stdout, self._stderr = launched.stdin, launched.stdout, launched.stderr
        loop.watch(self._stdout, READ, self._read_stdout)
        loop.watch(self._stderr, READ, self._read_stderr)

    def receive(self, data: bytes | None) -> None:
        """Write to its stdin, or close that (None) after what is still to be written."""
        if self._stdin < 0:
            self._stream.channels.consume(self.number, len(data or b""))
        elif data is None:
            self._is_closing = True
            self._write_stdin()
        else:
            self._to_write += data
            self._write_stdin()

    def close_stdin(self) -> None:
        """Close its stdin now, dropping what it has not taken."""
        if self._stdin >= 0:
            self._loop.unwatch(self._stdin)
            os.close(self._stdin)
            self._stdin = -1

    def say_farewell(self) -> bool:
        """Say it on the connections to it; return whether there was any."""
        said = [each.say_farewell() for each in self.connections]
        return any(said)

    def hang_up(self) -> None:
        """End the connections to it."""
        for each in self.connections:
            each.close()

    def send_signal(self, number: int) -> None:
        """Signal it; ignored once it has ended."""
        if self.status is None:
            os.kill(self.pid, number)

    def take_credit(self) -> None:
        """Go on reading what it says if the host has room for it (or what has none may be lost); else let it wait."""
        if self._stdout >= 0:
            has_room = self.discards or self._stream.channels.room(self.number) > 0
            self._loop.watch(self._stdout, READ if has_room else 0, self._read_stdout)
        for each in self.connections:
            each.take_credit()

    def _write_stdin(self) -> None:
        try:
            while self._to_write:
                written = os.write(self._stdin, self._to_write[:MAX_CHUNK])
                del self._to_write[:written]
                self._stream.channels.consume(self.number, written)
        except BlockingIOError:
            self._loop.watch(self._stdin, WRITE, self._write_stdin)
            return
        except OSError:  # it closed its end, or is dead
            self._is_closing = True
        self._loop.unwatch(self._stdin)
        if self._is_closing:
            self.close_stdin()

    def _read_stdout(self) -> None:
        channels = self._stream.channels
        room = channels.room(self.number)
        try:
            data = os.read(self._stdout, min(MAX_CHUNK, room or MAX_CHUNK))
        except BlockingIOError:
            return
        if data:
            if room:
                channels.send(self.number, data)
            return
        self._loop.unwatch(self._stdout)
        os.close(self._stdout)
        self._stdout = -1
        channels.close(self.number)

    def _read_stderr(self) -> None:
        try:
            data = os.read(self._stderr, _MAX_LINE)
        except BlockingIOError:
            return
        *lines, self._line = (self._line + data).split(b"\n")
        if len(self._line) > _MAX_LINE or not data:
            lines.append(self._line)
            self._line = b""
        for line in filter(None, lines):
            self._stream.log(f"{self.name} stderr: {line.decode('utf-8', 'backslashreplace')}")
        if not data:
            self._loop.unwatch(self._stderr)
            os.close(self._stderr)
