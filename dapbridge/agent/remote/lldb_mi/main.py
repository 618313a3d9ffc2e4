"""The server's start: `main` in the keeper, `serve` in the process that imports LLDB."""

from __future__ import annotations

import gc
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from dapbridge.agent.remote.lldb_mi import fitness
from dapbridge.agent.remote.lldb_mi.compiling import Compiling
from dapbridge.agent.remote.lldb_mi.keeper import Keeper
from dapbridge.agent.remote.lldb_mi.output import Output

TYPE_CHECKING = False
if TYPE_CHECKING:
    from dapbridge.agent.remote.loader import BundleFinder


def main(pid: int, finder: BundleFinder) -> None:
    """Speak MI on stdin and stdout until the end; the target is process `pid`, all modules come from `finder`."""
    try:
        lldb_server = fitness.find_lldb_server()
    except fitness.UnfitImageError as problem:
        fitness.refuse(problem, _open_input(), Output(1))
        return
    compiling = Compiling(finder)

    def serve_compiled(connection: int) -> None:
        compiling.join()
        finder.compile = compiling.take  # type: ignore[method-assign]
        serve(pid, connection)

    code = Keeper(pid, lldb_server, serve_compiled, compiling.run).run()
    if code < 0:
        with suppress(OSError):  # SIGKILL has no handler
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)


def serve(pid: int, connection: int) -> None:
    """Be the MI server; `connection` is its end of the socket to lldb-server."""
    # LLDB and its formatters print to stdout, which is MI's alone.
    output = Output(os.dup(1))
    os.dup2(2, 1)
    # Nobody types here: that would take a tenth of the import's time.
    sys.modules["readline"] = None  # type: ignore[assignment]
    gc.disable()
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
    session = Session(debugger, output, pid, connection)
    symbols.prepare(session)
    # It will be asked for, and until then the other modules are being compiled. What goes wrong is told then.
    with suppress(MiError):
        symbols.read(session, f"/proc/{pid}/exe")

    from dapbridge.agent.remote.lldb_mi.areas import AREAS
    from dapbridge.agent.remote.lldb_mi.commands import collect
    from dapbridge.agent.remote.lldb_mi.server import Server

    gc.enable()
    Server(session, collect(AREAS), _open_input()).run()
    sys.stderr.flush()
    # LLDB's own threads may hang in its destructors.
    os._exit(0 if session.let_go() else 1)


def _open_input() -> Any:
    return open(0, encoding="utf-8", errors="surrogateescape", closefd=False)
