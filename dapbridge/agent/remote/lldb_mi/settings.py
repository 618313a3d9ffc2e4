"""`-gdb-set`, `-gdb-show` and LLDB's own command line."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_DEFAULTS = {"scheduler-locking": "replay", "may-call-functions": "off", "confirm": "off"}


@mi_command("-gdb-set")
def set_(session: Session, name: str, *value: str) -> dict[str, Any]:
    """Set what the server itself heeds. Raises MiError for what it doesn't know."""
    _check(name)
    session.settings[name] = " ".join(value)
    return {}


@mi_command("-gdb-show")
def show(session: Session, name: str) -> dict[str, Any]:
    """Tell a setting."""
    _check(name)
    return {"value": session.settings.get(name, _DEFAULTS[name])}


def _check(name: str) -> None:
    if name not in _DEFAULTS:
        raise MiError(f"Undefined set command: {name}")


@mi_command("-interpreter-exec", needs_traps=True)
def interpreter_exec(session: Session, interpreter: str, command: str) -> dict[str, Any]:
    """Run a command of LLDB's command line; what it prints is told as console stream."""
    from dapbridge.agent.remote.lldb_mi import rust_formatters

    if interpreter != "console":
        raise MiError(f"no interpreter {interpreter!r}")
    rust_formatters.load(session)
    if command.startswith("show ") and (name := command.removeprefix("show ").strip()) in _DEFAULTS:
        session.output.console(f"{name} is {show(session, name)['value']}\n")
    elif printed := session.run_console(command):
        session.output.console(printed if printed.endswith("\n") else printed + "\n")
    return {}
