"""C++ exceptions, Rust panics and signals: `-x-catch`, `-x-exception`, `-x-signal`.

Where the run-time libraries throw is a function breakpoint. A filter's condition is a regular expression over the
type's name, for a panic over its message; no memory that can't be read keeps an exception from being told.
"""

from __future__ import annotations

import re
import sys
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import hits, looking, rethrown
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import set_convenience_variable
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value
from dapbridge.agent.remote.lldb_mi.session import Session

FUNCTIONS = {
    "throw": "__cxa_throw",
    "rethrow": rethrown.FUNCTION,
    "catch": "__cxa_begin_catch",
    "panic": "rust_panic",
}


@mi_command("-x-catch", needs_rest=True)
def catch(session: Session, kind: str, pattern: str = "") -> dict[str, Any]:
    """Set a breakpoint for a kind: throw, rethrow, catch or panic; pattern is "" or a filter's condition."""
    compiled = re.compile(pattern)
    made = rethrown.set_breakpoint(session) if kind == "rethrow" else _at_entry(session, FUNCTIONS[kind])
    session.places[made.GetID()] = f"-function {FUNCTIONS[kind]}"
    session.filters[made.GetID()] = kind
    if pattern:
        hits.decide(session, made, lambda frame: _fits(session, kind, compiled))
    else:
        hits.watch_hits(session, made)
    is_pending = kind == "panic" and not made.GetNumLocations()
    return {"number": str(made.GetID()), "addr": "<PENDING>" if is_pending else "<MULTIPLE>"}


def _at_entry(session: Session, function: str) -> Any:
    # At its first instruction the arguments are where the calling convention puts them.
    session.run_console("settings set target.skip-prologue false")
    made = session.target.BreakpointCreateByName(
        function,
        lldb.eFunctionNameTypeBase | lldb.eFunctionNameTypeFull,
        lldb.SBFileSpecList(),
        lldb.SBFileSpecList(),
    )
    session.run_console("settings set target.skip-prologue true")
    return made


def _fits(session: Session, kind: str, pattern: re.Pattern[str]) -> bool:
    try:
        thrown = _find(session, kind)
    except Exception as error:  # noqa: BLE001 - hostile memory may raise anything; one too many is better than none
        sys.stderr.write(f"exception filter: {error!r}\n")
        return True
    return bool(pattern.search(thrown.message if kind == "panic" else thrown.type_name))


def _find(session: Session, kind: str) -> Any:
    current.bind(session)
    if kind == "panic":
        return looking.part("rust_panics").find()
    exceptions = looking.part("cpp_exceptions")
    return exceptions.describe(*rethrown.find()) if kind == "rethrow" else exceptions.find(kind)


@mi_command("-x-exception")
def exception(session: Session, kind: str) -> dict[str, Any]:
    """Tell what the thread stands with, of the kind that its breakpoint has: {"type", "message", "expression"}."""
    try:
        thrown = _find(session, kind)
    except Exception as error:  # noqa: BLE001 - as above
        return {"type": "", "message": f"<{error}>", "expression": ""}
    return {"type": thrown.type_name, "message": thrown.message, "expression": thrown.expression}


@mi_command("-x-signal")
def signal(session: Session, name: str) -> dict[str, Any]:
    """Tell more of the signal that the thread has got: {"message": text, "" for nothing}."""
    try:
        return {"message": _describe(session, name)}
    except Exception as error:  # noqa: BLE001 - as above
        return {"message": f"<{error}>"}


def _describe(session: Session, name: str) -> str:
    current.bind(session)
    set_convenience_variable("_siginfo", Value.of(session.thread.GetSiginfo()))
    return str(looking.part("signals").describe(name))
