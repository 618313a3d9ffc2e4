"""LLDB's dialect: our own MI server on its Python API (dapbridge/agent/remote/lldb_mi), which runs in the sidecar.

Symbols, those of the libraries too, are read before the attach, so that the target stands for the attach alone.
"""

from collections.abc import Sequence

from dapbridge.agent.client import Agent, Child, Step
from dapbridge.agent.facts import Process
from dapbridge.config import AttachConfig, SignalAction
from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import signals
from dapbridge.engines.mi.lldb_bundle import first_bytes, start_argv
from dapbridge.errors import UserError
from dapbridge.mi.commands import command

_LADDER: tuple[Step, ...] = (("close_stdin", 3.0), ("signal", "INT", 2.0), ("signal", "TERM", 4.0))


class Lldb:
    """See `dialect.Dialect`."""

    name = "lldb"

    async def spawn(self, agent: Agent, process: Process) -> Child:
        child = await agent.spawn(start_argv(), ladder=_LADDER, pid=process.pid)
        child.write(first_bytes(process.pid))
        return child

    def capabilities(self, brought: JsonObject) -> JsonObject:
        # lldb-server has no hardware breakpoints for code on x86-64: there is nothing to choose between.
        return {name: value for name, value in brought.items() if name != "breakpointModes"}

    async def settings(self, agent: Agent, process: Process, config: AttachConfig) -> list[str]:
        if config.follow_fork != "parent":
            raise UserError(
                f'the engine lldb follows no forks ("followFork": "{config.follow_fork}"); the engine gdb does'
            )
        return [
            "-x-prepare",
            *(self.handle_signals([name], action) for name, action in signals.actions(config).items()),
        ]

    def load_program(self, program: str) -> list[str]:
        return [command("file-exec-and-symbols", program)]

    def attach(self, pid: int, *, stop: bool) -> list[str]:
        return [command("target-attach", pid), *([] if stop else ["-exec-continue"])]

    def load_libraries(self, sysroot: str, pid: int) -> list[str]:
        # It finds each by itself, when it asks for it.
        return []

    def handle_signals(self, names: Sequence[str], action: SignalAction) -> str:
        return command("x-signals", action, *names)

    def attach_hint(self, error: str) -> str:
        if "Operation not permitted" in error:
            return (
                "the kernel refused ptrace: a debugger outside its PID namespace may hold the process, or the "
                "host forbids it (Yama's ptrace_scope, AppArmor or SELinux)"
            )
        return ""
