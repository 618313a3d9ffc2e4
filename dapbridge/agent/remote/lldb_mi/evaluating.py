"""`-data-evaluate-expression`: an expression without a frame, also while the target runs."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api import errors
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import parse_and_eval
from dapbridge.agent.remote.lldb_mi.session import Session


@mi_command("-data-evaluate-expression")
def evaluate(session: Session, expression: str) -> dict[str, Any]:
    """Return the text of what an expression gives."""
    current.bind(session)
    views, summaries = looking.part("views"), looking.part("summaries")
    try:
        value = parse_and_eval(expression)
    except errors.error as error:
        raise MiError(str(error)) from None
    return {"value": summaries.summarize(value, views.Look(rust=current.language == "rust"), 500)}
