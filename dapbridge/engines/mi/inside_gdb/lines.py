"""Runs inside gdb: `-x-lines FILE FIRST LAST`, the lines of that range that have code. The target may run."""

from typing import Any

import gdb

from .commands import mi_command


@mi_command("-x-lines")
def x_lines(file: str, first: str, last: str) -> dict[str, Any]:
    """Return the lines, in order; [] for a file that no debug info names."""
    wanted = range(int(first), int(last) + 1)
    quoted = file.replace("\\", "\\\\").replace('"', '\\"')
    try:
        _, places = gdb.decode_line(f'"{quoted}":{first}')
    except gdb.error:
        return {"lines": []}
    # A header has a line table in every unit that includes it.
    tables = [place.symtab.linetable() for place in places or () if place.symtab is not None]
    return {"lines": sorted({line for table in tables for line in table.source_lines() if line in wanted})}
