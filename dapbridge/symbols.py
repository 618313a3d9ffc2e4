"""Facts of an ELF file and its DWARF, read with pyelftools; the file is the target's and may be hostile.

Theory of operation. Only small windows of the file are ever read, each of a fixed largest size, and pyelftools sees
nothing but these: never the file. What it does with them is bounded by counting its reads. Bad DWARF costs the facts of
DWARF only. What will be read next is foreseen where it can be, so a file in the sidecar takes five or six round trips.
"""

import inspect
import io
import struct
import zlib
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, BinaryIO, Literal

from elftools.common.utils import struct_parse
from elftools.dwarf.die import DIE
from elftools.dwarf.dwarfinfo import DebugSectionDescriptor, DwarfConfig, DWARFInfo
from elftools.elf.constants import SH_FLAGS
from elftools.elf.elffile import ELFFile
from msgspec import Struct

from dapbridge.errors import UserError
from dapbridge.ranged_file import RangedFile, ReadRange, WholeFile, parse_remote

Language = Literal["go", "rust", "c", "c++"]

DF_1_PIE = 0x08000000

MAX_SECTIONS = 1024
MAX_SEGMENTS = 256
MAX_DYNAMIC_ENTRIES = 512
MAX_NOTES = 64
MAX_UNITS = 16
MAX_READS = 100_000
"""Reads that the parser of DWARF may make in its windows; a unit with its abbreviations takes about a thousand."""

KIB = 1024
SMALL_WINDOW = 64 * KIB
LARGE_WINDOW = 256 * KIB
STRING_WINDOW = 4 * KIB
COMPRESSED_WINDOW = 1024 * KIB

# By DW_AT_language (DWARF 5, 7.12, and the codes given out since: 0x2A is C++17, 0x2B C++20, 0x2C C17).
_LANGUAGES: dict[int, Language] = {
    0x16: "go",
    0x1C: "rust",
    **dict.fromkeys((0x01, 0x02, 0x0C, 0x1D, 0x2C), "c"),
    **dict.fromkeys((0x04, 0x19, 0x1A, 0x21, 0x2A, 0x2B), "c++"),
}
_BY_WEIGHT: tuple[Language | None, ...] = ("rust", "go", "c++", "c", None)
# DWARFInfo wants each of them, and has got more with its versions.
_DWARF_SECTIONS = tuple(inspect.signature(DWARFInfo).parameters)[1:]


class ElfFacts(Struct, frozen=True):
    """What an ELF file says of itself.

    machine is ELF's own name in small letters ("x86_64", "aarch64"); build_id is in hex; debug_link names the file with
    the debug info that was split off; comp_dir and producer are of the first unit in `language`.
    """

    class_bits: int
    machine: str
    is_pie: bool
    is_static: bool
    build_id: str | None
    language: Language | None
    has_debug_info: bool
    has_symbols: bool
    comp_dir: str | None
    producer: str | None
    debug_link: str | None


def read_elf_facts(stream: BinaryIO) -> ElfFacts:
    """Read the facts of an ELF file. Raises UserError where it isn't one, or its headers are broken."""
    return _read_facts(WholeFile(stream))


async def read_remote_elf(read: ReadRange) -> ElfFacts:
    """Read the facts of an ELF file of which only ranges can be had. Raises as above, and what `read` raises."""
    return await parse_remote(read, _read_facts)


def find_section(file: RangedFile, name: str) -> tuple[int, int] | None:
    """Return the offset and size of a section that stands uncompressed in an ELF file. Raises UserError as above."""
    try:
        section = _Elf(file)._find(name)
    except Exception as error:
        raise UserError(f"not a readable ELF file: {error or type(error).__name__}") from error
    return (section.offset, section.size) if section.has_content and not section.is_compressed else None


class _Section(Struct, frozen=True):
    name: str
    type: str | int
    flags: int
    offset: int
    size: int
    alignment: int

    @property
    def is_compressed(self) -> bool:
        return bool(self.flags & SH_FLAGS.SHF_COMPRESSED)

    @property
    def has_content(self) -> bool:
        """False as well for what is left of a section in a separate debug file, or in the file that it came from."""
        return self.type != "SHT_NOBITS" and self.size > 0


