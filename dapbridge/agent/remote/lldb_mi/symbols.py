"""LLDB's settings, and the program's symbols with those of its libraries: all that is done before the attach.

The server begins with it by itself, before its other modules are there.
"""

from __future__ import annotations

import threading

import lldb

from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.files import Locator, read_ahead
from dapbridge.agent.remote.lldb_mi.session import Session

_PLATFORM = "remote-linux"

_SETTINGS = (
    # The program's own scripts and everybody's servers are nothing to us.
    "target.load-script-from-symbol-file false",
    "target.load-cwd-lldbinit false",
    "symbols.enable-external-lookup false",
    "target.auto-import-clang-modules false",
    # The attach's time is the target's: indexes are made when they are needed first.
    "target.preload-symbols false",
    "target.inline-breakpoint-strategy always",
    # Lines of the client's breakpoints are those that have code.
    "target.move-to-nearest-code true",
    "target.process.interrupt-timeout 5",
    "target.process.stop-on-exec true",
    "target.max-string-summary-length 1024",
    # A step into a function without lines goes on to the caller's next line; nothing else is skipped.
    "target.process.thread.step-avoid-regexp ''",
    "stop-disassembly-display never",
)


def prepare(session: Session) -> None:
    """Set what must be set before anything is read."""
    for each in _SETTINGS:
        session.run_console(f"settings set {each}")
    platform = lldb.SBPlatform(_PLATFORM)
    session.debugger.SetSelectedPlatform(platform)
    session.locator = Locator(session)
    platform.SetLocateModuleCallback(session.locator.locate)
    session.keep.append(platform)


def read(session: Session, path: str) -> None:
    """Read the symbols of a program, unless they are there already, and begin with its libraries'. Raises MiError."""
    if session.program == path:
        return
    error = lldb.SBError()
    target = session.debugger.CreateTarget(path, None, _PLATFORM, False, error)
    if not error.Success() or not target.IsValid():
        raise MiError(f"{path}: {error.GetCString()}")
    session.debugger.SetSelectedTarget(target)
    for module in target.module_iter():
        # Its index of names, which a breakpoint needs; not while the target stands.
        module.FindSymbol("main")
    # The server's own modules, and the client's breakpoints, needn't wait for that.
    session.reading = threading.Thread(target=read_ahead, args=(session, session.locator), daemon=True)
    session.reading.start()
    session.program = path
