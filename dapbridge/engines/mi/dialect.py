"""What differs between the debuggers that speak MI. Everything else of this package serves all of them."""

from collections.abc import Sequence
from typing import Protocol

from dapbridge.agent.client import Agent, Child
from dapbridge.agent.facts import Process
from dapbridge.config import AttachConfig, SignalAction
from dapbridge.dap.messages import JsonObject


class Dialect(Protocol):
    """One debugger's own ways."""

    name: str
    """What people call it: gdb, lldb."""

    async def spawn(self, agent: Agent, process: Process) -> Child:
        """Start it in the sidecar, for `process`, with all that it needs; MI may be spoken to it at once."""
        ...

    def capabilities(self, brought: JsonObject) -> JsonObject:
        """What it can do of the DAP capabilities that all handlers bring together."""
        ...

    async def settings(self, agent: Agent, process: Process, config: AttachConfig) -> list[str]:
        """MI commands sent before symbols are read; one that this version doesn't know is no error."""
        ...

    def load_program(self, program: str) -> list[str]:
        """MI commands that read the symbols of `program`, a path in the sidecar, without touching the process."""
        ...

    def attach(self, pid: int, *, stop: bool) -> list[str]:
        """MI commands of the ptrace attach, sent as one burst, so that the target stands as short as can be.

        The first one's result is the attach's; unless `stop` the target runs on after them.
        """
        ...

    def load_libraries(self, sysroot: str, pid: int) -> list[str]:
        """MI commands that read the libraries' symbols from a sysroot, also while the target runs."""
        ...

    def handle_signals(self, names: Sequence[str], action: SignalAction) -> str:
        """MI command that sets what is done at these signals."""
        ...

    def attach_hint(self, error: str) -> str:
        """What a user can do about a failed attach, "" where its own words say all."""
        ...
