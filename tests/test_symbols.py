import io
import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dapbridge.errors import UserError
from dapbridge.ranged_file import MAX_PAGES, PAGE
from dapbridge.symbols import ElfFacts, read_elf_facts, read_remote_elf

C_PROGRAM = "int main(void) { return 0; }\n"
MIB = 1024 * 1024

# A unit as clang and rustc write it: DWARF 5, its texts by index (DW_FORM_strx1), the base of these in the unit.
INDEXED_UNIT = """
        .section .debug_abbrev,"",@progbits
        .uleb128 1, 0x11
        .byte 0
        .uleb128 0x25, 0x25, 0x13, 5, 0x72, 0x17, 0x1b, 0x25, 0, 0
        .byte 0
        .section .debug_info,"",@progbits
        .long 2f - 1f
1:      .short 5
        .byte 1, 8
        .long .debug_abbrev
        .uleb128 1
        .byte 0
        .short 0x1c
        .long 8
        .byte 1
2:      .section .debug_str_offsets,"",@progbits
        .long 4f - 3f
3:      .short 5, 0
        .long 0, 14
4:      .section .debug_str,"",@progbits
        .asciz "some compiler"
        .asciz "/build/indexed"
"""


def run(*command: str | Path) -> None:
    subprocess.run([str(part) for part in command], check=True, capture_output=True)


Build = Callable[..., Path]


@pytest.fixture(scope="session")
def build(tmp_path_factory: pytest.TempPathFactory) -> Build:
    """Compile a program with the given compiler and options, in a directory of its own: its comp dir."""

    def compile_(*options: str, compiler: str = "gcc", suffix: str = ".c", source: str = C_PROGRAM) -> Path:
        directory = tmp_path_factory.mktemp("program")
        (directory / f"source{suffix}").write_text(source)
        subprocess.run(
            [compiler, *options, f"source{suffix}", "-o", "program"], cwd=directory, check=True, capture_output=True
        )
        return directory / "program"

    return compile_


@pytest.fixture(scope="session")
def program(build: Build) -> Path:
    return build("-g", "-Wl,--build-id=0x0123456789abcdef")


def facts_of(path: Path) -> ElfFacts:
    with path.open("rb") as stream:
        return read_elf_facts(stream)


def test_a_c_program_with_debug_info(program: Path) -> None:
    facts = facts_of(program)
    assert facts.producer is not None
    assert facts.producer.startswith("GNU C")
    assert facts == ElfFacts(
        class_bits=64,
        machine="x86_64",
        is_pie=True,
        is_static=False,
        build_id="0123456789abcdef",
        language="c",
        has_debug_info=True,
        has_symbols=True,
        comp_dir=str(program.parent),
        producer=facts.producer,
        debug_link=None,
    )


@pytest.mark.parametrize(
    ("options", "is_pie", "is_static"),
    [
        (["-pie"], True, False),
        (["-no-pie"], False, False),
        (["-static"], False, True),
        (["-static-pie"], True, True),
        (["-shared", "-fPIC"], False, False),
    ],
)
def test_how_a_program_is_linked(build: Build, options: list[str], is_pie: bool, is_static: bool) -> None:
    facts = facts_of(build(*options))
    assert (facts.is_pie, facts.is_static) == (is_pie, is_static)


def test_a_library_with_an_interpreter_is_no_pie(build: Build) -> None:
    interpreter = 'const char path[] __attribute__((section(".interp"))) = "/lib64/ld-linux-x86-64.so.2";\n'
    assert not facts_of(build("-shared", "-fPIC", "-Wl,-soname,lib.so.1", source=interpreter + C_PROGRAM)).is_pie


@pytest.mark.parametrize("dwarf", ["-gdwarf-3", "-gdwarf-4", "-gdwarf-5"])
@pytest.mark.parametrize("storage", ["-gz=none", "-gz=zlib", "-fdebug-types-section"])
def test_every_shape_of_dwarf(build: Build, dwarf: str, storage: str) -> None:
    program = build("-g", dwarf, storage, "-static")
    facts = facts_of(program)
    assert (facts.language, facts.comp_dir) == ("c", str(program.parent))


def test_a_cpp_program(build: Build) -> None:
    source = "#include <string>\nint main(int, char **argv) { return std::string(argv[0]).size() > 9; }\n"
    for standard in ("98", "11", "14", "17", "20"):
        facts = facts_of(build("-g", f"-std=c++{standard}", compiler="g++", suffix=".cc", source=source))
        assert facts.language == "c++"


def test_a_unit_with_texts_by_index(build: Build) -> None:
    facts = facts_of(build(suffix=".s", source=".globl main\nmain: ret\n" + INDEXED_UNIT))
    assert (facts.language, facts.comp_dir, facts.producer) == ("rust", "/build/indexed", "some compiler")


