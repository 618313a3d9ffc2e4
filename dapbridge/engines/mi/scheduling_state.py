"""What is known of how the target goes on, between a request that lets it and the next stop."""

import asyncio
from dataclasses import dataclass, field

from msgspec import Struct

from dapbridge.engines.mi.debugger import Answer


class WayStation(Struct, frozen=True):
    """A stop at `address` that the client isn't told of: `then` is the command that goes on from there."""

    address: int
    then: str


@dataclass(slots=True)
class SchedulingState:
    """Written by scheduling.py only.

    setting: what the debugger was set to before one thread was let run alone. limit: when `maxPause` is over.
    stepping: the target was told to run for a step, at whose end it has to stop.
    recording_failure: the debugger's words on what it could not record, since the last stop.
    watched: the thread that is stepped out of its function, or runs alone.
    overdue: the target is being stopped only so that all its threads can go on.
    stood: set by every stop while the session ends.
    """

    setting: Answer | None = None
    recording: bool = False
    setting_before_recording: Answer | None = None
    recording_failure: list[str] = field(default_factory=list)
    backwards: bool = False
    stepping: bool = False
    watched: int | None = None
    via: WayStation | None = None
    limit: asyncio.TimerHandle | None = None
    overdue: bool = False
    stood: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def alone(self) -> bool:
        """Whether one thread runs alone."""
        return self.setting is not None or self.recording
