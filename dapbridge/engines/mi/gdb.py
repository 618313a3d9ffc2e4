"""gdb's dialect (gdb ≥ 13, MI4): what is set before symbols are read, and the order of an attach.

The libraries' symbols are read after the target goes on: for the attach gdb is shown an empty sysroot, because reading
libc is most of what would keep the target standing. The real sysroot, set while it runs, makes gdb open each library.
"""

from collections.abc import Sequence

from dapbridge.agent.client import GDB_LADDER, Agent, Child
from dapbridge.agent.facts import Process
from dapbridge.config import AttachConfig, FollowFork, SignalAction
from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import signals
from dapbridge.engines.mi.gdb_bundle import make_bundle
from dapbridge.mi.commands import command, console, quote

_NO_SYSROOT = "/nonexistent"

_SETTINGS = (
    "mi-async on",
    # The target's code runs only when a person asks for it in so many words (evaluate.py turns this on for a moment).
    "may-call-functions off",
    "unwindonsignal on",
    "breakpoint pending on",
    "print elements 200",
    "print max-depth 6",
    "print object on",
    "print static-members off",
    "print symbol-loading off",
    "print thread-events off",
    "print inferior-events off",
    "print frame-arguments none",
    "print entry-values no",
    # Sources are the client's business: the sidecar's own files must not be taken for them.
    "source open off",
    "debuginfod enabled off",
    "exec-file-mismatch off",
    "auto-solib-add off",
)

_FOLLOW_FORK: dict[FollowFork, tuple[str, ...]] = {
    "parent": ("follow-fork-mode parent", "detach-on-fork on"),
    "child": ("follow-fork-mode child", "detach-on-fork on"),
    "both": ("follow-fork-mode parent", "detach-on-fork off", "schedule-multiple on"),
}

_SIGNAL_ACTIONS = {"stop": "stop print pass", "pass": "nostop noprint pass", "ignore": "nostop noprint nopass"}


def start_argv() -> list[str]:
    """Return the command line that runs gdb."""
    early = ["set auto-load off", f"set sysroot {_NO_SYSROOT}", "set confirm off", "set pagination off"]
    early += ["set style enabled off", "set width 0", "set height 0"]
    options = [word for setting in early for word in ("-iex", setting)]
    return ["gdb", "--nx", "--quiet", "--interpreter=mi4", *options]


class Gdb:
    """See `dialect.Dialect`."""

    name = "gdb"

    async def spawn(self, agent: Agent, process: Process) -> Child:
        return await agent.spawn(start_argv(), ladder=GDB_LADDER, pid=process.pid)

    def capabilities(self, brought: JsonObject) -> JsonObject:
        return brought

    async def settings(self, agent: Agent, process: Process, config: AttachConfig) -> list[str]:
        bundle = await agent.write_file("inside_gdb.zip", [make_bundle()])
        return [
            *(f"-gdb-set {setting}" for setting in (*_SETTINGS, *_FOLLOW_FORK[config.follow_fork])),
            # Told to stop there, gdb can be kept from following it (processes.py).
            *([console("catch vfork")] if config.follow_fork == "both" else []),
            # The target stands at an exec until the new program's symbols are there (new_program.py).
            console("catch exec"),
            console("handle all nostop noprint pass"),
            *(self.handle_signals([name], action) for name, action in signals.actions(config).items()),
            # Behind the distribution's own modules, which win.
            console(f"python import sys; sys.path.append({bundle!r}); import inside_gdb"),
            "-enable-pretty-printing",
        ]

    def load_program(self, program: str) -> list[str]:
        return [command("file-exec-and-symbols", program)]

    def attach(self, pid: int, *, stop: bool) -> list[str]:
        return [command("target-attach", pid), *([] if stop else ["-exec-continue"])]

    def load_libraries(self, sysroot: str, pid: int) -> list[str]:
        return [
            "-gdb-set auto-solib-add on",
            f"-gdb-set sysroot {quote(sysroot) if ' ' in sysroot else sysroot}",
            # Libraries that are loaded later and stand in no sysroot yet; library events bring them there.
            f"-gdb-set solib-search-path /proc/{pid}/root",
        ]

    def core_settings(self) -> list[str]:
        # Else gdb ≥ 15 goes on reading symbols while the target stands for its snapshot.
        return [console("maintenance set dwarf synchronous on")]

    def load_core(self, path: str) -> list[str]:
        return [command("target-select", "core", path)]

    def handle_signals(self, names: Sequence[str], action: SignalAction) -> str:
        return console(f"handle {' '.join(names)} {_SIGNAL_ACTIONS[action]}")

    def attach_hint(self, error: str) -> str:
        if "Operation not permitted" in error:
            return (
                "the kernel refused ptrace: a debugger outside its PID namespace may hold the process, or the "
                "host forbids it (Yama's ptrace_scope, AppArmor or SELinux)"
            )
        return ""
