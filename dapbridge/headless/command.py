"""COMMAND, what runs while the targets are watched: its output passed through, its signals and its exit code."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress

from dapbridge.errors import UserError
from dapbridge.headless import exit_codes

_LAST_OUTPUT_S = 1
"""For what is in the pipes at COMMAND's end; children that it leaves behind may keep them open for ever."""
_PIPE_BYTES = 1 << 16


class NotStartedError(UserError):
    """COMMAND can't be started; `exit_code` says why as a shell would."""

    def __init__(self, text: str, exit_code: int) -> None:
        super().__init__(text)
        self.exit_code = exit_code


class Command:
    """A running COMMAND, in a process group of its own so that signals reach its children too."""

    def __init__(self, process: asyncio.subprocess.Process, relays: Sequence[threading.Thread]) -> None:
        self._process = process
        self._relays = relays

    @classmethod
    async def start(cls, argv: Sequence[str], stdout_fd: int, on_output: Callable[[], None] | None = None) -> "Command":
        """Start COMMAND. stdout_fd: where its stdout goes. on_output: called at each output, which then is a pipe.

        Raises NotStartedError.
        """
        relays: list[threading.Thread] = []
        ends = [stdout_fd, sys.stderr.fileno()]
        if on_output:
            relays, ends = _relay(ends, on_output)
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                # A process group that isn't the terminal's own would be stopped for reading from it.
                stdin=subprocess.DEVNULL if os.isatty(0) else None,
                stdout=ends[0],
                stderr=ends[1],
                process_group=0,
            )
        except FileNotFoundError:
            raise NotStartedError(f"'{argv[0]}' is not found", exit_codes.NOT_FOUND) from None
        except OSError as error:
            text = f"'{argv[0]}' can't be started: {error.strerror or error}"
            raise NotStartedError(text, exit_codes.NOT_EXECUTABLE) from None
        finally:
            if on_output:
                for end in ends:
                    os.close(end)
        return cls(process, relays)

    @property
    def ended(self) -> bool:
        """Whether it has ended already."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Wait for its end, and for its output; return its exit code, the shell's for a signal."""
        code = await self._process.wait()
        for relay in self._relays:
            await asyncio.to_thread(relay.join, _LAST_OUTPUT_S)
        return code if code >= 0 else exit_codes.of_signal(-code)

    def send_signal(self, number: int) -> None:
        """Send a signal to it and its children."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def kill(self) -> None:
        """End it and its children at once."""
        self.send_signal(signal.SIGKILL)


def _relay(fds: Sequence[int], on_output: Callable[[], None]) -> tuple[list[threading.Thread], list[int]]:
    """Return threads that pass pipes on to `fds`, and the pipes' ends to write to."""
    loop = asyncio.get_running_loop()
    threads, ends = [], []

    def run(source: int, fd: int) -> None:
        while data := os.read(source, _PIPE_BYTES):
            with suppress(RuntimeError):
                # The loop may have ended before a child of COMMAND's has.
                loop.call_soon_threadsafe(on_output)
            while data:
                try:
                    data = data[os.write(fd, data) :]
                except OSError:
                    break
        os.close(source)

    for fd in fds:
        source, end = os.pipe()
        threads.append(threading.Thread(target=run, args=(source, fd), name="command-output", daemon=True))
        threads[-1].start()
        ends.append(end)
    return threads, ends
