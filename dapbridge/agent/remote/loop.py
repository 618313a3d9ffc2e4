"""A small event loop on descriptors, timers and signals; asyncio takes longer to import than the agent to start."""

from __future__ import annotations

import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

READ, WRITE = select.POLLIN, select.POLLOUT


class Timer:
    """Something that happens at a time, unless cancelled."""

    __slots__ = ("callback", "due")

    def __init__(self, due: float, callback: Callable[[], None]) -> None:
        self.due = due
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class Loop:
    """Calls back when a descriptor is ready, a time has come, or a signal has arrived."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._callbacks: dict[int, tuple[int, Callable[[], None]]] = {}
        self._timers: list[Timer] = []
        self._signals: dict[int, Callable[[], None]] = {}
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        self.watch(self._woken, READ, self._take_signals)

    def watch(self, fd: int, events: int, callback: Callable[[], None]) -> None:
        """Call back whenever the descriptor is ready (or broken); `events` 0 ends that."""
        if self._callbacks.get(fd, (0, None))[0] == events:
            return
        if events:
            self._poll.register(fd, events)
            self._callbacks[fd] = (events, callback)
        else:
            # Not an empty mask: poll(2) would go on to report a hang-up.
            self._poll.unregister(fd)
            del self._callbacks[fd]

    def unwatch(self, fd: int) -> None:
        """End watching; no matter whether the descriptor was watched."""
        if fd in self._callbacks:
            self._poll.unregister(fd)
            del self._callbacks[fd]

    def call_later(self, delay_s: float, callback: Callable[[], None]) -> Timer:
        timer = Timer(time.monotonic() + delay_s, callback)
        self._timers.append(timer)
        return timer

    def on_signal(self, number: int, callback: Callable[[], None]) -> None:
        """Call back, from the loop, when the signal has arrived."""
        self._signals[number] = callback
        signal.signal(number, lambda *_: None)

    def run_once(self) -> None:
        """Wait until something happens and call back for all that did."""
        self._timers = [timer for timer in self._timers if timer.callback is not None]
        due = min((timer.due for timer in self._timers), default=None)
        wait_ms = None if due is None else max(0.0, due - time.monotonic()) * 1000
        # A callback may unwatch a descriptor that was reported in the same turn.
        for fd, _ in self._poll.poll(wait_ms):
            if fd in self._callbacks:
                self._callbacks[fd][1]()
        now = time.monotonic()
        for timer in self._timers[:]:
            callback = timer.callback
            if timer.due <= now and callback is not None:
                timer.cancel()
                callback()

    def _take_signals(self) -> None:
        for number in set(os.read(self._woken, 4096)):
            if number in self._signals:
                self._signals[number]()
