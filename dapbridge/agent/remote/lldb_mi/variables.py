"""`-x-variables`, `-x-children`, `-x-evaluate`, `-x-assign`, `-x-assign-child`, `-x-refresh`: values as gdb shows them."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.session import Session


def _make(name: str) -> Any:
    @mi_command(name)
    def command(session: Session, *words: str) -> dict[str, Any]:
        return looking.run(session, "values", name, *words)

    return command


x_variables = _make("-x-variables")
x_children = _make("-x-children")
x_evaluate = _make("-x-evaluate")
x_assign = _make("-x-assign")
x_assign_child = _make("-x-assign-child")
x_refresh = _make("-x-refresh")
