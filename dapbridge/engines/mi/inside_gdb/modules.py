"""Runs inside gdb: `-x-modules [FILE ADDRESS]…`, facts of the program and of libraries. The target may run meanwhile.

A library is named by its file as `-file-list-shared-libraries` has it ("host-name"), with an address inside of it.
"""

import struct
from typing import Any

import gdb

from .commands import mi_command

_AT_ENTRY = 9


class _Mappings:
    """The target's mappings of files, in order: (begin, end, device and inode)."""

    def __init__(self, pid: int) -> None:
        self._found: list[tuple[int, int, str]] = []
        if pid:
            with open(f"/proc/{pid}/maps") as maps:
                for line in maps:
                    span, _, _, device, inode, *_ = line.split(None, 5)
                    begin, end = (int(each, 16) for each in span.split("-"))
                    self._found.append((begin, end, f"{device} {inode}"))

    def around(self, address: int) -> dict[str, int]:
        """Return where the file that is mapped at an address begins and ends; {} where none is."""
        found = self._found
        first = last = next((at for at, (begin, end, _) in enumerate(found) if begin <= address < end), -1)
        if first < 0:
            return {}
        file = found[first][2]
        while first and found[first - 1][2] == file:
            first -= 1
        while last + 1 < len(found) and found[last + 1][2] == file:
            last += 1
        return {"begin": found[first][0], "end": found[last][1]}


@mi_command("-x-modules")
def x_modules(*libraries: str) -> dict[str, Any]:
    """Return the program's facts and those of each library, in order."""
    pid = gdb.selected_inferior().pid
    mappings = _Mappings(pid)
    objfiles = [each for each in gdb.objfiles() if each.is_valid()]
    with_debug_info = _with_debug_info()
    files = [gdb.current_progspace().filename, *libraries[0::2]]
    addresses = [_entry(pid), *(int(each, 0) for each in libraries[1::2])]
    return {
        "modules": [
            _facts(objfiles, file, with_debug_info) | (mappings.around(address) if address else {})
            for file, address in zip(files, addresses, strict=True)
        ]
    }


def _facts(objfiles: list[Any], file: str, with_debug_info: set[str]) -> dict[str, Any]:
    own = next((each for each in objfiles if file in (each.filename, each.username)), None)
    if own is None:
        return {"is_read": False, "has_debug_info": False}
    separate = next((each.filename for each in objfiles if each.owner is not None and each.owner == own), None)
    facts = {"is_read": True, "has_debug_info": bool(separate) or own.filename in with_debug_info}
    return facts | ({"build_id": own.build_id} if own.build_id else {}) | ({"debug_file": separate} if separate else {})


def _with_debug_info() -> set[str]:
    """Return the names of the files that have a section with debug info."""
    found: set[str] = set()
    name = ""
    listed = gdb.execute("maintenance info sections -all-objects .debug_info", to_string=True)
    for line in listed.splitlines():
        if ": `" in line:
            name = line.split("`", 1)[1].rsplit("'", 1)[0]
        elif ".debug_info" in line:
            found.add(name)
    return found


def _entry(pid: int) -> int:
    """Return where the program is entered: an address inside of its file's mapping; 0 if that can't be known."""
    if not pid:
        return 0
    pair = struct.Struct("@LL")
    try:
        with open(f"/proc/{pid}/auxv", "rb") as auxv:
            data = auxv.read()
    except OSError:
        return 0
    entries: dict[int, int] = dict(pair.iter_unpack(data[: len(data) // pair.size * pair.size]))
    return entries.get(_AT_ENTRY, 0)
