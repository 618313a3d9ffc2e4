"""Writes what was copied of a process as an ELF core file, which any debugger reads (elf(5), <linux/elfcore.h>).

Pure: values in, bytes out. For 64-bit little-endian machines.
"""

from __future__ import annotations

import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    Data = bytes | memoryview

MACHINES = {"x86_64": 62, "aarch64": 183}
PAGE = 4096

NT_PRSTATUS, NT_FPREGSET, NT_PRPSINFO, NT_AUXV = 1, 2, 3, 6
NT_FILE = 0x46494C45
_FROM_LINUX = frozenset({0x401, 0x406})
"""Register sets of Arm, whose notes are named LINUX; the others are CORE's."""

_EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
_PHDR = struct.Struct("<IIQQQQQQ")
_SHDR = struct.Struct("<IIQQQQIIQQ")
_ET_CORE, _PT_LOAD, _PT_NOTE = 4, 1, 4
_READ_WRITE = 6
_MANY_HEADERS = 0xFFFF
_PRSTATUS_HEAD = struct.Struct("<iiihxxQQiiii64x")
_PRPSINFO = struct.Struct("<bcbb4xQIIiiii16s80s")


class Thread:
    """One thread's registers as the kernel gives them, by the type of their note."""

    __slots__ = ("registers", "tid")

    def __init__(self, tid: int, registers: dict[int, bytes]) -> None:
        self.tid = tid
        self.registers = registers


class MappedFile:
    """A file mapped into the process; `offset` is in bytes, `path` as a debugger will look for it."""

    __slots__ = ("end", "offset", "path", "start")

    def __init__(self, start: int, end: int, offset: int, path: str) -> None:
        self.start = start
        self.end = end
        self.offset = offset
        self.path = path


class Core:
    """What a core file holds. `memory`: pieces of it, (address, bytes), in any order; they may overlap."""

    def __init__(self, machine: str, pid: int, name: str, command: str) -> None:
        """Raises KeyError for a machine that is not known."""
        self.machine = MACHINES[machine]
        self.pid = pid
        self.name = name
        self.command = command
        self.ids = (0, 0)
        self.auxv = b""
        self.threads: list[Thread] = []
        self.files: list[MappedFile] = []
        self.memory: list[tuple[int, Data]] = []

    def chunks(self) -> Iterator[Data]:
        """Yield the file's content, piece by piece."""
        notes = b"".join(self._notes())
        pieces = without_overlaps(self.memory)
        count = len(pieces) + 1
        # Where they are too many for their field, their number stands in the first section header (elf(5), "e_phnum").
        is_many = count >= _MANY_HEADERS
        offset = _EHDR.size + count * _PHDR.size
        section_at = offset if is_many else 0
        notes_at = offset + (_SHDR.size if is_many else 0)
        ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
        header = (ident, _ET_CORE, self.machine, 1, 0, _EHDR.size, section_at, 0)
        number = _MANY_HEADERS if is_many else count
        yield _EHDR.pack(*header, _EHDR.size, _PHDR.size, number, _SHDR.size if is_many else 0, int(is_many), 0)
        yield _PHDR.pack(_PT_NOTE, 0, notes_at, 0, 0, len(notes), 0, 4)
        data_at = offset = _aligned(notes_at + len(notes))
        for address, data in pieces:
            yield _PHDR.pack(_PT_LOAD, _READ_WRITE, offset, address, 0, len(data), len(data), 1)
            offset += len(data)
        if is_many:
            yield _SHDR.pack(0, 0, 0, 0, 0, 0, 0, count, 0, 0)
        yield notes.ljust(data_at - notes_at, b"\0")
        for _, data in pieces:
            yield data

    def _notes(self) -> Iterator[bytes]:
        for number, thread in enumerate(self.threads):
            yield self._prstatus(thread)
            if number == 0:
                yield _note(NT_PRPSINFO, self._prpsinfo())
                yield _note(NT_AUXV, self.auxv)
                yield _note(NT_FILE, self._mapped_files())
            for kind, registers in thread.registers.items():
                if kind != NT_PRSTATUS:
                    yield _note(kind, registers, b"LINUX" if kind in _FROM_LINUX else b"CORE")

    def _prstatus(self, thread: Thread) -> bytes:
        head = _PRSTATUS_HEAD.pack(0, 0, 0, 0, 0, 0, thread.tid, 0, self.pid, self.pid)
        return _note(NT_PRSTATUS, head + thread.registers[NT_PRSTATUS] + struct.pack("<ii", 1, 0))

    def _prpsinfo(self) -> bytes:
        name, command = (text.encode("utf-8", "surrogateescape") for text in (self.name, self.command))
        return _PRPSINFO.pack(0, b"S", 0, 0, 0, *self.ids, self.pid, 0, self.pid, self.pid, name[:15], command[:79])

    def _mapped_files(self) -> bytes:
        spans = b"".join(struct.pack("<QQQ", each.start, each.end, each.offset // PAGE) for each in self.files)
        names = b"".join(each.path.encode("utf-8", "surrogateescape") + b"\0" for each in self.files)
        return struct.pack("<QQ", len(self.files), PAGE) + spans + names


def without_overlaps(pieces: list[tuple[int, Data]]) -> list[tuple[int, Data]]:
    """Return the pieces by address, those cut off that overlap what begins before them."""
    kept: list[tuple[int, Data]] = []
    end = 0
    for address, data in sorted(pieces, key=lambda piece: piece[0]):
        start = max(address, end)
        rest = memoryview(data)[start - address :]
        if rest:
            kept.append((start, rest))
            end = start + len(rest)
    return kept


def _note(kind: int, content: bytes, name: bytes = b"CORE") -> bytes:
    name += b"\0"
    head = struct.pack("<III", len(name), len(content), kind)
    return head + name.ljust(_aligned(len(name), 4), b"\0") + content.ljust(_aligned(len(content), 4), b"\0")


def _aligned(size: int, to: int = PAGE) -> int:
    return -(-size // to) * to
