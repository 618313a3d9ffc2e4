"""How long nothing has been heard, told at each of some lengths."""

import asyncio
from collections.abc import Callable, Sequence


class Silence:
    """Calls `on_silence(index)` once nothing was `heard` for `lengths_s[index]`, and not again before something was."""

    def __init__(self, lengths_s: Sequence[float], on_silence: Callable[[int], None]) -> None:
        self._lengths_s = lengths_s
        self._on_silence = on_silence
        self._timers: list[asyncio.TimerHandle] = []

    def heard(self) -> None:
        """Begin anew."""
        self.end()
        loop = asyncio.get_running_loop()
        self._timers = [
            loop.call_later(length_s, self._on_silence, index) for index, length_s in enumerate(self._lengths_s)
        ]

    def end(self) -> None:
        """Call no more."""
        for timer in self._timers:
            timer.cancel()
        self._timers = []
