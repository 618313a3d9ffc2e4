"""Whether a condition can be one at a breakpoint's place, looked at before the first hit as far as it can be."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi import expressions
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_OF_OBJECTS = ("this", "self")


def check(session: Session, breakpoint_: Any, condition: str) -> None:
    """Raise MiError, in gdb's words, for a condition that no hit can fulfil for what it is."""
    if not condition or not breakpoint_.GetNumLocations():
        return
    try:
        expressions.parse(condition)
    except SyntaxError as error:
        raise MiError(f"A syntax error in expression, near `{error.text or condition}'.") from None
    known = _variables(session, breakpoint_.GetLocationAtIndex(0).GetAddress().GetBlock())
    if known & set(_OF_OBJECTS):
        # It may be a member of the object.
        return
    for name in expressions.names_in(condition):
        if name not in known and not _is_known_anywhere(session, name):
            raise MiError(f'No symbol "{name}" in current context.')


def _variables(session: Session, block: Any) -> set[str]:
    found: set[str] = set()
    while block.IsValid():
        found.update(str(each.GetName()) for each in block.GetVariables(session.target, True, True, True))
        block = block.GetParent()
    return found


def _is_known_anywhere(session: Session, name: str) -> bool:
    plain = name.rpartition("::")[2]
    target = session.target
    if name.startswith("$") or not plain.isidentifier():
        return True
    found = (
        target.FindGlobalVariables(plain, 1),
        target.FindFunctions(plain),
        target.FindSymbols(plain),
        target.FindTypes(plain),
    )
    return any(each.GetSize() for each in found)
