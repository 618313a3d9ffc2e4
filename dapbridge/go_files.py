"""The source files that a Go program names, read from the table that its runtime prints stack traces from.

That table, pclntab, is in stripped programs too. The program is the target's and may be hostile: only windows of a
fixed largest size are read. Go's own description: src/runtime/symtab.go ("pcHeader").
"""

import struct

from dapbridge.errors import UserError
from dapbridge.ranged_file import RangedFile, ReadRange, parse_remote
from dapbridge.symbols import find_section

MAX_FILE_TABLE = 2 * 1024 * 1024

_SECTIONS = (".gopclntab", ".data.rel.ro.gopclntab")
# By magic number (Go 1.16, 1.18, 1.20): the index, in words behind the first eight bytes, where the offset of the file
# table stands.
_FILE_TABLE = {0xFFFFFFFA: 4, 0xFFFFFFF0: 5, 0xFFFFFFF1: 5}


async def read_remote_go_files(read: ReadRange) -> tuple[str, ...]:
    """Return the names of the program's sources, as far as they stand in the window. Raises UserError."""
    return await parse_remote(read, read_go_files)


def read_go_files(file: RangedFile) -> tuple[str, ...]:
    """Return the names of the program's sources, as far as they stand in the window. Raises UserError."""
    try:
        return _read(file)
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"no readable table of a Go program's files: {error or type(error).__name__}") from error


def _read(file: RangedFile) -> tuple[str, ...]:
    place = next((found for name in _SECTIONS if (found := find_section(file, name))), None)
    if place is None:
        raise UserError("this program has no table of Go's files")
    offset, size = place
    header = file.read_at(offset, 80)
    order = ">" if header[0] == 0xFF else "<"
    magic = struct.unpack_from(f"{order}I", header)[0]
    if magic not in _FILE_TABLE:
        raise UserError(f"the table of Go's files has an unknown form ({magic:#x})")
    word = "Q" if header[7] == 8 else "I"
    # The file table and, behind it, the table of program counters.
    index = _FILE_TABLE[magic]
    words = struct.unpack_from(f"{order}{index + 2}{word}", header, 8)
    start, end = words[index], min(words[index + 1], size)
    content = file.read_at(offset + start, max(0, min(end - start, MAX_FILE_TABLE)))
    names = content.split(b"\0")[:-1]
    return tuple(name.decode("utf-8", "replace") for name in names if name and not name.startswith(b"<"))
