"""`-x-batch COMMAND…`, many commands as one.

The answer has for each command `{"done": payload}` or `{"error": text}`. What MI has as texts may be numbers here.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from dapbridge.agent.remote.lldb_mi import breakpoints
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.one_cpu import together_with_tracer
from dapbridge.agent.remote.lldb_mi.parsing import parse_command
from dapbridge.agent.remote.lldb_mi.session import Session


@mi_command("-x-batch", needs_rest=True)
def batch(session: Session, *commands: str) -> dict[str, Any]:
    """Run the commands one after the other; one that fails keeps none of the others from running."""
    answers: list[dict[str, Any]] = []
    # What looks for names has LLDB's threads search for them, which are not to begin on one CPU.
    only_waits = all(each.startswith("-break-insert ") and " --line " in each for each in commands)
    with breakpoints.untold(session), together_with_tracer(session.pid) if only_waits else nullcontext():
        for each in commands:
            parsed = parse_command(each)
            try:
                if parsed is None:
                    raise MiError(f"no MI command: {each}")
                answers.append({"done": session.execute(parsed[1], parsed[2])})
            except MiError as error:
                answers.append({"error": str(error)})
            except KeyboardInterrupt:
                # What is done is done, and must be told; the rest is not begun.
                break
    return {"answers": answers + [{"error": "Quit"}] * (len(commands) - len(answers))}
