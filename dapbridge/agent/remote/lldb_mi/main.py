"""The server's start."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Speak MI on stdin and stdout until the end."""
    # LLDB and its formatters print to stdout, which is MI's alone.
    fd = os.dup(1)
    os.dup2(2, 1)

    import lldb

    from dapbridge.agent.remote.lldb_mi.areas import AREAS
    from dapbridge.agent.remote.lldb_mi.commands import collect
    from dapbridge.agent.remote.lldb_mi.output import Output
    from dapbridge.agent.remote.lldb_mi.server import Server
    from dapbridge.agent.remote.lldb_mi.session import Session

    debugger = lldb.SBDebugger.Create(False)
    debugger.SetAsync(True)
    input_ = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115 - stdin itself
    Server(Session(debugger, Output(fd)), collect(AREAS), input_).run()
    sys.stderr.flush()
    # LLDB's own threads may hang in its destructors.
    os._exit(0)
