"""Makes a child let go of what it traces and end: a ladder of steps, each with a time to work before the next one.

What ends a debugger gently differs; so the steps come from whoever started it. The last ones can kill the traced
process (its breakpoints stay in it), so its memory is healed right before them.
"""

from __future__ import annotations

import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from dapbridge.agent.remote.child import Child
    from dapbridge.agent.remote.loop import Loop, Timer

KILL: list[str | float] = ["kill", 5.0]


class Ladder:
    """Goes down the steps, each with the seconds that it has, e.g. ["close_stdin", 3] or ["signal", "INT", 2].

    "farewell" is said on the connections to the child, where there is any, and "hang_up" ends these. "kill" comes last
    in any case.
    """

    def __init__(self, steps: list[list[str | float]], child: Child, loop: Loop, heal: Callable[[], None]) -> None:
        self._steps = [*steps, KILL]
        self._child = child
        self._loop = loop
        self._heal = heal
        self._timer: Timer | None = None
        self.forced = False
        """Whether it was told to end in a way that may leave something behind in what it traces."""

    def start(self) -> None:
        """Begin to go down the ladder, unless that has begun."""
        if self._timer is None:
            self._step()

    def stop(self) -> None:
        """The child has ended."""
        if self._timer is not None:
            self._timer.cancel()

    def _step(self) -> None:
        if self._child.status is not None or not self._steps:
            return
        action, *arguments, limit_s = self._steps.pop(0)
        if action == "close_stdin":
            self._child.close_stdin()
        elif action == "farewell":
            if not self._child.say_farewell():
                self._step()
                return
        elif action == "hang_up":
            self._child.hang_up()
        elif action == "signal":
            number = signal_number(str(arguments[0]))
            if number not in (signal.SIGINT, signal.SIGSTOP, signal.SIGCONT):
                self.forced = True
                self._heal()
            self._child.send_signal(number)
        else:
            self.forced = True
            # Stopped first, or it could put a breakpoint back between the healing and its death.
            self._child.send_signal(signal.SIGSTOP)
            self._heal()
            self._child.send_signal(signal.SIGKILL)
        self._timer = self._loop.call_later(float(limit_s), self._step)


def signal_number(name: str) -> signal.Signals:
    """Return the number of a signal called by its name without SIG. Raises ValueError."""
    try:
        return signal.Signals[f"SIG{name}"]
    except KeyError:
        raise ValueError(f"no signal is called {name!r}") from None
