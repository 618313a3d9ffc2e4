"""Runs inside gdb: `-x-sources`, the full names of all sources that the debug info has (gdb ≥ 14).

Like `-file-list-exec-source-files`, with each name once, and quick to parse where there are ten thousands.
"""

from typing import Any

import gdb

from .commands import mi_command


def sources() -> dict[str, Any]:
    """Return the full names, sorted."""
    files = gdb.execute_mi("-file-list-exec-source-files")["files"]
    return {"sources": sorted({each["fullname"] for each in files if "fullname" in each})}


if hasattr(gdb, "execute_mi"):
    mi_command("-x-sources")(sources)
