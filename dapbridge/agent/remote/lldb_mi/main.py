"""What the two processes are once they have parted (starting.py): `keep` and `serve`."""

from __future__ import annotations

import gc
import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from dapbridge.agent.remote.lldb_mi import fitness
from dapbridge.agent.remote.lldb_mi.output import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.keeper import Pair


def keep(pid: int, server: int, connection: Pair, assist: Callable[[], None]) -> None:
    """Be the keeper of the process `server`, until the end; the target is process `pid`.

    assist: does what the server waits for.
    """
    from dapbridge.agent.remote.lldb_mi.keeper import Keeper

    _set_name("lldb-keeper")
    try:
        lldb_server = fitness.find_lldb_server()
    except fitness.UnfitImageError as problem:
        os.kill(server, signal.SIGKILL)
        os.waitpid(server, 0)
        fitness.refuse(problem, _open_input(), Output(1))
        return
    # Before lldb-server starts, which takes its time too: the server wants this first.
    assist()
    code = Keeper(pid, server, lldb_server, connection).run()
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def serve(pid: int, connection: Pair, note_started: Callable[[], None]) -> None:
    """Be the MI server, until the end; the module `lldb` has been imported if it can be.

    note_started: called when all modules are there that are needed up to the attach.
    """
    _set_name("lldb-mi")
    ours, theirs = connection
    theirs.close()
    # LLDB and its formatters print to stdout, which is MI's alone.
    output = Output(os.dup(1))
    os.dup2(2, 1)
    try:
        fitness.check_module()
    except fitness.UnfitImageError as problem:
        fitness.refuse(problem, _open_input(), output)
        return

    import lldb

    from dapbridge.agent.remote.lldb_mi import symbols
    from dapbridge.agent.remote.lldb_mi.errors import MiError
    from dapbridge.agent.remote.lldb_mi.session import Session

    debugger = lldb.SBDebugger.Create(False)
    debugger.SetAsync(True)
    session = Session(debugger, output, pid, ours.detach())
    symbols.prepare(session)
    # It will be asked for, and until then the other modules are being compiled. What goes wrong is told then.
    with suppress(MiError):
        symbols.read(session, f"/proc/{pid}/exe")

    from dapbridge.agent.remote.lldb_mi import areas
    from dapbridge.agent.remote.lldb_mi.commands import Commands
    from dapbridge.agent.remote.lldb_mi.server import Server

    note_started()
    commands = Commands(areas.EARLY, areas.late)
    session.later.append(commands.complete)
    # What is there now stays: to look through it all again and again would take its time.
    gc.freeze()
    gc.enable()
    Server(session, commands, _open_input()).run()
    sys.stderr.flush()
    # LLDB's own threads may hang in its destructors.
    os._exit(0 if session.let_go() else 1)


def _set_name(name: str) -> None:
    """Set what this process is called in lists."""
    with suppress(OSError), open("/proc/self/comm", "w") as comm:
        comm.write(name)


def _open_input() -> Any:
    return open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
