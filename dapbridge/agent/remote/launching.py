"""Starts a program with its stdin, stdout and stderr on pipes; needs nothing else, so it can be done first of all."""

from __future__ import annotations

import os
import signal

_DEFAULT_SIGNALS = (signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM)


class Launched:
    """A program in a process group of its own, and our ends of its pipes, which don't block."""

    def __init__(self, argv: list[str], env: dict[str, str]) -> None:
        """Start it. Raises OSError."""
        self.argv = argv
        self.env = env
        theirs, self.stdin = os.pipe2(os.O_CLOEXEC)
        self.stdout, theirs_out = os.pipe2(os.O_CLOEXEC)
        self.stderr, theirs_err = os.pipe2(os.O_CLOEXEC)
        actions = [(os.POSIX_SPAWN_DUP2, fd, number) for number, fd in enumerate((theirs, theirs_out, theirs_err))]
        try:
            self.pid = os.posix_spawnp(
                argv[0], argv, env, file_actions=actions, setpgroup=0, setsigmask=(), setsigdef=_DEFAULT_SIGNALS
            )
        except OSError:
            self.close()
            raise
        finally:
            for fd in (theirs, theirs_out, theirs_err):
                os.close(fd)
        for fd in (self.stdin, self.stdout, self.stderr):
            os.set_blocking(fd, False)

    def kill(self) -> None:
        """Kill it with all that it has started in its group; it has still to be waited for."""
        os.killpg(self.pid, signal.SIGKILL)

    def close(self) -> None:
        """Close our ends of the pipes."""
        for fd in (self.stdin, self.stdout, self.stderr):
            os.close(fd)
