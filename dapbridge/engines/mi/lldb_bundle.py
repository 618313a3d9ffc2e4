"""The MI server for LLDB as one file of sources by the modules' full names, which Python in the sidecar imports from.

That takes half as long as to import from a zip file.
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


_START = """\
import json, sys, zlib
with open({path!r}, "rb") as file:
    sources = json.loads(zlib.decompress(file.read()))
loader = {{"__name__": "dapbridge.agent.remote.loader"}}
exec(compile(sources[loader["__name__"]], "<bundle>/loader", "exec"), loader)
finder = loader["BundleFinder"](sources)
sys.meta_path.insert(0, finder)
from dapbridge.agent.remote.lldb_mi.main import main
main({pid}, finder)
"""


@cache
def make_bundle() -> bytes:
    """Return the file."""
    remote = files("dapbridge.agent").joinpath("remote")
    sources: dict[str, str] = {}

    def add(package: str, *found: Traversable) -> None:
        for file in found:
            if file.name.endswith(".py"):
                name = f"{package}.{file.name.removesuffix('.py')}".removesuffix(".__init__")
                sources[name] = file.read_text("utf-8")

    add("dapbridge.agent.remote", *(remote.joinpath(name) for name in _SHARED))
    add("dapbridge.agent.remote.lldb_mi", *(remote.joinpath("lldb_mi", name) for name in _FIRST))
    add("dapbridge.agent.remote.lldb_mi", *remote.joinpath("lldb_mi").iterdir())
    add("dapbridge.agent.remote.lldb_mi.gdb_api", *remote.joinpath("lldb_mi", "gdb_api").iterdir())
    inside_gdb = files("dapbridge.engines.mi").joinpath("inside_gdb")
    add("dapbridge.engines.mi.inside_gdb", *(inside_gdb.joinpath(name) for name in _LOOKING))
    return zlib.compress(msgspec.json.encode(sources))


def start_argv(path: str, pid: int) -> list[str]:
    """Return the command line that runs the server for process `pid` out of the file at `path`."""
    return ["python3", "-I", "-c", _START.format(path=path, pid=pid)]