def test_rust_shows_itself_in_a_stripped_program(program: Path, tmp_path: Path) -> None:
    comment, rust = tmp_path / "comment", tmp_path / "rust"
    comment.write_bytes(b"GCC: (Debian 12.2.0) 12.2.0\0rustc version 1.85.0 (4d91de4e4 2025-02-17)\0")
    run("objcopy", "--strip-all", "--update-section", f".comment={comment}", program, rust)
    assert facts_of(rust).language == "rust"


@pytest.mark.parametrize("section", [".go.buildinfo", ".note.go.buildid"])
def test_go_shows_itself_in_a_stripped_program(program: Path, tmp_path: Path, section: str) -> None:
    content, go = tmp_path / "content", tmp_path / "go"
    content.write_bytes(b"\xff Go buildinf:" + bytes(18))
    run("objcopy", "--strip-all", "--add-section", f"{section}={content}", program, go)
    assert facts_of(go).language == "go"


def test_a_stripped_program_and_its_debug_file(program: Path, tmp_path: Path) -> None:
    debug, stripped = tmp_path / "program.debug", tmp_path / "stripped"
    run("objcopy", "--only-keep-debug", program, debug)
    run("objcopy", "--strip-all", f"--add-gnu-debuglink={debug}", program, stripped)
    facts, debug_facts = facts_of(stripped), facts_of(debug)
    assert (facts.has_debug_info, facts.has_symbols, facts.language) == (False, False, None)
    assert (facts.debug_link, facts.comp_dir, facts.producer) == ("program.debug", None, None)
    assert (debug_facts.has_debug_info, debug_facts.has_symbols, debug_facts.language) == (True, True, "c")
    assert facts.build_id == debug_facts.build_id == "0123456789abcdef"
    assert facts.is_pie


def test_symbols_without_debug_info(build: Build) -> None:
    facts = facts_of(build())
    assert (facts.has_debug_info, facts.has_symbols, facts.language) == (False, True, None)


def test_a_program_without_section_headers(program: Path) -> None:
    content = bytearray(program.read_bytes())
    content[0x28:0x30] = bytes(8)  # e_shoff
    content[0x3C:0x40] = bytes(4)  # e_shnum, e_shstrndx
    facts = read_elf_facts(io.BytesIO(content))
    assert (facts.build_id, facts.is_pie, facts.has_debug_info) == ("0123456789abcdef", True, False)


def test_a_program_of_32_bits(tmp_path: Path) -> None:
    source, unit, program = tmp_path / "source.s", tmp_path / "unit.o", tmp_path / "program"
    source.write_text(".globl _start\n_start: ret\n")
    run("as", "--32", source, "-o", unit)
    run("ld", "-m", "elf_i386", unit, "-o", program)
    facts = facts_of(program)
    assert (facts.class_bits, facts.machine, facts.is_static, facts.is_pie) == (32, "386", True, False)


@pytest.mark.parametrize(
    "content", [b"", b"#!/bin/sh\n", b"\x7fELF", b"\x7fELF\x02\x01\x01" + bytes(9), b"\x7fELF" + b"\xff" * 200]
)
def test_what_is_no_elf_file_is_refused(content: bytes) -> None:
    with pytest.raises(UserError, match=r"^not a readable ELF file: "):
        read_elf_facts(io.BytesIO(content))


