"""The libraries of a process by the names its dynamic linker uses, read from its memory without stopping it.

/proc/PID/maps shows resolved paths, but a debugger asks for the names in the link map (`r_debug`, as in <link.h>). The
memory is hostile input and may change while it is read: every count and string is bounded.
"""

from __future__ import annotations

import os
import struct

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_ENTRIES = 4096
MAX_NAME = 4096
_MAX_HEADERS = 512
_AT_PHDR, _AT_PHENT, _AT_PHNUM, _AT_BASE, _AT_ENTRY = 3, 4, 5, 7, 9
_PT_DYNAMIC, _PT_INTERP = 2, 3
_DT_DEBUG = 21


class LinkMapError(Exception):
    """There is no link map, or what stands in its place makes no sense."""


class LinkMap:
    """The link map of one process, and its dynamic linker's own name. Close it."""

    def __init__(self, pid: int) -> None:
        """Raises OSError, LinkMapError."""
        with open(f"/proc/{pid}/exe", "rb") as exe:
            header = exe.read(32)
        if len(header) < 32 or header[:4] != b"\x7fELF" or header[4] not in (1, 2) or header[5] not in (1, 2):
            raise LinkMapError("the program is no ELF file")
        self._is_64bit = header[4] == 2
        self._order = "<" if header[5] == 1 else ">"
        self._word = "Q" if self._is_64bit else "I"
        self._word_size = 8 if self._is_64bit else 4
        # e_entry: the same offset in Elf32_Ehdr and Elf64_Ehdr.
        entry = int(struct.unpack_from(self._order + self._word, header, 24)[0])
        with open(f"/proc/{pid}/auxv", "rb") as auxv:
            data = auxv.read()
        self._auxv = dict(self._pairs(data))
        self._load_bias = self._auxv.get(_AT_ENTRY, entry) - entry
        self.touched: list[tuple[int, int]] = []
        """What was read of the memory, as (address, size)."""
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        try:
            self._headers = self._program_headers()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        os.close(self._memory)

    def interpreter(self) -> str | None:
        """Return the dynamic linker's name as the program has it, None for a static program. Raises LinkMapError."""
        if _PT_INTERP not in self._headers:
            return None
        return self._string(self._headers[_PT_INTERP][0])

    @property
    def interpreter_base(self) -> int:
        """Where the dynamic linker was loaded by the kernel, 0 for a static program."""
        return self._auxv.get(_AT_BASE, 0)

    @property
    def load_bias(self) -> int:
        """By how much the program's addresses in memory are above those of its file."""
        return self._load_bias

    def libraries(self) -> Iterator[tuple[str, int]]:
        """Yield (name, address of the dynamic section) of each entry that has a name. Raises LinkMapError."""
        for name, _, dynamic in self._entries():
            yield name, dynamic

    def load_biases(self) -> Iterator[tuple[str, int]]:
        """Yield (name, load bias) of each entry that has a name. Raises LinkMapError."""
        for name, load_bias, _ in self._entries():
            yield name, load_bias

    def _entries(self) -> Iterator[tuple[str, int, int]]:
        entry = self._first_entry()
        seen: set[int] = set()
        while entry and entry not in seen and len(seen) < MAX_ENTRIES:
            seen.add(entry)
            load_bias, name, dynamic, following = self._words(entry, 4)
            text = self._string(name) if name else ""
            if text:
                yield text, load_bias, dynamic
            entry = following

    def _first_entry(self) -> int:
        if _PT_DYNAMIC not in self._headers:
            return 0
        address, size = self._headers[_PT_DYNAMIC]
        size = min(size, _MAX_HEADERS * 2 * self._word_size)
        r_debug = dict(self._pairs(self._read(address, size))).get(_DT_DEBUG, 0)
        # struct r_debug { int r_version; struct link_map *r_map; ... }
        return self._words(r_debug, 2)[1] if r_debug else 0

    def _program_headers(self) -> dict[int, tuple[int, int]]:
        """Map the type of each program header to its (address in memory, size there)."""
        table, size, count = (self._auxv.get(key, 0) for key in (_AT_PHDR, _AT_PHENT, _AT_PHNUM))
        # Elf64_Phdr: type, flags, offset, vaddr, paddr, filesz, memsz, align; Elf32_Phdr has its flags after memsz.
        layout = struct.Struct(self._order + ("IIQQQQQQ" if self._is_64bit else "IIIIIIII"))
        if size != layout.size or not 0 < count <= _MAX_HEADERS:
            raise LinkMapError(f"{count} program headers of {size} bytes")
        headers = {}
        for fields in layout.iter_unpack(self._read(table, size * count)):
            address, memory_size = (fields[3], fields[6]) if self._is_64bit else (fields[2], fields[5])
            headers[fields[0]] = (address, memory_size)
        return {kind: (address + self._load_bias, size) for kind, (address, size) in headers.items()}

    def _pairs(self, data: bytes) -> Iterator[tuple[int, int]]:
        layout = struct.Struct(self._order + self._word * 2)
        for key, value in layout.iter_unpack(data[: len(data) // layout.size * layout.size]):
            if key == 0:
                return
            yield key, value

    def _words(self, address: int, count: int) -> tuple[int, ...]:
        return struct.unpack(self._order + self._word * count, self._read(address, count * self._word_size))

    def _string(self, address: int) -> str:
        """Read up to the NUL, from one page after the other, for the next page may not be there."""
        text = b""
        while len(text) < MAX_NAME:
            piece = self._read(address, 256 - address % 256)
            text += piece.partition(b"\0")[0]
            if b"\0" in piece:
                return os.fsdecode(text)
            address += len(piece)
        raise LinkMapError(f"a name of more than {MAX_NAME} bytes")

    def _read(self, address: int, size: int) -> bytes:
        try:
            data = os.pread(self._memory, size, address)
        except (OSError, OverflowError) as error:
            raise LinkMapError(f"{size} bytes at {address:#x} can't be read: {error}") from error
        self.touched.append((address, size))
        if len(data) != size:
            raise LinkMapError(f"only {len(data)} of {size} bytes at {address:#x}")
        return data
