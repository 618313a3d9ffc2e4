"""Channels over one byte stream, sans I/O; the host and the agent run this same file, which knows nothing of either.

Theory of operation: every frame is `kind, channel, length` and a payload. Channel 0 is control: each of its DATA
frames is one whole message, goes out before anything else and needs no credit, so that an interrupt or a ping never
waits. On any other channel a side may send WINDOW bytes more than its peer has consumed (CREDIT hands the consumed
ones back), and the channels with something to send take turns, one chunk each. So neither side ever holds more than a
window a channel, and a flood on one of them delays the others by a chunk.
"""

from __future__ import annotations

import struct
from collections import deque

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

CONTROL = 0
LOG = 1
FIRST_FREE = 2
"""The host numbers the channels that it opens from here, never using a number twice."""

WINDOW = 1 << 20
MAX_CHUNK = 1 << 16
MAX_CONTROL = 1 << 24

DATA, CREDIT, CLOSE = range(3)
_HEADER = struct.Struct("!BII")
_COUNT = struct.Struct("!I")


class FrameError(Exception):
    """The peer's bytes are no valid frames, or break the credit rule; the stream can't be used any more."""


class _Channel:
    __slots__ = ("allowance", "close_received", "close_sent", "closing", "consumed", "credit", "queue", "queued")

    def __init__(self) -> None:
        self.credit = WINDOW
        self.allowance = WINDOW
        self.consumed = 0
        self.queue: deque[bytes] = deque()
        self.queued = 0
        self.closing = False
        self.close_sent = False
        self.close_received = False


