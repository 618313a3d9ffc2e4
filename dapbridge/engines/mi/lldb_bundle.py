"""The MI server for LLDB as one zip file that Python in the sidecar imports from, under the modules' full names."""

import io
import zipfile
from functools import cache
from importlib.resources import files

_PACKAGES = ("dapbridge", "dapbridge/agent", "dapbridge/agent/remote")
_SHARED = ("healing.py", "kernel.py", "link_map.py", "processes.py", "rootfs.py")
"""Modules of the agent's that the server uses too."""


@cache
def make_bundle() -> bytes:
    """Return the zip file."""
    packed = io.BytesIO()
    remote = files("dapbridge.agent").joinpath("remote")
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for package in _PACKAGES:
            archive.writestr(f"{package}/__init__.py", "")
        for name in _SHARED:
            archive.writestr(f"dapbridge/agent/remote/{name}", remote.joinpath(name).read_bytes())
        for file in remote.joinpath("lldb_mi").iterdir():
            if file.name.endswith(".py"):
                archive.writestr(f"dapbridge/agent/remote/lldb_mi/{file.name}", file.read_bytes())
    return packed.getvalue()


def start_argv(path: str, pid: int) -> list[str]:
    """Return the command line that runs the server for process `pid` out of the zip file at `path`."""
    start = (
        f"import sys; sys.path.insert(0, {path!r}); from dapbridge.agent.remote.lldb_mi.main import main; main({pid})"
    )
    return ["python3", "-I", "-c", start]
