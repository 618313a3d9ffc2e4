"""MI over bytes, sans-I/O: numbers commands, cuts output into records."""

import itertools
from collections.abc import Iterator

from dapbridge.errors import ProtocolError
from dapbridge.mi.records import Record, parse_record

MAX_LINE_BYTES = 256 * 1024 * 1024


class MiConnection:
    """One debugger's MI conversation."""

    def __init__(self) -> None:
        self._tokens = itertools.count(1)
        self._partial: list[bytes] = []
        self._partial_bytes = 0

    def send(self, command: str) -> tuple[int, bytes]:
        """Number a command (`-operation …`); return its token and the bytes to send."""
        token = next(self._tokens)
        return token, f"{token}{command}\n".encode(errors="surrogateescape")

    def receive_data(self, data: bytes) -> Iterator[Record | ProtocolError]:
        """Take what the debugger wrote at once; iterate to get its whole records, in order.

        Each is parsed when it is asked for, so that none waits for those behind it. A broken line spoils only itself.
        """
        if b"\n" not in data:
            self._keep(data)
            return iter(())
        *lines, rest = data.split(b"\n")
        lines[0] = b"".join([*self._partial, lines[0]])
        self._partial, self._partial_bytes = [], 0
        self._keep(rest)
        return (_parse(line) for line in lines if line)

    def _keep(self, data: bytes) -> None:
        if data:
            self._partial.append(data)
            self._partial_bytes += len(data)
            if self._partial_bytes > MAX_LINE_BYTES:
                raise ProtocolError(f"MI line of over {MAX_LINE_BYTES} bytes")


def _parse(line: bytes) -> Record | ProtocolError:
    try:
        return parse_record(line.rstrip(b"\r").decode(errors="replace"))
    except ProtocolError as error:
        return error
