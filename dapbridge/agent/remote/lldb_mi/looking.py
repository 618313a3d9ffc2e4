"""The code that shows values, which is gdb's too (`engines/mi/inside_gdb`), on LLDB.

It comes with the server, and is imported by its name when it is wanted: `part("dispatch")`; so is `gdb_api`, which it
takes for gdb. Two of its modules have other ones here: its commands become the server's, and the access of members is
read from LLDB.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import cache
from types import ModuleType
from typing import Any

from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

PACKAGE = "dapbridge.engines.mi.inside_gdb"
Function = Callable[..., dict[str, Any]]

_commands: dict[str, Function] = {}


def part(name: str) -> ModuleType:
    """Return a module of the code, for the first time with all that it needs."""
    _prepare()
    return importlib.import_module(f"{PACKAGE}.{name}")


def bind(session: Session) -> None:
    """Have all that is looked at seen from the session's frame."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.current import current

    current.bind(session)


@cache
def _prepare() -> None:
    from dapbridge.agent.remote.lldb_mi import gdb_api
    from dapbridge.agent.remote.lldb_mi.gdb_api.descriptions import access_of
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value
    from dapbridge.agent.remote.lldb_mi.gdb_api.visualizers import register_gcc_printers

    gdb_api.install()
    commands = ModuleType(f"{PACKAGE}.commands")
    vars(commands)["mi_command"] = _register
    access = ModuleType(f"{PACKAGE}.access")
    vars(access)["access_of"] = access_of
    for module in (commands, access):
        sys.modules[module.__name__] = module
    # Before the others take it from there: what gdb goes a long way to is one step here.
    vars(importlib.import_module(f"{PACKAGE}.views"))["at"] = lambda address, type_: lambda: Value.at(address, type_)
    try:
        register_gcc_printers()
    except Exception as error:  # noqa: BLE001 - LLDB's own formatters are there without them
        sys.stderr.write(f"no printers of GCC's library: {error!r}\n")


def _register(name: str) -> Callable[[Function], Function]:
    def register(function: Function) -> Function:
        _commands[name] = function
        return function

    return register


def run(session: Session, module: str, name: str, *words: str) -> dict[str, Any]:
    """Run a command of a module of the code. Raises MiError."""
    bind(session)
    part(module)
    import gdb

    try:
        return _commands[name](*words)
    except gdb.error as error:
        raise MiError(str(error)) from None


def summary_of(sb: Any, budget: int = 200) -> str:
    """Return the text of LLDB's value as gdb's code writes it, in the bound session's frame."""
    from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
    from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

    look = part("views").Look(rust=current.language == "rust")
    return str(part("summaries").summarize(Value.of(sb), look, budget))