class Channels:
    """One side of the stream."""

    def __init__(self) -> None:
        self._channels: dict[int, _Channel] = {}
        self._turns: list[int] = []
        self._urgent: list[bytes] = []
        self._buffer = bytearray()

    def open(self, channel: int) -> None:
        """Make the channel usable in both directions; the peer must do the same, told so by a control message.

        It is free again when both sides have closed it. What comes on a channel that isn't open is ignored.
        """
        if channel == CONTROL or channel in self._channels:
            raise ValueError(f"channel {channel} is open already")
        self._channels[channel] = _Channel()

    def receive_data(self, data: bytes) -> Iterator[tuple[int, bytes | None]]:
        """Take bytes from the peer; iterate over what they complete as (channel, payload).

        Payload None: the peer closed the channel. Raises FrameError. A control message may open the channel that the
        next frame comes on: each event has to be handled before the next one is asked for.
        """
        buffer = self._buffer
        buffer += data
        start = 0
        try:
            while len(buffer) - start >= _HEADER.size:
                kind, channel, length = _HEADER.unpack_from(buffer, start)
                self._check(kind, channel, length)
                end = start + _HEADER.size + length
                if len(buffer) < end:
                    break
                payload = bytes(memoryview(buffer)[start + _HEADER.size : end])
                start = end
                if channel == CONTROL:
                    yield channel, payload
                elif channel in self._channels:
                    yield from self._take(kind, channel, payload)
        finally:
            del buffer[:start]

    def send_control(self, message: bytes) -> None:
        """Queue one control message."""
        if len(message) > MAX_CONTROL:
            raise ValueError(f"a control message of {len(message)} bytes is longer than {MAX_CONTROL}")
        self._urgent.append(_HEADER.pack(DATA, CONTROL, len(message)) + message)

    def send(self, channel: int, data: bytes) -> None:
        """Queue bytes; they go out as the peer's credit allows. Ignored on a channel that isn't open (any more)."""
        state = self._channels.get(channel)
        if state is None or state.closing or not data:
            return
        if len(data) <= MAX_CHUNK:
            state.queue.append(data)
        else:
            state.queue.extend(data[start : start + MAX_CHUNK] for start in range(0, len(data), MAX_CHUNK))
        state.queued += len(data)
        self._take_turn(channel, state)

    def close(self, channel: int) -> None:
        """Tell the peer, after all that is queued, that nothing more comes on this channel."""
        state = self._channels.get(channel)
        if state is not None and not state.closing:
            state.closing = True
            self._take_turn(channel, state)

    def consume(self, channel: int, size: int) -> None:
        """Note that `size` received bytes are off our hands, so that the peer may send as many more."""
        state = self._channels.get(channel)
        if state is None:
            return
        state.consumed += size
        # A credit for each small read would double the frames; a quarter of the window keeps the peer from ever
        # waiting.
        if state.consumed >= WINDOW // 4:
            self._urgent.append(_HEADER.pack(CREDIT, channel, _COUNT.size) + _COUNT.pack(state.consumed))
            state.allowance += state.consumed
            state.consumed = 0

    def room(self, channel: int) -> int:
        """Return how many bytes may be queued before they'd wait for credit; 0 for a channel that isn't open."""
        state = self._channels.get(channel)
        return max(0, state.credit - state.queued) if state is not None else 0

    def has_unsent(self) -> bool:
        """Say whether anything is queued, be it for want of credit."""
        return bool(self._urgent or self._turns or any(state.queued for state in self._channels.values()))

    def data_to_send(self) -> bytes:
        """Return the next bytes for the peer, b"" for none now: all that is urgent, then one chunk of each channel."""
        frames, self._urgent = self._urgent, []
        for channel in self._turns[:]:
            self._next_frames(channel, self._channels[channel], frames)
        return b"".join(frames) if len(frames) != 1 else frames[0]

    def _next_frames(self, channel: int, state: _Channel, frames: list[bytes]) -> None:
        size = min(state.credit, state.queued, MAX_CHUNK)
        if size:
            chunk = _take_front(state.queue, size)
            state.queued -= size
            state.credit -= size
            frames.append(_HEADER.pack(DATA, channel, size) + chunk)
        if state.closing and not state.queued:
            frames.append(_HEADER.pack(CLOSE, channel, 0))
            state.close_sent = True
            self._free_if_closed(channel, state)
        if not state.queued or not state.credit:
            self._turns.remove(channel)

    def _free_if_closed(self, channel: int, state: _Channel) -> None:
        if state.close_sent and state.close_received:
            del self._channels[channel]

    def _take_turn(self, channel: int, state: _Channel) -> None:
        can_send = state.credit > 0 if state.queued else state.closing and not state.close_sent
        if can_send and channel not in self._turns:
            self._turns.append(channel)

    def _check(self, kind: int, channel: int, length: int) -> None:
        if kind > CLOSE or (kind != DATA and channel == CONTROL):
            raise FrameError(f"no frame of kind {kind} can come on channel {channel}")
        if kind == DATA:
            valid = length <= (MAX_CONTROL if channel == CONTROL else MAX_CHUNK)
        else:
            valid = length == (_COUNT.size if kind == CREDIT else 0)
        if not valid:
            raise FrameError(f"a frame of kind {kind} on channel {channel} can't have {length} bytes")

    def _take(self, kind: int, channel: int, payload: bytes) -> Iterator[tuple[int, bytes | None]]:
        state = self._channels[channel]
        if kind == CREDIT:
            state.credit += _COUNT.unpack(payload)[0]
            if state.credit > WINDOW:
                raise FrameError(f"channel {channel} got credit for {state.credit - WINDOW} bytes that it had not sent")
            self._take_turn(channel, state)
        elif state.close_received:
            raise FrameError(f"channel {channel} was closed, and more came")
        elif kind == DATA:
            state.allowance -= len(payload)
            if state.allowance < 0:
                raise FrameError(f"channel {channel} got {-state.allowance} bytes more than its credit")
            yield channel, payload
        else:
            state.close_received = True
            self._free_if_closed(channel, state)
            yield channel, None


def _take_front(queue: deque[bytes], size: int) -> bytes:
    """Take the first `size` bytes off a queue that holds at least as many."""
    if len(queue[0]) == size:
        return queue.popleft()
    taken: list[bytes] = []
    while size:
        piece = queue.popleft()
        if len(piece) > size:
            queue.appendleft(piece[size:])
            piece = piece[:size]
        taken.append(piece)
        size -= len(piece)
    return b"".join(taken)
