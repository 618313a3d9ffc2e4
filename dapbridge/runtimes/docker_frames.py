"""Docker's multiplexed stdout and stderr (Engine API, "Attach to a container"), sans I/O.

A frame is a header of 8 bytes (the stream's number, three zeros, the size as a big-endian 32-bit number) and its data.
"""

import struct
from collections.abc import Iterator

from msgspec import Struct

from dapbridge.errors import ProtocolError

_HEADER = struct.Struct(">B3sI")
_STDERR = 2
_STREAMS = (0, 1, _STDERR)


class Output(Struct, frozen=True):
    """The next bytes of a stream: all or part of a frame's."""

    data: bytes
    is_stderr: bool


class FrameDecoder:
    """Takes the stream's bytes as they come; a frame's data is passed on before the frame is whole."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._remaining = 0
        self._is_stderr = False

    def receive_data(self, data: bytes) -> Iterator[Output]:
        """Take the next bytes; yield what they bring, in order. Raises ProtocolError."""
        self._buffer += data
        while self._buffer:
            if self._remaining:
                chunk = bytes(self._buffer[: self._remaining])
                del self._buffer[: len(chunk)]
                self._remaining -= len(chunk)
                yield Output(chunk, self._is_stderr)
            elif len(self._buffer) >= _HEADER.size:
                self._start_frame()
            else:
                return

    def _start_frame(self) -> None:
        stream, zeros, self._remaining = _HEADER.unpack_from(self._buffer)
        if stream not in _STREAMS or any(zeros):
            raise ProtocolError(f"no Docker stream header: {bytes(self._buffer[: _HEADER.size])!r}")
        self._is_stderr = stream == _STDERR
        del self._buffer[: _HEADER.size]
