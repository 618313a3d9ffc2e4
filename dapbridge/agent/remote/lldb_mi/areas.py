"""The areas of commands; a new one is named here."""

from __future__ import annotations

from dapbridge.agent.remote.lldb_mi import (
    attaching,
    batch,
    breakpoints,
    calling,
    completion,
    evaluating,
    exceptions,
    execution,
    frames,
    logpoints,
    memory,
    modules,
    registers,
    settings,
    signals,
    threads,
    variables,
    varobjs,
    watching,
)

AREAS = (
    *(attaching, batch, breakpoints, exceptions, execution, logpoints, settings, signals, threads, watching),
    *(variables, varobjs, evaluating, calling, frames, registers, memory, completion, modules),
)
