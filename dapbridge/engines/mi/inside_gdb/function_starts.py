"""Runs inside gdb: where functions begin, read from the unwind table that nearly every ELF file has in memory.

It is there in stripped files too, sorted (LSB, "Exception Frames", `.eh_frame_hdr`). All of it is the target's memory,
which may hold anything: whatever doesn't fit ends the search with nothing found.
"""

import struct
from bisect import bisect_left
from collections.abc import Sequence

import gdb

_PT_LOAD = 1
_PT_GNU_EH_FRAME = 0x6474E550
_MAX_HEADERS = 64
_UDATA4 = 0x03
_DATAREL_SDATA4 = 0x3B
_ENTRY = struct.Struct("=ii")
_MAX_ENTRIES = 1 << 24
_MAX_FOUND = 1 << 16


def read(address: int, count: int) -> bytes:
    """Return bytes of the target's memory. Raises gdb.MemoryError."""
    return bytes(gdb.selected_inferior().read_memory(address, count))


class _Table(Sequence[int]):
    """The beginnings of an ELF file's functions, each read when it is looked at."""

    def __init__(self, header: int) -> None:
        head: tuple[int, ...] = struct.unpack("=BBBBiI", read(header, 12))
        version, _, count_encoding, table_encoding, _, count = head
        if (version, count_encoding, table_encoding) != (1, _UDATA4, _DATAREL_SDATA4) or count > _MAX_ENTRIES:
            raise ValueError
        self._header = header
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, at):  # type: ignore[no-untyped-def]
        if isinstance(at, slice):
            start, stop, _ = at.indices(self._count)
            data = read(self._header + 12 + start * _ENTRY.size, max(stop - start, 0) * _ENTRY.size)
            return [self._header + offset for offset, _ in _ENTRY.iter_unpack(data)]
        if not 0 <= at < self._count:
            raise IndexError
        return self[at : at + 1][0]


def function_starts(file_begin: int, begin: int, end: int) -> list[int]:
    """Return where functions begin in [begin, end), with the last one before that, as far as it can be known.

    file_begin: where the ELF file's header is mapped.
    """
    try:
        table = _Table(_find_header(file_begin))
        first = max(bisect_left(table, begin + 1) - 1, 0)
        last = min(bisect_left(table, end), first + _MAX_FOUND)
        return sorted({each for each in table[first:last] if each < end})
    except (ValueError, struct.error, gdb.MemoryError, gdb.error):
        return []


def _find_header(file_begin: int) -> int:
    """Return the address of `.eh_frame_hdr`. Raises ValueError."""
    ident = read(file_begin, 64)
    if ident[:6] != b"\x7fELF\x02\x01":
        raise ValueError
    (offset,) = struct.unpack_from("<Q", ident, 32)
    size, count = struct.unpack_from("<HH", ident, 54)
    if size != 56 or count > _MAX_HEADERS:
        raise ValueError
    headers: list[tuple[int, ...]] = list(struct.iter_unpack("<IIQQQQQQ", read(file_begin + offset, size * count)))
    bias = next(file_begin - (vaddr & ~0xFFF) for kind, _, _, vaddr, *_ in headers if kind == _PT_LOAD)
    for kind, _, _, vaddr, *_ in headers:
        if kind == _PT_GNU_EH_FRAME:
            return bias + vaddr
    raise ValueError
