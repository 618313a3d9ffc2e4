"""DAP's framing (DAP, "Base Protocol"): a header with `Content-Length`, an empty line, a body of that many bytes.

Pure: bytes in, bodies out. Knows nothing of what a body means. A broken header is the end, for nobody can tell where
the next message begins.
"""

from collections.abc import Iterator

from dapbridge.errors import ProtocolError

MAX_HEADER_BYTES = 8 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


def format_frame(body: bytes) -> bytes:
    """Put the header before a body."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


class FrameReader:
    """Cuts a stream of bytes into bodies, however the bytes arrive. Lines that end with LF alone are tolerated."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._header_bytes = 0
        self._body_bytes: int | None = None
        self._in_body = False

    def receive_data(self, data: bytes) -> Iterator[bytes]:
        """Take bytes at once; iterate to get the whole bodies. Raises ProtocolError where the framing breaks."""
        self._buffer += data
        return self._bodies()

    def _bodies(self) -> Iterator[bytes]:
        while self._in_body or self._read_header():
            size = self._body_bytes
            if size is None:
                raise ProtocolError("a header without Content-Length")
            if len(self._buffer) < size:
                return
            body = bytes(self._buffer[:size])
            del self._buffer[:size]
            self._header_bytes, self._body_bytes, self._in_body = 0, None, False
            yield body

    def _read_header(self) -> bool:
        """Consume whole header lines; true once the empty line was among them."""
        while (end := self._buffer.find(b"\n", 0, MAX_HEADER_BYTES)) >= 0:
            line = bytes(self._buffer[:end]).removesuffix(b"\r")
            self._header_bytes += end + 1
            self._check_header_size(self._header_bytes)
            if line:
                self._read_header_line(line)
            del self._buffer[: end + 1]
            if not line:
                self._in_body = True
                return True
        self._check_header_size(self._header_bytes + len(self._buffer))
        return False

    def _check_header_size(self, size: int) -> None:
        if size > MAX_HEADER_BYTES:
            raise ProtocolError(f"a header of more than {MAX_HEADER_BYTES} bytes")

    def _read_header_line(self, line: bytes) -> None:
        name, colon, value = line.partition(b":")
        if not colon:
            raise ProtocolError(f"a header line without a colon: {_shown(line)}")
        if name.strip().lower() != b"content-length":
            return
        digits = value.strip()
        # The length is checked before int(): Python refuses to convert thousands of digits.
        if not digits.isdigit() or len(digits) > len(str(MAX_BODY_BYTES)) or int(digits) > MAX_BODY_BYTES:
            raise ProtocolError(f"Content-Length is not a number of at most {MAX_BODY_BYTES}: {_shown(digits)}")
        if self._body_bytes is not None:
            raise ProtocolError("a header with two Content-Length lines")
        self._body_bytes = int(digits)


def _shown(text: bytes) -> str:
    return repr(text[:80].decode("latin-1"))
