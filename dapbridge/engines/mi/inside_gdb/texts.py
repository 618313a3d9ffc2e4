"""Runs inside gdb: texts in the target's memory, read in pieces, and shown with nothing lost."""

import struct
import sys
import unicodedata
from typing import Any

import gdb

PAGE_BYTES = 4096
PIECE = 1000
"""Into so many units a long text is cut where it is opened."""

_ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", "\0": "\\0", '"': '\\"', "\\": "\\\\", "\x1b": "\\e"}
_SIZES = (1, 2, 4)


class Text:
    """A text at an address: `length` in units of `size` bytes, None for one that ends at a NUL."""

    def __init__(self, address: int, length: int | None, size: int = 1, prefix: str = "", lead: str = "") -> None:
        self.address = address
        self.length = length
        self.size = size
        self.prefix = prefix
        self.lead = lead

    def shown(self, limit: int, start: int = 0) -> str:
        """Return the text in quotes, cut after `limit` units. Raises gdb.error where it can't be read."""
        data, has_more = self._read(start, limit)
        if has_more and self.size == 1:
            data = _whole_characters(data)
        return f"{self.lead}{self.prefix}{quoted(data, self.size)}{'…' if has_more else ''}"

    def raw(self, limit: int) -> tuple[bytes, bool]:
        """Return up to `limit` units as they lie in memory, and whether there are more. Raises gdb.error."""
        return self._read(0, limit)

    def is_longer(self, limit: int) -> bool:
        """Tell whether the text has more than `limit` units."""
        if self.length is not None:
            return self.length > limit
        return len(self._read(0, limit)[0]) >= limit * self.size

    def total(self, limit: int) -> int:
        """Return the number of units, at most `limit`."""
        if self.length is not None:
            return min(self.length, limit)
        return len(self._read(0, limit)[0]) // self.size

    def _read(self, start: int, limit: int) -> tuple[bytes, bool]:
        address = self.address + start * self.size
        if self.length is not None:
            count = max(min(self.length - start, limit), 0)
            return read(address, count * self.size), self.length - start > limit
        found = _read_to_nul(address, (limit + 1) * self.size, self.size)
        return found[: limit * self.size], len(found) > limit * self.size


def read(address: int, count: int) -> bytes:
    """Return bytes of the target's memory. Raises gdb.MemoryError."""
    return bytes(gdb.selected_inferior().read_memory(address, count)) if count else b""


def _read_to_nul(address: int, limit: int, size: int) -> bytes:
    found = bytearray()
    nul = bytes(size)
    while len(found) < limit:
        # Not over the end of a page: the next one may not be there.
        count = min(PAGE_BYTES - (address + len(found)) % PAGE_BYTES, limit - len(found))
        try:
            piece = read(address + len(found), max(count // size * size, size))
        except gdb.MemoryError:
            if not found:
                raise
            break
        for at in range(0, len(piece), size) if size > 1 else [piece.find(0)]:
            if at >= 0 and piece[at : at + size] == nul:
                return bytes(found + piece[:at])
        found += piece
    return bytes(found[:limit])


def _whole_characters(data: bytes) -> bytes:
    """Return data without the beginning of a UTF-8 character at its end."""
    for back in range(1, min(4, len(data)) + 1):
        byte = data[-back]
        if byte >= 0xC0:
            needed = 2 if byte < 0xE0 else 3 if byte < 0xF0 else 4
            return data[:-back] if needed > back else data
        if byte < 0x80:
            break
    return data


def quoted(data: bytes, size: int = 1) -> str:
    """Return data as text in quotes; what is no text, or can't be seen, is escaped."""
    if size == 4:
        return '"' + "".join(map(_unit, struct.unpack(f"<{len(data) // 4}I", data))) + '"'
    if size == 2:
        return '"' + "".join(map(_unit, map(ord, data.decode("utf-16-le", "surrogatepass")))) + '"'
    decoded = data.decode("utf-8", "surrogateescape")
    if decoded.isascii() and decoded.isprintable() and '"' not in decoded and "\\" not in decoded:
        return f'"{decoded}"'
    return '"' + "".join(map(_escaped, decoded)) + '"'


def _unit(code: int) -> str:
    if code > sys.maxunicode or 0xD800 <= code < 0xE000:
        return f"\\x{code:x}"
    return _escaped(chr(code))


def _escaped(character: str) -> str:
    if (known := _ESCAPES.get(character)) is not None:
        return known
    code = ord(character)
    if 0xDC80 <= code <= 0xDCFF:
        return f"\\x{code - 0xDC00:02x}"
    if character.isprintable() or unicodedata.category(character) == "Zs":
        return character
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def character_prefix(type_: Any) -> tuple[int, str] | None:
    """Return the size and the literal's prefix of a C or C++ character type; None for what is no character."""
    name = type_.unqualified().strip_typedefs().name
    # A typedef tells wchar_t from the int that it is in C.
    known = {
        "char": (1, ""),
        "signed char": (1, ""),
        "char8_t": (1, "u8"),
        "char16_t": (2, "u"),
        "char32_t": (4, "U"),
        "wchar_t": (4, "L"),
    }
    if (found := known.get(name)) is not None:
        return found
    return (4, "L") if type_.unqualified().name == "wchar_t" else None


def text_of_printer(lead: Any, hint: str | None) -> Text | None:
    """Return the text that a pretty-printer's to_string stands for; None where it is no text of the target's."""
    if hasattr(lead, "address") and hasattr(lead, "encoding"):
        type_ = lead.type.strip_typedefs()
        unit = type_.target() if type_.code in (gdb.TYPE_CODE_PTR, gdb.TYPE_CODE_ARRAY) else type_
        size, prefix = character_prefix(unit) or (int(unit.sizeof), "")
        length = None if lead.length < 0 else int(lead.length)
        return Text(int(lead.address), length, size, prefix) if size in _SIZES else None
    return None
