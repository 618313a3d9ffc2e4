"""Which signals stop the target, reach it unseen, or are kept from it."""

from __future__ import annotations

import signal
from typing import Any

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

OURS = frozenset({"SIGSTOP", "SIGTRAP"})
"""LLDB's own means; what is done at them stays as it is."""
_ACTIONS = {"stop": (True, True), "pass": (False, True), "ignore": (False, False)}


@mi_command("-x-signals", needs_rest=True)
def set_signals(session: Session, action: str, *names: str) -> dict[str, Any]:
    """Do "stop", "pass" or "ignore" at these signals; all others are passed."""
    if action not in _ACTIONS:
        raise MiError(f"nothing is called {action!r}")
    session.signals.update(dict.fromkeys(names, action))
    if session.process.IsValid():
        apply(session)
    return {}


def apply(session: Session) -> None:
    """Tell LLDB, which knows a process's signals only when it has one."""
    known = session.process.GetUnixSignals()
    for index in range(known.GetNumSignals()):
        number = known.GetSignalAtIndex(index)
        name = str(known.GetSignalAsCString(number))
        if name not in OURS:
            stop, pass_on = _ACTIONS[session.signals.get(name, "pass")]
            known.SetShouldStop(number, stop)
            known.SetShouldNotify(number, stop)
            known.SetShouldSuppress(number, not pass_on)


def name_of(session: Session, number: int) -> str:
    """Return a signal's name, "SIG34" for one that has none."""
    return str(session.process.GetUnixSignals().GetSignalAsCString(number) or f"SIG{number}")


def meaning_of(number: int) -> str:
    """Return what a signal means, in libc's words."""
    try:
        # As gdb says it.
        return "Arithmetic exception" if number == signal.SIGFPE else signal.strsignal(number) or ""
    except ValueError:
        return ""
