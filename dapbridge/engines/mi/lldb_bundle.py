"""The MI server for LLDB as bytes: the command that starts it, and what is sent to its stdin before MI.

It is a dict of sources by the modules' full names: to import from that takes half as long as from a zip file.
"""

import zlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

_AGENT = "dapbridge.agent.remote"
_SERVER = "dapbridge.agent.remote.lldb_mi"

_SHARED = ("loader.py", "healing.py", "kernel.py", "link_map.py", "processes.py", "rootfs.py", "watchpoints.py")
"""Modules of the agent's that the server uses too."""

EARLY = (
    *("compiling", "main", "fitness", "output", "parsing", "keeper"),
    *("symbols", "errors", "files", "session", "traps"),
    *("healing", "kernel", "processes", "rootfs", "link_map", "watchpoints"),
    *("areas", "attaching", "events", "breakpoints", "conditions", "expressions"),
    *("commands", "hits", "looking", "names", "exits", "signals", "modules", "new_program"),
    *("stops", "watching", "threads", "one_cpu", "batch", "execution", "settings", "server"),
)
"""Modules that the server starts with: they are compiled for it, in this order (`lldb_mi/compiling.py`)."""

_LOOKING = (
    *("values.py", "dispatch.py", "views.py", "texts.py", "summaries.py", "assigning.py"),
    *("libstdcxx_views.py", "rust_views.py", "rust_paths.py", "printer_views.py", "globals.py", "regions.py"),
    "rust_types.py",
    *("disassembly.py", "function_starts.py", "functions.py", "lines.py", "line_calls.py", "places.py", "jumps.py"),
    *("thrown.py", "cpp_exceptions.py", "rust_panics.py", "signals.py", "watch_places.py"),
)
"""Modules of gdb's side that show values on LLDB too (`lldb_mi/looking.py`)."""


_START = "starting.py"


@cache
def start_argv() -> list[str]:
    """Return the command line that runs the server."""
    program = files("dapbridge.agent").joinpath("remote", "lldb_mi", _START).read_text("utf-8")
    return ["python3", "-I", "-c", program]


def first_bytes(pid: int) -> bytes:
    """Return what its stdin begins with; the target is process `pid`."""
    bundle = make_bundle()
    return b"%08x%08x" % (pid, len(bundle)) + bundle


@cache
def make_bundle() -> bytes:
    """Pack the modules."""
    remote = files("dapbridge.agent").joinpath("remote")
    found: dict[str, str] = {}

    def add(package: str, *added: Traversable) -> None:
        for file in added:
            if file.name.endswith(".py") and file.name != _START:
                name = f"{package}.{file.name.removesuffix('.py')}".removesuffix(".__init__")
                found[name] = file.read_text("utf-8")

    add(_AGENT, *(remote.joinpath(name) for name in _SHARED))
    add(_SERVER, *remote.joinpath("lldb_mi").iterdir())
    add(f"{_SERVER}.gdb_api", *remote.joinpath("lldb_mi", "gdb_api").iterdir())
    inside_gdb = files("dapbridge.engines.mi").joinpath("inside_gdb")
    add("dapbridge.engines.mi.inside_gdb", *(inside_gdb.joinpath(name) for name in _LOOKING))
    early = [name for each in EARLY for name in (f"{_SERVER}.{each}", f"{_AGENT}.{each}") if name in found]
    return zlib.compress(msgspec.json.encode({"sources": found, "early": early}))
