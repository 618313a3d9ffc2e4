"""Runs inside gdb: `-x-disassemble ADDRESS OFFSET COUNT`, as many instructions as asked for, also from before ADDRESS.

Where instructions of different lengths begin can't be told going backwards. So code is decoded forwards from anchors:
from the beginning of each function to that of the next. Every address is thereby decoded from the same anchor, whoever
asks and in which direction: pages fit together. What is no code counts as instructions of one byte that are invalid.
"""

from collections.abc import Generator, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

import gdb

from .commands import mi_command
from .function_starts import function_starts, read

_LIKELY_SIZE = 6
_MAX_DISTANCE = 64 * 1024
"""An anchor further away is none: what lies between may be data, and decoding it takes long."""
_GRID = 4096
_RUN_UP = 512
_LONGEST = 16
_END_OF_MEMORY = 1 << 64

# (address, size, text); the text is None for what is no instruction.
Instruction = tuple[int, int, str | None]


class Area(NamedTuple):
    """Code that is mapped without a gap, of one file, whose beginning is mapped at `file_begin`."""

    begin: int
    end: int
    file: str
    file_begin: int

    def anchors(self, begin: int, end: int) -> list[int]:
        """Return the addresses in [begin, end) at which decoding begins anew, with the last one before that."""
        found = [each for each in function_starts(self.file_begin, begin, end) if self.begin <= each < self.end]
        near = [each for each in found if begin - _MAX_DISTANCE <= each <= begin]
        return [near[-1] if near else self._last_resort(begin), *(each for each in found if each > begin)]

    def _last_resort(self, address: int) -> int:
        """Return an anchor at or before an address of which no function is known: a symbol's beginning, or a guess."""
        if (symbol := find_symbol(address)) and symbol[1] <= min(address - self.begin, _MAX_DISTANCE):
            return address - symbol[1]
        # From wherever decoding begins, it soon falls in step with the code; where it has done so by a fixed address.
        grid = max(address // _GRID * _GRID - _RUN_UP, self.begin)
        decoded = list(decode(grid, min(grid + _RUN_UP + _LONGEST, self.end)))
        return next((at for at, _, _ in reversed(decoded) if at <= min(grid + _RUN_UP, address)), grid)


@lru_cache(maxsize=65536)
def find_symbol(address: int) -> tuple[str, int] | None:
    """Return the symbol that an address belongs to, and how far behind its beginning that is."""
    _, found, text = gdb.format_address(address).partition(" <")
    name, _, distance = text.removesuffix(">").rpartition("+")
    if distance.isdecimal():
        return name, int(distance)
    return (text.removesuffix(">"), 0) if found else None


def decode(begin: int, end: int) -> Iterator[Instruction]:
    """Yield the instructions of [begin, end); bytes at its end, or anywhere, that make no whole one are none."""
    architecture = gdb.selected_inferior().architecture()
    at = begin
    while at < end:
        try:
            decoded = architecture.disassemble(at, end - 1)
        except gdb.MemoryError:
            # Somewhere behind, by an instruction that isn't whole: one by one up to that.
            try:
                decoded = architecture.disassemble(at, at, 1)
            except gdb.MemoryError:
                decoded = []
        for each in decoded:
            if each["addr"] + each["length"] > end:
                break
            text = each["asm"]
            yield each["addr"], each["length"], None if text.startswith("(bad)") else text
            at = each["addr"] + each["length"]
        else:
            if decoded:
                continue
        yield at, 1, None
        at += 1


def decode_between(anchors: list[int], end: int) -> Iterator[Instruction]:
    """Yield the instructions from the first anchor to `end`, decoding anew from each anchor."""
    for begin, its_end in zip(anchors, [*anchors[1:], end], strict=True):
        restart: int | None = begin
        while restart is not None:
            restart = yield from _decode_to_symbol(restart, its_end)


def _decode_to_symbol(begin: int, end: int) -> Generator[Instruction, None, int | None]:
    """Yield instructions up to a symbol that begins inside of one, which therefore is none; return its beginning."""
    last: Instruction | None = None
    for each in decode(begin, end):
        if last is not None:
            symbol = find_symbol(each[0])
            if symbol and last[0] < (start := each[0] - symbol[1]) < each[0]:
                yield from ((at, 1, None) for at in range(last[0], start))
                return start
            yield last
        last = each
    if last is not None:
        yield last
    return None


def code_areas() -> list[Area]:
    """List the target's code (proc(5), "maps")."""
    found: list[Area] = []
    file_begin, last_file = 0, ""
    with open(f"/proc/{gdb.selected_inferior().pid}/maps") as maps:
        for line in maps:
            span, permissions, offset, device, inode, *_ = line.split(None, 5)
            begin, end = (int(each, 16) for each in span.split("-"))
            file = f"{device} {inode}"
            if file != last_file or int(offset, 16) == 0:
                file_begin, last_file = begin, file
            if "x" not in permissions:
                continue
            if found and found[-1][1:] == (begin, file, file_begin):
                begin = found.pop().begin
            found.append(Area(begin, end, file, file_begin))
    return found


def no_code(begin: int, end: int) -> list[Instruction]:
    """Return as many invalid instructions as there are bytes."""
    return [(at, 1, None) for at in range(begin, end)]


def before(areas: list[Area], address: int, count: int) -> list[Instruction]:
    """Return the last `count` instructions before an address; fewer only where memory begins."""
    found: list[Instruction] = []
    while (missing := count - len(found)) > 0 and address > 0:
        area = next((each for each in reversed(areas) if each.begin < address), None)
        if area is None or area.end < address:
            found = no_code(max(area.end if area else 0, address - missing), address) + found
        else:
            found = _before_in(area, address, missing) + found
        address = found[0][0]
    return found


def _before_in(area: Area, address: int, count: int) -> list[Instruction]:
    reach = count * _LIKELY_SIZE
    while True:
        begin = max(address - reach, area.begin)
        found = list(decode_between(area.anchors(begin, address), address))
        if len(found) >= count or begin == area.begin:
            return found[-count:]
        reach *= 2


def behind(areas: list[Area], address: int, count: int) -> list[Instruction]:
    """Return `count` instructions from an address on; fewer only where memory ends."""
    found: list[Instruction] = []
    while (missing := count - len(found)) > 0 and address < _END_OF_MEMORY:
        area = next((each for each in areas if each.end > address), None)
        if area is None or area.begin > address:
            found += no_code(address, min(area.begin if area else _END_OF_MEMORY, address + missing))
        else:
            found += _behind_in(area, address, missing)
        address = found[-1][0] + found[-1][1]
    return found


def _behind_in(area: Area, address: int, count: int) -> list[Instruction]:
    """Return some instructions from an address on, at most `count`."""
    end = min(address + count * _LIKELY_SIZE + _RUN_UP, area.end)
    anchors = [address, *(each for each in area.anchors(address, end) if each > address)]
    found = list(decode_between(anchors, end))
    if end < area.end:
        # The last ones may have been cut by the end of what was looked at.
        found = [each for each in found if each[0] + _LONGEST <= end]
    return found[:count]


@mi_command("-x-disassemble")
def x_disassemble(address: str, offset: str, count: str) -> dict[str, Any]:
    """Return `count` instructions, the first of which is `offset` instructions behind (negative: before) `address`."""
    find_symbol.cache_clear()
    base, first, wanted = int(address, 0), int(offset), int(count)
    areas = code_areas()
    found = before(areas, base, -first) if first < 0 else []
    # Before the first byte of memory and behind the last nothing is left to count.
    found = [(0, 1, None)] * (-first - len(found)) + found
    if (rest := first + wanted) > 0:
        found += behind(areas, base, rest)[max(first, 0) :]
    found += [(_END_OF_MEMORY - 1, 1, None)] * (wanted - len(found))
    return {"instructions": _describe(found[:wanted])}


def _describe(instructions: list[Instruction]) -> list[dict[str, Any]]:
    described = []
    paths: dict[str, str] = {}
    for address, size, text in instructions:
        body: dict[str, Any] = {"address": address, "size": size}
        if text is not None:
            body["text"] = text
            if symbol := find_symbol(address):
                body["symbol"] = symbol[0]
            place = gdb.find_pc_line(address)
            if place.symtab is not None and place.line:
                name = place.symtab.filename
                if name not in paths:
                    paths[name] = place.symtab.fullname()
                body["path"], body["line"] = paths[name], place.line
        described.append(body)
    return _with_bytes(described)


def _with_bytes(described: list[dict[str, Any]]) -> list[dict[str, Any]]:
    true = [each for each in described if "text" in each]
    for each in true:
        each["bytes"] = read(each["address"], each["size"]).hex(" ")
    return described


# Names as in the source, not as the linker has them.
gdb.execute("set print asm-demangle on")
