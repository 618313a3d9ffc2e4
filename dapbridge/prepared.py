"""What a session needs in order to attach, as a contract: something that prepares a target, and what that gives.

Knows no runtime and no engine of its own; `preparation.prepare` is the real one.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Protocol

from msgspec import Struct

from dapbridge.config import AttachConfig
from dapbridge.engines.base import Emit, Engine
from dapbridge.runtimes.base import Progress


class TargetEnd(Struct, frozen=True):
    """How the target, or the sidecar beside it, came to an end by itself; `reason` is one sentence for the user."""

    exit_code: int | None
    reason: str


class Prepared(Protocol):
    """A target with a sidecar beside it and an engine made for it, not started yet."""

    @property
    def engine(self) -> Engine:
        """The session's engine; it emits to what `Prepare` was given."""
        ...

    async def wait_ended(self) -> TargetEnd:
        """Return when the target or the sidecar has ended by itself."""
        ...

    async def aclose(self) -> None:
        """Let go of the target (the engine's `aclose`) and remove the sidecar; bounded in time."""
        ...


Prepare = Callable[[AttachConfig, Emit, Progress, asyncio.TaskGroup], Awaitable[Prepared]]
"""Prepares the target. Its tasks live in the group it is given, which ends after `aclose`. When it raises (UserError)
or is cancelled, it has removed what it made."""
