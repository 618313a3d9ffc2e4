"""Calls of the target's functions: they can be interrupted, and what is left of one is taken off the stack.

While LLDB evaluates an expression it holds the locks that nearly all of its functions want, and our own main thread. A
SIGINT then has to reach it by a thread that waits for just that, and the one function that needs no lock.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.session import Session

_GRACE_S = 0.02
"""A call that a signal has kept from beginning ends within that."""


class _Interrupter:
    """Passes SIGINT on to LLDB while an expression is evaluated."""

    def __init__(self) -> None:
        read_end, write_end = os.pipe()
        os.set_blocking(write_end, False)
        signal.set_wakeup_fd(write_end, warn_on_full_buffer=False)
        self._signals = read_end
        self._process: Any = None
        self._ended = threading.Event()
        threading.Thread(target=self._pass_on, name="interrupter", daemon=True).start()

    @contextmanager
    def watching(self, process: Any) -> Iterator[None]:
        self._ended.clear()
        self._process = process
        try:
            yield
        finally:
            self._process = None
            self._ended.set()

    def _pass_on(self) -> None:
        while number := os.read(self._signals, 1):
            process = self._process
            if process is not None and number[0] == signal.SIGINT and not self._ended.wait(_GRACE_S):
                process.SendAsyncInterrupt()


_interrupters: list[_Interrupter] = []


@contextmanager
def interruptible(process: Any) -> Iterator[None]:
    """Let a SIGINT end what LLDB evaluates in the block; only in the main thread."""
    if not _interrupters:
        _interrupters.append(_Interrupter())
    with _interrupters[0].watching(process):
        yield


@mi_command("-x-unwind-calls", needs_traps=True)
def unwind_calls(session: Session) -> dict[str, Any]:
    """Take what is left of calls off the thread's stack; return how many there were."""
    thread = session.thread
    count = 0
    while thread.UnwindInnermostExpression().Success():
        count += 1
    return {"count": count}