_NO_SECTION = _Section("", "SHT_NULL", 0, 0, 0, 0)


def _read_facts(file: RangedFile) -> ElfFacts:
    try:
        return _Elf(file).read_facts()
    except Exception as error:
        raise UserError(f"not a readable ELF file: {error or type(error).__name__}") from error


class _Elf:
    """An ELF file's headers, parsed, and its windows."""

    def __init__(self, file: RangedFile) -> None:
        self._file = file
        # pyelftools is given the header alone: the tables behind it are read in bounds here, by its structs.
        self._header = ELFFile(io.BytesIO(file.read_at(0, 64)))
        self._structs: Any = self._header.structs
        self._segments = list(
            self._read_table("e_phoff", "e_phnum", "e_phentsize", self._structs.Elf_Phdr, MAX_SEGMENTS)
        )
        self._sections = self._read_sections()

    def read_facts(self) -> ElfFacts:
        find = self._find
        info, abbreviations = find(".debug_info"), find(".debug_abbrev")
        small = [find(name) for name in (".comment", ".gnu_debuglink")]
        self._file.foresee(
            [
                *((section.offset, min(section.size, LARGE_WINDOW)) for section in (info, abbreviations)),
                *((section.offset, min(section.size, SMALL_WINDOW)) for section in small),
                *((offset, min(size, SMALL_WINDOW)) for offset, size, _ in self._note_places()),
            ]
        )
        dynamic = self._read_dynamic()
        has_interpreter = any(segment["p_type"] == "PT_INTERP" for segment in self._segments)
        # Linkers before binutils 2.26 set no DF_1_PIE; then a program differs from a library by having no name.
        marked_pie = bool(dynamic["DT_FLAGS_1"] & DF_1_PIE) or (has_interpreter and not dynamic["DT_SONAME"])
        is_pie = self._header["e_type"] == "ET_DYN" and marked_pie
        is_program = is_pie or self._header["e_type"] == "ET_EXEC"
        machine = self._header["e_machine"]
        unit = self._read_unit() if info.has_content and abbreviations.has_content else _Unit()
        link = self._read_window(find(".gnu_debuglink"), SMALL_WINDOW).partition(b"\0")[0]
        return ElfFacts(
            class_bits=self._header.elfclass,
            machine=machine.removeprefix("EM_").lower() if isinstance(machine, str) else f"machine {machine}",
            is_pie=is_pie,
            is_static=is_program and not has_interpreter and not dynamic["DT_NEEDED"],
            build_id=self._find_build_id(),
            language=self._find_language() or unit.language,
            has_debug_info=info.has_content or find(".zdebug_info").has_content,
            has_symbols=find(".symtab").has_content,
            comp_dir=unit.comp_dir,
            producer=unit.producer,
            debug_link=_decode(link) if link else None,
        )

    def _find(self, name: str) -> _Section:
        return self._sections.get(name, _NO_SECTION)

    def _read_table(
        self, offset_field: str, count_field: str, stride_field: str, entry: Any, limit: int
    ) -> Iterator[Any]:
        offset, count = self._header[offset_field], min(self._header[count_field], limit)
        stride = self._header[stride_field]
        if not offset or not count or not entry.sizeof() <= stride <= KIB:
            return
        table = io.BytesIO(self._file.read_at(offset, count * stride))
        for index in range(count):
            yield struct_parse(entry, table, index * stride)

    def _read_sections(self) -> dict[str, _Section]:
        headers = list(self._read_table("e_shoff", "e_shnum", "e_shentsize", self._structs.Elf_Shdr, MAX_SECTIONS))
        names_index = self._header["e_shstrndx"]
        if names_index >= len(headers):
            return {}
        names = self._read_window(_make_section("", headers[names_index]), LARGE_WINDOW)
        sections: dict[str, _Section] = {}
        for header in headers:
            start = header["sh_name"]
            name = _decode(names[start : start + 64].partition(b"\0")[0])
            sections.setdefault(name, _make_section(name, header))
        return sections

    def _read_window(self, section: _Section, max_size: int) -> bytes:
        """Return the first `max_size` bytes of a section's content, expanded where it is compressed."""
        if not section.has_content:
            return b""
        content = self._file.read_at(section.offset, min(section.size, max_size))
        if not section.is_compressed:
            return content
        header = struct_parse(self._structs.Elf_Chdr, io.BytesIO(content))
        if header["ch_type"] != "ELFCOMPRESS_ZLIB":
            return b""
        return zlib.decompressobj().decompress(content[self._structs.Elf_Chdr.sizeof() :], max_size)

    def _read_dynamic(self) -> dict[str, int]:
        """Return values of the dynamic section by tag, the last of each; 0 for the asked ones that aren't there."""
        values = dict.fromkeys(("DT_FLAGS_1", "DT_NEEDED", "DT_SONAME"), 0)
        segment = next((segment for segment in self._segments if segment["p_type"] == "PT_DYNAMIC"), None)
        if segment is None:
            return values
        entry = self._structs.Elf_Dyn
        size = min(segment["p_filesz"], MAX_DYNAMIC_ENTRIES * entry.sizeof())
        content = self._file.read_at(segment["p_offset"], size)
        for offset in range(0, len(content) - entry.sizeof() + 1, entry.sizeof()):
            parsed = struct_parse(entry, io.BytesIO(content), offset)
            if parsed["d_tag"] == "DT_NULL":
                break
            values[str(parsed["d_tag"])] = parsed["d_val"]
        return values

    def _note_places(self) -> list[tuple[int, int, int]]:
        """Return (offset, size, alignment) of notes; sections first, which a separate debug file has right."""
        sections = [
            (section.offset, section.size, section.alignment)
            for section in self._sections.values()
            if section.type == "SHT_NOTE"
        ]
        segments = [
            (segment["p_offset"], segment["p_filesz"], segment["p_align"])
            for segment in self._segments
            if segment["p_type"] == "PT_NOTE"
        ]
        return (sections + segments)[:MAX_NOTES]

    def _find_build_id(self) -> str | None:
        format_ = ("<" if self._header.little_endian else ">") + "III"
        for offset, size, alignment in self._note_places():
            content = self._file.read_at(offset, min(size, SMALL_WINDOW))
            step = 8 if alignment == 8 else 4
            position = 0
            for _ in range(MAX_NOTES):
                if position + 12 > len(content):
                    break
                name_size, description_size, kind = struct.unpack_from(format_, content, position)
                name_end = position + 12 + name_size
                start = -(-name_end // step) * step
                if content[position + 12 : name_end] == b"GNU\0" and kind == 3 and 0 < description_size <= 64:
                    return content[start : start + description_size].hex()
                position = -(-(start + description_size) // step) * step
        return None

    def _find_language(self) -> Language | None:
        """Tell Go and Rust, which show themselves in stripped files too."""
        if ".go.buildinfo" in self._sections or ".note.go.buildid" in self._sections:
            return "go"
        return "rust" if b"rustc " in self._read_window(self._find(".comment"), SMALL_WINDOW) else None

    def _read_unit(self) -> "_Unit":
        """Read the unit that speaks for the program: the first one in Rust, else in C++, else in C, else the first."""
        by_language: dict[Language | None, DIE] = {}
        for die in self._read_top_dies():
            by_language.setdefault(_find_language(die), die)
        for language in _BY_WEIGHT:
            if language in by_language:
                with suppress(Exception):
                    return _Unit(
                        language, *self._read_texts(by_language[language], ["DW_AT_comp_dir", "DW_AT_producer"])
                    )
                return _Unit(language)
        return _Unit()

    def _read_top_dies(self) -> list[DIE]:
        """Parse the first DIE of the first units, as far as these stand in the window and can be parsed."""
        dies: list[DIE] = []
        with suppress(Exception):
            dwarf = self._open_dwarf()
            for unit in islice(dwarf.iter_CUs(), MAX_UNITS):
                dies.append(DIE(unit, dwarf.debug_info_sec.stream, unit.cu_die_offset))  # noqa: PERF401 (keeps the good)
        return dies

    def _open_dwarf(self) -> Any:
        reads = _Reads()
        sections: dict[str, Any] = dict.fromkeys(_DWARF_SECTIONS)
        for name in (".debug_info", ".debug_abbrev"):
            content = self._read_window(self._find(name), LARGE_WINDOW)
            window = _CountedWindow(content, reads)
            sections[f"{name[1:]}_sec"] = DebugSectionDescriptor(window, name, 0, len(content), 0)
        # Texts are found later, by their raw values, and only those wanted; here there are none.
        for name in (".debug_str", ".debug_line_str"):
            sections[f"{name[1:]}_sec"] = DebugSectionDescriptor(io.BytesIO(), name, 0, 0, 0)
        config = DwarfConfig(self._header.little_endian, self._header.get_machine_arch(), self._header.elfclass // 8)
        return DWARFInfo(config, **sections)

    def _read_texts(self, die: DIE, names: Sequence[str]) -> list[str | None]:
        places = [self._find_text(die, name) for name in names]
        self._file.foresee(place.file_range for place in places if place)
        return [self._read_text(place) for place in places]

    def _find_text(self, die: DIE, name: str) -> "_Text | None":
        """Find where an attribute's text stands; None where it has none or its form is unknown."""
        attribute = die.attributes.get(name)
        if attribute is None:
            return None
        if attribute.form == "DW_FORM_string":
            return _Text(_NO_SECTION, 0, attribute.value)
        if attribute.form == "DW_FORM_line_strp":
            return _Text(self._find(".debug_line_str"), attribute.raw_value)
        if attribute.form == "DW_FORM_strp":
            return _Text(self._find(".debug_str"), attribute.raw_value)
        if attribute.form.startswith("DW_FORM_strx"):
            return self._find_indexed_text(die, attribute.raw_value)
        return None

    def _find_indexed_text(self, die: DIE, index: int) -> "_Text | None":
        size = die.cu.structs.dwarf_format // 8
        base = die.attributes.get("DW_AT_str_offsets_base")
        # Without the attribute, the unit's offsets follow the header of the section (DWARF 5, 7.26).
        start = (base.value if base else 2 * size) + index * size
        entry = self._read_slice(self._find(".debug_str_offsets"), start, size)
        if len(entry) < size:
            return None
        return _Text(self._find(".debug_str"), int.from_bytes(entry, "little" if self._header.little_endian else "big"))

    def _read_text(self, place: "_Text | None") -> str | None:
        if place is None:
            return None
        content = place.inline or self._read_slice(place.section, place.offset, STRING_WINDOW)
        return _decode(content[:STRING_WINDOW].partition(b"\0")[0]) or None

    def _read_slice(self, section: _Section, offset: int, size: int) -> bytes:
        if section.is_compressed:
            return self._read_window(section, COMPRESSED_WINDOW)[offset : offset + size]
        if not section.has_content:
            return b""
        return self._file.read_at(section.offset + offset, max(min(size, section.size - offset), 0))


def _find_language(top_die: DIE) -> Language | None:
    attribute = top_die.attributes.get("DW_AT_language")
    return _LANGUAGES.get(attribute.value) if attribute and isinstance(attribute.value, int) else None


class _Unit(Struct, frozen=True):
    language: Language | None = None
    comp_dir: str | None = None
    producer: str | None = None


class _Text(Struct, frozen=True):
    """Where a text stands; `inline` where it is at hand already."""

    section: _Section
    offset: int
    inline: bytes = b""

    @property
    def file_range(self) -> tuple[int, int]:
        if self.inline or not self.section.has_content:
            return 0, 0
        if self.section.is_compressed:
            return self.section.offset, min(self.section.size, COMPRESSED_WINDOW)
        return self.section.offset + self.offset, max(min(STRING_WINDOW, self.section.size - self.offset), 0)


class _Reads:
    """Counts reads, the measure of the parser's work."""

    def __init__(self) -> None:
        self.left = MAX_READS


class _CountedWindow(io.BytesIO):
    """A section's window as pyelftools reads it; fails when the work is too much."""

    def __init__(self, content: bytes, reads: _Reads) -> None:
        super().__init__(content)
        self._reads = reads

    def read(self, size: int | None = -1, /) -> bytes:
        self._reads.left -= 1
        if self._reads.left < 0:
            raise ValueError("too much DWARF to read")
        return super().read(size)


def _make_section(name: str, header: Any) -> _Section:
    fields = ("sh_type", "sh_flags", "sh_offset", "sh_size", "sh_addralign")
    return _Section(name, *(header[field] for field in fields))


def _decode(text: bytes) -> str:
    return text.decode("utf-8", "replace")
