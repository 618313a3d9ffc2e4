"""Targets that end and start again under their name (--follow): who knows of a start, by the target's scheme."""

from importlib import import_module
from typing import Protocol, cast

from dapbridge.errors import UserError
from dapbridge.runtimes.target import parse_target

_STARTS = {"docker": ("dapbridge.runtimes.docker_starts", "DockerStarts")}


class Starts(Protocol):
    """Tells of the starts of one target, each of which has a name of its own."""

    async def find_start(self) -> str | None:
        """Return the start by which the target runs now; None when it doesn't. Raises UserError."""
        ...

    async def wait_for_start(self, known: str | None) -> str:
        """Wait until the target runs by another start than `known`, and return that. Raises UserError."""
        ...

    async def aclose(self) -> None:
        """Free what was opened."""
        ...


def make_starts(target: str) -> Starts:
    """Return who knows of the target's starts. Raises UserError for targets that can't be followed."""
    parsed = parse_target(target)
    if parsed.scheme not in _STARTS:
        can = ", ".join(f"{each}://" for each in _STARTS)
        raise UserError(f"--follow: {parsed.uri} can't be followed; targets that can are {can}")
    module, name = _STARTS[parsed.scheme]
    return cast(Starts, getattr(import_module(module), name)(parsed.name))
