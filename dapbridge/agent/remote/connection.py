"""A connection to a server beside the agent, such as a debugger's: both its directions on a channel."""

from __future__ import annotations

from dapbridge.agent.frames import MAX_CHUNK
from dapbridge.agent.remote.loop import READ, WRITE

TYPE_CHECKING = False
if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from dapbridge.agent.remote.loop import Loop
    from dapbridge.agent.remote.stream import Stream

_CONNECT_LIMIT_S = 5.0


class Connection:
    """One connection; `number` is its channel. What the host sends is written in order, its end ends that direction.

    `farewell` is what the peer is told at the agent's end, whatever that comes from.
    """

    def __init__(self, number: int, address: str, stream: Stream, loop: Loop) -> None:
        """Connect to "unix:PATH" or "HOST:PORT". Raises OSError."""
        self.number = number
        self.farewell = b""
        self._at_cue: tuple[Cue, Callable[[], None]] | None = None
        self._stream = stream
        self._loop = loop
        self._socket = _connect(address)
        self._to_write = bytearray()
        self._is_ending = False
        self._can_read = True
        self._discards = False
        self._watch()

    @property
    def is_open(self) -> bool:
        return self._socket.fileno() >= 0

    def receive(self, data: bytes | None) -> None:
        """Send to the peer, or end that direction (None) after what is still to be sent."""
        if not self.is_open:
            self._stream.channels.consume(self.number, len(data or b""))
            return
        if data is None:
            self._is_ending = True
        else:
            self._to_write += data
        self._turn()

    def call_at(self, cue: bytes, callback: Callable[[], None]) -> None:
        """Call back whenever the peer says `cue`, before the host hears it."""
        self._at_cue = Cue(cue), callback

    def take_credit(self) -> None:
        """Go on reading if the host has room for it; else let the peer wait."""
        if self.is_open:
            self._watch()

    def close(self) -> None:
        """End both directions now, dropping what has not been sent."""
        if self.is_open:
            self._loop.unwatch(self._socket.fileno())
            self._socket.close()
            self._stream.channels.close(self.number)

    def say_farewell(self) -> bool:
        """Say it, if there is any; what the peer says from now on is dropped."""
        self._discards = True
        self.receive(self.farewell)
        return self.is_open and bool(self.farewell)

    def take_leave(self) -> None:
        """Say farewell and end our direction; all is over when the peer ends its own."""
        self.say_farewell()
        self.receive(None)

    def _turn(self) -> None:
        try:
            self._write()
            self._read()
        except OSError:  # the peer is gone
            self.close()
        if self.is_open:
            self._watch()

    def _write(self) -> None:
        try:
            while self._to_write:
                written = self._socket.send(self._to_write[:MAX_CHUNK])
                del self._to_write[:written]
                self._stream.channels.consume(self.number, written)
        except BlockingIOError:
            return
        if self._is_ending:
            self._socket.shutdown(1)  # SHUT_WR
            self._is_ending = False

    def _read(self) -> None:
        room = MAX_CHUNK if self._discards else self._stream.channels.room(self.number)
        if not self._can_read or not room:
            return
        try:
            data = self._socket.recv(min(MAX_CHUNK, room))
        except BlockingIOError:
            return
        if not data:
            self._can_read = False
            self._stream.channels.close(self.number)
            if self._discards:
                self.close()
        elif not self._discards:
            if self._at_cue is not None and self._at_cue[0].is_in(data):
                self._at_cue[1]()
            self._stream.channels.send(self.number, data)

    def _watch(self) -> None:
        has_room = self._can_read and (self._discards or self._stream.channels.room(self.number) > 0)
        self._loop.watch(
            self._socket.fileno(), (READ if has_room else 0) | (WRITE if self._to_write else 0), self._turn
        )


class Cue:
    """Bytes that the peer may say, in however many pieces."""

    def __init__(self, cue: bytes) -> None:
        self._cue = cue
        self._rest = b""

    def is_in(self, data: bytes) -> bool:
        """Take what the peer says next; tell whether it has come to the cue."""
        data = self._rest + data
        self._rest = data[max(0, len(data) - len(self._cue) + 1) :]
        return self._cue in data


def _connect(address: str) -> socket.socket:
    import socket

    if address.startswith("unix:"):
        connected = socket.socket(socket.AF_UNIX)
        try:
            connected.connect(address.removeprefix("unix:"))
        except OSError:
            connected.close()
            raise
    else:
        host, _, port = address.rpartition(":")
        connected = socket.create_connection((host.strip("[]"), int(port)), timeout=_CONNECT_LIMIT_S)
        connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    connected.setblocking(False)
    return connected
