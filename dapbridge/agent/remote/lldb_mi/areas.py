"""The areas of commands; a new one is named here."""

from __future__ import annotations

from dapbridge.agent.remote.lldb_mi import attaching, breakpoints, execution, settings, signals, threads, variables

AREAS = (attaching, breakpoints, execution, settings, signals, threads, variables)
