"""Text to a stream of this process by a thread: a reader that stalls must not keep a target standing."""

import os
import queue
import threading

MAX_WAITING = 10_000
"""Texts; whoever writes more waits."""


class Outlet:
    """Writes to a descriptor, in order, what it is given."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._waiting: queue.Queue[str | None] = queue.Queue(MAX_WAITING)
        self._thread = threading.Thread(target=self._run, name="outlet", daemon=True)
        self._thread.start()

    def write(self, text: str) -> None:
        """Write soon."""
        self._waiting.put(text)

    def close(self, limit_s: float = 10) -> None:
        """Wait until all is written, but not for ever."""
        self._waiting.put(None)
        self._thread.join(limit_s)

    def _run(self) -> None:
        broken = False
        while (text := self._waiting.get()) is not None:
            data = text.encode(errors="backslashreplace")
            while data and not broken:
                try:
                    data = data[os.write(self._fd, data) :]
                except OSError:
                    # Nobody reads it any more: the run itself goes on.
                    broken = True
