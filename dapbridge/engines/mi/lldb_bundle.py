"""The MI server for LLDB as bytes: the command that starts it, and what is sent to its stdin before MI.

It is a dict of sources by the modules' full names: to import from that takes half as long as from a zip file.
"""

import zlib
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

import msgspec

_SHARED = ("loader.py", "healing.py", "kernel.py", "link_map.py", "processes.py", "rootfs.py", "watchpoints.py")
"""Modules of the agent's that the server uses too."""

_FIRST = ("errors.py", "traps.py", "session.py", "files.py", "symbols.py")
"""Modules that the server begins with: they are compiled first (`lldb_mi/compiling.py`)."""

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
    """Pack the modules, in the order in which they are compiled."""
    remote = files("dapbridge.agent").joinpath("remote")
    found: dict[str, str] = {}

    def add(package: str, *added: Traversable) -> None:
        for file in added:
            if file.name.endswith(".py") and file.name != _START:
                name = f"{package}.{file.name.removesuffix('.py')}".removesuffix(".__init__")
                found[name] = file.read_text("utf-8")

    add("dapbridge.agent.remote", *(remote.joinpath(name) for name in _SHARED))
    add("dapbridge.agent.remote.lldb_mi", *(remote.joinpath("lldb_mi", name) for name in _FIRST))
    add("dapbridge.agent.remote.lldb_mi", *remote.joinpath("lldb_mi").iterdir())
    add("dapbridge.agent.remote.lldb_mi.gdb_api", *remote.joinpath("lldb_mi", "gdb_api").iterdir())
    inside_gdb = files("dapbridge.engines.mi").joinpath("inside_gdb")
    add("dapbridge.engines.mi.inside_gdb", *(inside_gdb.joinpath(name) for name in _LOOKING))
    return zlib.compress(msgspec.json.encode(found))
