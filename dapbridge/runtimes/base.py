"""What a runtime is: it lists targets, inspects one, and starts a sidecar for it. It knows no engine."""

from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from dapbridge.agent.facts import AgentScope
from dapbridge.config import SidecarConfig
from dapbridge.transport import Transport

Progress = Callable[[str], None]
"""Is told one short line at each step of a long preparation, e.g. "building the sidecar image"."""


class TargetSummary(Struct, frozen=True):
    """A line of a list of targets; `uri` is what `target` takes."""

    uri: str
    name: str
    image: str
    status: str


class Sidecar(Protocol):
    """A started sidecar with the agent's bootstrap waiting on its stdin."""

    transport: Transport
    """The one stdio stream to the agent."""

    scope: AgentScope
    """What the agent is told of the target in its first message."""

    can_widen: bool
    """Where the agent may not read the target, `start_sidecar(..., wider=True)` gives a sidecar with more rights."""

    async def target_exit_code(self) -> int | None:
        """The target container's exit code when it has ended; None while it runs or when nobody can know."""
        ...

    async def aclose(self) -> None:
        """Make sure that the sidecar is gone; after the agent has let go this only confirms it. May be called twice."""
        ...


class Runtime(Protocol):
    """One kind of place where targets run: docker, pid, ..."""

    async def targets(self) -> list[TargetSummary]:
        """List what can be attached to now."""
        ...

    async def start_sidecar(
        self, name: str, config: SidecarConfig, progress: Progress, *, wider: bool = False
    ) -> Sidecar:
        """Preflight the target called `name` (the target URI after its scheme) and start a sidecar beside it.

        The sidecar gets the least rights that seem to do; wider: the next more, where what it has does not do.

        Raises UserError: no such target (with the nearest names), not running, paused, engine unreachable, image
        missing and not buildable, no permission (what is missing).
        """
        ...

    async def aclose(self) -> None:
        """Free the runtime's client."""
        ...
