"""The areas of commands; a new one is named here.

All modules of `EARLY` are compiled for the server by its keeper, and named in `lldb_bundle.py` with what they import;
the others are compiled when there is time for it, or one of their commands has come.
"""

from __future__ import annotations

from types import ModuleType

from dapbridge.agent.remote.lldb_mi import (
    attaching,
    batch,
    breakpoints,
    execution,
    modules,
    settings,
    signals,
    threads,
    watching,
)

EARLY = (attaching, batch, breakpoints, execution, modules, settings, signals, threads, watching)


def late() -> tuple[ModuleType, ...]:
    """Import the areas that nobody needs before the first stop."""
    from dapbridge.agent.remote.lldb_mi import (
        calling,
        completion,
        evaluating,
        exceptions,
        frames,
        logpoints,
        memory,
        registers,
        variables,
        varobjs,
    )

    return (calling, completion, evaluating, exceptions, frames, logpoints, memory, registers, variables, varobjs)
