"""What the server needs of the sidecar's image, and what it says where that is missing; knows nothing of sessions.

Images come in many ways, and a debugger that has only ended leaves its reason to the log. So where something is missing
a server runs all the same, which answers every command with what that is (`refuse`).
"""

from __future__ import annotations

import importlib.util
import os
import re
from collections.abc import Iterator
from typing import Any

from dapbridge.agent.remote.lldb_mi.output import Output
from dapbridge.agent.remote.lldb_mi.parsing import parse_command

_REMEDY = 'add it to the image, or leave "image" out of "sidecar": dapbridge\'s own image has all that is needed'
_SERVER = "lldb-server"
_NAME = re.compile(rf"/{_SERVER}(?:-(\d+))?\Z")
_NEEDED = (
    ("SBPlatform", "SetLocateModuleCallback"),
    ("SBWatchpointOptions", "SetWatchpointTypeWrite"),
    ("SBType", "GetStaticFieldWithName"),
)
"""Of LLDB's Python API, what came last: with LLDB 17, 18 and 19."""

_FAULTS = {
    "22": "LLDB 22 crashes at some C++ programs of g++ (llvm-project issue 202087), which ends the session; the target "
    "runs on. LLDB 19, 21 and 23 don't",
}
"""What a version is known to get wrong for everybody."""


class UnfitImageError(Exception):
    """The image lacks something, in words for the user."""


def find_lldb_server() -> str:
    """Return the lldb-server that is beside the module `lldb`, else the newest by its name. Raises UnfitImageError."""
    for folder in _above_module():
        if os.access(path := f"{folder}/bin/{_SERVER}", os.X_OK):
            return path
    names = (f"{folder}/{name}" for folder in os.get_exec_path() for name in _list(folder))
    found = [(int(version[1] or 0), path) for path in names if (version := _NAME.search(path))]
    if not found:
        # What is said of the module goes first: who adds one adds the other too.
        check_module()
        raise UnfitImageError(f"the sidecar's image has no {_SERVER}, the part of LLDB that traces: {_REMEDY}")
    return max(found)[1]


def _list(folder: str) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []


def _above_module() -> Iterator[str]:
    """Yield the folders that the module's own one is in, the nearest first."""
    module = importlib.util.find_spec("lldb")
    for place in (module and module.submodule_search_locations) or ():
        folder = os.path.realpath(place)
        while len(folder) > 1:
            folder = os.path.dirname(folder)
            yield folder.rstrip("/")


def check_module() -> None:
    """Import the module `lldb`. Raises UnfitImageError for one that is missing, broken or too old."""
    try:
        import lldb
    except ImportError as error:
        raise UnfitImageError(
            f"the sidecar's image has no Python module 'lldb' that its python3 can import ({error}): {_REMEDY}"
        ) from None
    if not hasattr(lldb, "SBDebugger"):
        places = ", ".join(lldb.__path__)
        raise UnfitImageError(
            f"the Python module 'lldb' of the sidecar's image is not whole: {places} has no SBDebugger, as with "
            f"Debian's python3-lldb-19 and older; docs/lldb.md says how to mend it"
        )
    for class_, member in _NEEDED:
        if not hasattr(getattr(lldb, class_, None), member):
            raise UnfitImageError(
                f"the sidecar's image has LLDB {version_of(lldb.SBDebugger.GetVersionString())}, which is too old "
                f"(its Python module has no {class_}.{member}): it takes LLDB 19 or newer"
            )


def warning_of(version: str) -> str:
    """Return what a user of a version of LLDB should know, "" for nothing."""
    return _FAULTS.get(version_of(version).partition(".")[0], "")


def version_of(text: str) -> str:
    """Return the number in what LLDB or lldb-server says of its version."""
    found = re.search(r"\d+(\.\d+)+", text)
    return found[0] if found else text.strip()


def refuse(problem: UnfitImageError, input_: Any, output: Output) -> None:
    """Answer every command with a problem, up to `-gdb-exit` or the end of the input."""
    output.prompt()
    for line in input_:
        parsed = parse_command(line)
        if parsed is None:
            continue
        output.result(parsed[0], "error", {"msg": str(problem)})
        output.prompt()
        if parsed[1] == "-gdb-exit":
            return
