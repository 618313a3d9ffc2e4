"""The engines by their name, one line each; imported when first used."""

import asyncio

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import Process
from dapbridge.config import EngineName
from dapbridge.engines.base import Emit, Engine


def load_ahead(name: EngineName) -> None:
    """Import what an engine needs, as far as it is known which one it will be; takes a while, in any thread.

    The names that are imported and not used are what it is for (F401).
    """
    if name == "lldb":
        from dapbridge.engines.mi import engine, lldb, lldb_bundle  # noqa: F401

        lldb_bundle.make_bundle()
    elif name != "delve":
        from dapbridge.engines.mi import engine, gdb, gdb_bundle  # noqa: F401

        gdb_bundle.make_bundle()


def early_argv(name: EngineName) -> list[str]:
    """Return the command line of an engine's debugger that can run before anything is known of the target; else []."""
    if name == "lldb":
        from dapbridge.engines.mi import lldb_bundle

        return lldb_bundle.start_argv()
    if name == "gdb":
        from dapbridge.engines.mi import gdb

        return gdb.start_argv()
    return []


def make_running_delve_engine(address: str, agent: Agent, tasks: asyncio.TaskGroup, emit: Emit) -> Engine:
    """Return a new engine for the dlv that listens at `address`, reached from where the agent is."""
    from dapbridge.engines.relay.engine import RelayEngine
    from dapbridge.engines.running_delve import RunningDelve

    return RelayEngine(RunningDelve(address, agent), tasks, emit)


def make_engine(name: EngineName, agent: Agent, process: Process, tasks: asyncio.TaskGroup, emit: Emit) -> Engine:
    """Return a new engine for `process`."""
    if name == "gdb":
        from dapbridge.engines.mi.engine import MiEngine
        from dapbridge.engines.mi.gdb import Gdb

        return MiEngine(Gdb(), agent, process, tasks, emit)
    if name == "lldb":
        from dapbridge.engines.mi.engine import MiEngine
        from dapbridge.engines.mi.lldb import Lldb

        return MiEngine(Lldb(), agent, process, tasks, emit)
    from dapbridge.engines.delve import Delve
    from dapbridge.engines.relay.engine import RelayEngine

    return RelayEngine(Delve(agent, process, tasks), tasks, emit)
