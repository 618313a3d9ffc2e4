"""The agent's end of the one stream to the host: non-blocking descriptors around the channels."""

from __future__ import annotations

import json
import os

from dapbridge.agent.frames import LOG, Channels

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_READ_SIZE = 1 << 16


class Stream:
    """Takes over stdin and stdout, so that no child inherits them and no stray print gets between the frames."""

    def __init__(self) -> None:
        self.channels = Channels()
        self.channels.open(LOG)
        self.input, self.output = os.dup(0), os.dup(1)
        null = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
        for fd in (0, 1):
            os.dup2(null, fd)
        os.close(null)
        os.set_blocking(self.input, False)
        os.set_blocking(self.output, False)
        self.is_broken = False
        self._unsent = b""
        self._dropped_logs = 0

    def read(self) -> bytes | None:
        """Return what has come: b"" at the end of the stream, None for nothing yet."""
        try:
            return os.read(self.input, _READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def flush(self) -> bool:
        """Send all that the host takes now; return False if it has to be tried again when the output is writable."""
        while not self.is_broken:
            if not self._unsent:
                self._unsent = self.channels.data_to_send()
                if not self._unsent:
                    return True
            try:
                self._unsent = self._unsent[os.write(self.output, self._unsent) :]
            except BlockingIOError:
                return False
            except OSError:
                self.is_broken = True
        return True

    def has_unsent(self) -> bool:
        return not self.is_broken and bool(self._unsent or self.channels.has_unsent())

    def send(self, **message: Any) -> None:
        """Queue a control message."""
        self.channels.send_control(json.dumps(message).encode())

    def log(self, text: str) -> None:
        """Queue a line for the host's log; dropped, and counted, while the host takes none."""
        line = text.encode("utf-8", "backslashreplace") + b"\n"
        if self._dropped_logs:
            line = b"(%d lines dropped)\n" % self._dropped_logs + line
        if len(line) > self.channels.room(LOG):
            self._dropped_logs += 1
            return
        self._dropped_logs = 0
        self.channels.send(LOG, line)
