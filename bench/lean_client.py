"""A DAP client that costs next to nothing: it blocks, checks no schema, and knows one adapter on stdio."""

import os
import select
import subprocess
import tempfile
from collections.abc import Sequence
from time import perf_counter
from types import TracebackType
from typing import Any, Self

import msgspec

JsonObject = dict[str, Any]

LIMIT_S = 120.0
END_LIMIT_S = 10.0
_END_OF_HEADER = b"\r\n\r\n"


class SilentError(RuntimeError):
    """Nothing came from the adapter in time."""


class LeanClient:
    """Starts an adapter and speaks to it until the block ends."""

    def __init__(self, command: Sequence[str]) -> None:
        self.started_at = perf_counter()
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._stderr, bufsize=0
        )
        assert self._process.stdin
        assert self._process.stdout
        self._listen_to(self._process.stdin.fileno(), self._process.stdout.fileno())

    def _listen_to(self, input_: int, output: int) -> None:
        self._input = input_
        self._output = output
        self._poll = select.poll()
        self._poll.register(self._output, select.POLLIN)
        self._buffer = b""
        self._last_seq = 0
        self._responses: dict[int, JsonObject] = {}
        self._events: list[JsonObject] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Close the adapter's stdin and wait for its end. Raises TimeoutExpired for one that had to be killed."""
        assert self._process.stdin
        self._process.stdin.close()
        try:
            self._process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            assert self._process.stdout
            self._process.stdout.close()
            self._stderr.close()

    def send(self, command: str, **arguments: Any) -> int:
        """Send a request; return its seq for `response`."""
        self._last_seq += 1
        message = {"seq": self._last_seq, "type": "request", "command": command, "arguments": arguments}
        body = msgspec.json.encode(message)
        os.write(self._input, b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        return self._last_seq

    def response(self, seq: int) -> JsonObject:
        """Wait for a response; return its body. Whichever response is an error raises RuntimeError."""
        while seq not in self._responses:
            self._take()
        body: JsonObject = self._responses.pop(seq).get("body") or {}
        return body

    def request(self, command: str, **arguments: Any) -> JsonObject:
        """Send a request and wait for its response's body."""
        return self.response(self.send(command, **arguments))

    def event(self, name: str, silence_s: float = LIMIT_S) -> JsonObject:
        """Take the oldest event of that name, waiting for it; return its body.

        Raises SilentError once nothing at all has come for `silence_s`.
        """
        while (found := next((each for each in self._events if each["event"] == name), None)) is None:
            self._take(silence_s)
        self._events.remove(found)
        body: JsonObject = found.get("body") or {}
        return body

    def _take(self, silence_s: float = LIMIT_S) -> None:
        message = self._read_message(silence_s)
        if message["type"] == "response":
            if not message["success"]:
                raise RuntimeError(f"'{message['command']}' failed: {message}")
            self._responses[message["request_seq"]] = message
        else:
            self._events.append(message)

    def _read_message(self, silence_s: float) -> JsonObject:
        while (end := self._buffer.find(_END_OF_HEADER)) < 0:
            self._read(silence_s)
        length = int(self._buffer[:end].lower().split(b"content-length:")[1].split(b"\r\n")[0])
        start = end + len(_END_OF_HEADER)
        while len(self._buffer) < start + length:
            self._read(silence_s)
        body, self._buffer = self._buffer[start : start + length], self._buffer[start + length :]
        message: JsonObject = msgspec.json.decode(body)
        return message

    def _read(self, silence_s: float) -> None:
        if not self._poll.poll(silence_s * 1000):
            raise SilentError(f"nothing came for {silence_s:g} s; {self._last_words()}")
        data = os.read(self._output, 1 << 16)
        if not data:
            raise RuntimeError(f"the adapter has closed its stdout; {self._last_words()}")
        self._buffer += data

    def _last_words(self) -> str:
        self._stderr.seek(0)
        return f"stderr: {self._stderr.read().decode(errors='replace')[-2000:]}"
