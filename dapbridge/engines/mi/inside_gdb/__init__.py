"""Runs inside gdb (its own Python): what gdb needs beside its MI. Imported there as `inside_gdb`, out of a zip file.

Knows nothing of dapbridge. Each part is for itself: one that fails leaves the others, and gdb, as they are.
"""

import importlib

import gdb

# Imported in this order; a new part is named here.
PARTS = (
    "printers",
    "batch",
    "regions",
    "values",
    "globals",
    "registers",
    "places",
    "completion",
    "modules",
    "frames",
    "logpoints",
    "calls",
    "hits",
    "lines",
    "jumps",
    "line_calls",
    "threads",
    "disassembly",
    "sources",
    "new_program",
    "exceptions",
    "watch_places",
    "watching",
)

for _part in PARTS:
    try:
        importlib.import_module(f"{__name__}.{_part}")
    except Exception as error:  # noqa: BLE001 - a part that can't be there must not keep gdb from starting
        gdb.write(f"{_part}: {error!r}\n", gdb.STDLOG)
