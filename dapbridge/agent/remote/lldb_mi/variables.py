"""Values as gdb shows them, and what gdb's own code finds in the program: lines, calls, places to jump to, globals."""

from __future__ import annotations

from typing import Any

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.session import Session

_COMMANDS = (
    *(("-x-variables", "values"), ("-x-children", "values"), ("-x-evaluate", "values"), ("-x-refresh", "values")),
    *(("-x-assign", "values"), ("-x-assign-child", "values")),
    *(("-x-globals", "globals"), ("-x-regions", "regions"), ("-x-disassemble", "disassembly")),
    *(("-x-lines", "lines"), ("-x-code-place", "places"), ("-x-line-calls", "line_calls")),
    *(("-x-goto-targets", "jumps"), ("-x-goto", "jumps")),
)
"""Commands, and the modules of gdb's code that have them."""


def _make(name: str, module: str) -> Any:
    @mi_command(name)
    def command(session: Session, *words: str) -> dict[str, Any]:
        return looking.run(session, module, name, *words)

    return command


globals().update({name: _make(name, module) for name, module in _COMMANDS})
