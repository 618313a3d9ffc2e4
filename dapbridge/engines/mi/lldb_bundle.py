"""The MI server for LLDB as one zip file that Python in the sidecar imports from, under the modules' full names."""

import io
import zipfile
from functools import cache
from importlib.resources import files

_PACKAGES = ("dapbridge", "dapbridge/agent", "dapbridge/agent/remote")
_SHARED = ("healing.py", "kernel.py", "link_map.py", "processes.py", "rootfs.py", "watchpoints.py")
"""Modules of the agent's that the server uses too."""

_LOOKING_PACKAGES = ("dapbridge/engines", "dapbridge/engines/mi", "dapbridge/engines/mi/inside_gdb")
_LOOKING = (
    *("values.py", "dispatch.py", "views.py", "texts.py", "summaries.py", "assigning.py"),
    *("libstdcxx_views.py", "rust_views.py", "rust_paths.py", "printer_views.py", "globals.py", "regions.py"),
    "rust_types.py",
    *("disassembly.py", "function_starts.py", "functions.py", "lines.py", "line_calls.py", "places.py", "jumps.py"),
    *("thrown.py", "cpp_exceptions.py", "rust_panics.py", "signals.py", "watch_places.py"),
)
"""Modules of gdb's side that show values on LLDB too (`lldb_mi/looking.py`)."""


@cache
def make_bundle() -> bytes:
    """Return the zip file."""
    packed = io.BytesIO()
    remote = files("dapbridge.agent").joinpath("remote")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in (*_PACKAGES, *_LOOKING_PACKAGES):
            archive.writestr(f"{package}/__init__.py", "")
        for name in _SHARED:
            archive.writestr(f"dapbridge/agent/remote/{name}", remote.joinpath(name).read_bytes())
        for name in _LOOKING:
            content = files("dapbridge.engines.mi").joinpath("inside_gdb", name).read_bytes()
            archive.writestr(f"dapbridge/engines/mi/inside_gdb/{name}", content)
        for folder in ("lldb_mi", "lldb_mi/gdb_api"):
            for file in remote.joinpath(folder).iterdir():
                if file.name.endswith(".py"):
                    archive.writestr(f"dapbridge/agent/remote/{folder}/{file.name}", file.read_bytes())
    return packed.getvalue()


def start_argv(path: str, pid: int) -> list[str]:
    """Return the command line that runs the server for process `pid` out of the zip file at `path`."""
    start = (
        f"import sys; sys.path.insert(0, {path!r}); from dapbridge.agent.remote.lldb_mi.main import main; main({pid})"
    )
    return ["python3", "-I", "-c", start]