class Remote:
    """A file of which only ranges can be had."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.reads: list[tuple[int, int]] = []

    async def read(self, offset: int, length: int) -> bytes:
        assert 0 < length <= MIB
        self.reads.append((offset, length))
        return self.content[offset : offset + length]


REMOTE_OPTIONS = [["-g"], ["-g", "-static"], ["-g", "-gz", "-static"], ["-s"], ["-g", "-gdwarf-3", "-no-pie"]]


@pytest.mark.parametrize("options", REMOTE_OPTIONS)
async def test_a_file_read_by_ranges_shows_the_same_facts(build: Build, options: list[str]) -> None:
    program = build(*options)
    remote = Remote(program.read_bytes())
    assert await read_remote_elf(remote.read) == facts_of(program)
    assert len(set(remote.reads)) == len(remote.reads)


async def test_a_large_remote_file_is_read_in_small_parts_and_few_rounds(program: Path, tmp_path: Path) -> None:
    ballast, large = tmp_path / "ballast", tmp_path / "large"
    ballast.write_bytes(bytes(64 * MIB))
    run("objcopy", "--add-section", f".ballast={ballast}", program, large)
    remote = Remote(large.read_bytes())
    assert await read_remote_elf(remote.read) == facts_of(program)
    assert len(remote.reads) <= 6
    assert sum(length for _, length in remote.reads) <= MIB


async def test_what_reading_a_remote_file_raises_is_passed_on() -> None:
    async def read(offset: int, length: int) -> bytes:
        raise UserError("no such process")

    with pytest.raises(UserError, match=r"^no such process$"):
        await read_remote_elf(read)


async def test_a_remote_file_that_is_no_elf_is_refused() -> None:
    with pytest.raises(UserError, match="not a readable ELF file"):
        await read_remote_elf(Remote(b"#!/bin/sh\n").read)


async def test_a_remote_file_whose_headers_point_everywhere_is_refused_after_few_reads(originals: list[bytes]) -> None:
    content = bytearray(originals[1])
    table, count, names_index = *struct.unpack_from("<Q", content, 0x28), *struct.unpack_from("<HH", content, 0x3C)
    for index in set(range(count)) - {names_index}:
        struct.pack_into("<I", content, table + index * 64 + 4, 7)  # SHT_NOTE
        struct.pack_into("<QQ", content, table + index * 64 + 24, (index << 32) + 1, 1 << 62)
    remote = Remote(bytes(content))
    with pytest.raises(UserError, match=r"too large or too scattered"):
        await read_remote_elf(remote.read)
    assert sum(length for _, length in remote.reads) <= MAX_PAGES * PAGE


def with_section(content: bytes, name: bytes, replacement: bytes) -> bytes:
    """Let a section's header point to other content, put at the end of the file."""
    changed = bytearray(content)
    table, count, names_index = *struct.unpack_from("<Q", content, 0x28), *struct.unpack_from("<HH", content, 0x3C)
    names = struct.unpack_from("<Q", content, table + names_index * 64 + 24)[0]
    for index in range(count):
        header = table + index * 64
        start = names + struct.unpack_from("<I", content, header)[0]
        if content[start : start + len(name) + 1] == name + b"\0":
            struct.pack_into("<QQ", changed, header + 24, len(content), len(replacement))
            return bytes(changed) + replacement
    raise AssertionError(f"no section {name!r}")


def test_endless_abbreviations_cost_the_facts_of_dwarf_only(program: Path) -> None:
    units = b"".join(struct.pack("<IHIBB", 8, 4, offset, 8, 1) for offset in range(16))
    hostile = with_section(program.read_bytes(), b".debug_abbrev", b"\x01\x11\x00\x00\x00" * 100_000)
    facts = read_elf_facts(io.BytesIO(with_section(hostile, b".debug_info", units)))
    assert (facts.has_debug_info, facts.language, facts.comp_dir) == (True, None, None)
    assert facts.build_id == "0123456789abcdef"


def test_broken_texts_leave_the_language(program: Path) -> None:
    hostile = program.read_bytes()
    for name in (b".debug_str", b".debug_line_str"):
        hostile = with_section(hostile, name, b"")
    facts = read_elf_facts(io.BytesIO(hostile))
    assert (facts.language, facts.comp_dir, facts.producer) == ("c", None, None)


@pytest.fixture(scope="session")
def originals(build: Build) -> list[bytes]:
    """Small real files to damage."""
    options = [["-g", "-nostdlib", "-static"], ["-g"], ["-g", "-gz"], ["-g", "-gdwarf-4", "-fdebug-types-section"]]
    source = "void _start(void) { for (;;); }\nint main(void) { return 0; }\n"
    return [build(*some, source=source if "-nostdlib" in some else C_PROGRAM).read_bytes() for some in options]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_a_damaged_file_gives_facts_or_is_refused(originals: list[bytes], data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(originals), label="file"))
    size = len(content)
    # Half of the damage goes to the headers: the first 1000 bytes, and the section table, which stands at the end.
    places = st.one_of(st.integers(0, size - 1), st.integers(0, 999), st.integers(size - 2500, size - 1))
    values = st.one_of(st.binary(min_size=1, max_size=8), st.sampled_from([b"\xff" * 8, bytes(8), b"\xff\xff\xff\x7f"]))
    for place, value in data.draw(st.lists(st.tuples(places, values), max_size=12), label="damage"):
        content[place : place + len(value)] = value
    damaged = bytes(content[: data.draw(st.one_of(st.just(size), st.integers(0, size)), label="size")])
    facts = refused_or(lambda: read_elf_facts(io.BytesIO(damaged)))
    assert facts is None or isinstance(facts, ElfFacts)
    remote = Remote(damaged)
    try:
        remote_facts = await read_remote_elf(remote.read)
    except UserError:
        remote_facts = None
    assert remote_facts == facts or remote_facts is None


def refused_or(read: Callable[[], ElfFacts]) -> ElfFacts | None:
    try:
        return read()
    except UserError:
        return None
