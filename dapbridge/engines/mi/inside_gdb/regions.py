"""Runs inside gdb: `-x-regions BEGIN END`, what is mapped in a range of the target's memory. It may run meanwhile."""

from collections.abc import Iterator
from typing import Any

import gdb

from .commands import mi_command

MAX_REGIONS = 4096


def regions(begin: int, end: int) -> Iterator[tuple[int, int, str]]:
    """Yield (begin, end, permissions) of the mappings that overlap a range, in order (proc(5), "maps")."""
    with open(f"/proc/{gdb.selected_inferior().pid}/maps") as maps:
        for line in maps:
            span, permissions, _ = line.split(None, 2)
            first, last = (int(each, 16) for each in span.split("-"))
            if last > begin and first < end:
                yield first, last, permissions


@mi_command("-x-regions")
def x_regions(begin: str, end: str) -> dict[str, Any]:
    """List the mappings; of very many the first."""
    found = []
    for first, last, permissions in regions(int(begin, 0), int(end, 0)):
        found.append({"begin": first, "end": last, "permissions": permissions})
        if len(found) == MAX_REGIONS:
            break
    return {"regions": found}
