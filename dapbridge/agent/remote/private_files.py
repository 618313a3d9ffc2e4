"""Files of the agent's own: a private directory for the shadow sysroots and for what the host sends."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class PrivateFiles:
    """A directory for this agent alone, made when it is first needed and removed at the end."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._remove: Callable[[str, bool], None]

    def directory(self, name: str) -> str:
        """Return the directory of that name in it, made if need be. Raises OSError."""
        if self._path is None:
            path = f"{os.environ.get('TMPDIR') or '/tmp'}/dapbridge-{os.urandom(8).hex()}"
            # Here, not at the top, since it takes its time; and not at the end, when nothing may be in the way.
            from shutil import rmtree

            self._remove = rmtree
            os.mkdir(path, 0o700)
            self._path = path
        path = f"{self._path}/{name}"
        os.makedirs(path, mode=0o700, exist_ok=True)
        return path

    def remove(self) -> None:
        if self._path is not None:
            self._remove(self._path, True)
            self._path = None


class Writing:
    """A file that the host sends over a channel; calls back with the error, or None, when it is whole."""

    def __init__(self, path: str, consume: Callable[[int], None], done: Callable[[OSError | None], None]) -> None:
        """Raises OSError."""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        self._consume = consume
        self._done = done
        self._error: OSError | None = None

    def receive(self, data: bytes | None) -> None:
        """Append `data`; None ends the file. What comes after an error is dropped, so that the host gets to its end."""
        if data is None:
            os.close(self._fd)
            self._done(self._error)
            return
        rest = memoryview(data)
        while rest and self._error is None:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except OSError as error:
                self._error = error
        self._consume(len(data))
