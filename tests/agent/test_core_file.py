"""Core files read back by pyelftools, which has never heard of the writer."""

import io
import struct

import pytest
from elftools.elf.elffile import ELFFile
from hypothesis import given
from hypothesis import strategies as st

from dapbridge.agent.remote.core_file import (
    NT_FPREGSET,
    NT_PRSTATUS,
    Core,
    MappedFile,
    Thread,
    without_overlaps,
)

REGISTERS = bytes(range(216))


def make_core(machine: str = "x86_64") -> Core:
    core = Core(machine, 7, "api", "/usr/bin/api --port 80")
    core.threads = [Thread(7, {NT_PRSTATUS: REGISTERS, NT_FPREGSET: b"f" * 512})]
    return core


def read_back(core: Core) -> ELFFile:
    return ELFFile(io.BytesIO(b"".join(core.chunks())))


def notes_of(elf: ELFFile) -> list[tuple[str, str, object]]:
    segment = next(each for each in elf.iter_segments() if each["p_type"] == "PT_NOTE")
    return [(note["n_name"], note["n_type"], note["n_desc"]) for note in segment.iter_notes()]


def loads_of(elf: ELFFile) -> list[tuple[int, bytes]]:
    loads = [each for each in elf.iter_segments() if each["p_type"] == "PT_LOAD"]
    assert all(each["p_filesz"] == each["p_memsz"] for each in loads)
    return [(each["p_vaddr"], each.data()) for each in loads]


@pytest.mark.parametrize(("machine", "number"), [("x86_64", "EM_X86_64"), ("aarch64", "EM_AARCH64")])
def test_the_header_is_that_of_a_core_file(machine: str, number: str) -> None:
    elf = read_back(make_core(machine))
    assert (elf.header["e_type"], elf.header["e_machine"], elf.elfclass) == ("ET_CORE", number, 64)


def test_each_thread_has_its_registers_and_the_first_one_comes_first() -> None:
    core = make_core()
    core.threads.append(Thread(9, {NT_PRSTATUS: REGISTERS[::-1]}))
    notes = notes_of(read_back(core))
    statuses = [description for _, kind, description in notes if kind == "NT_PRSTATUS"]
    found = [(struct.unpack_from("<i", raw, 32)[0], raw[112:328]) for raw in map(as_bytes, statuses)]
    assert found == [(7, REGISTERS), (9, REGISTERS[::-1])]
    assert all(len(as_bytes(each)) == 336 for each in statuses)


def as_bytes(description: object) -> bytes:
    return description if isinstance(description, bytes) else str(description).encode("latin-1")


def test_name_command_and_ids() -> None:
    core = make_core()
    core.ids = (1000, 1001)
    core.command = "x" * 200
    facts = next(description for _, kind, description in notes_of(read_back(core)) if kind == "NT_PRPSINFO")
    assert (facts["pr_fname"], facts["pr_psargs"]) == (b"api" + bytes(13), b"x" * 79 + b"\0")  # type: ignore[index]
    assert (facts["pr_pid"], facts["pr_uid"], facts["pr_gid"]) == (7, 1000, 1001)  # type: ignore[index]


def test_mapped_files_with_their_offsets() -> None:
    core = make_core()
    core.files = [MappedFile(0x1000, 0x3000, 0x2000, "/lib/a.so"), MappedFile(0x5000, 0x6000, 0, "/odd \udcff name")]
    files = next(description for _, kind, description in notes_of(read_back(core)) if kind == "NT_FILE")
    spans = [
        (each["vm_start"], each["vm_end"], each["page_offset"] * files["page_size"])  # type: ignore[index]
        for each in files["Elf_Nt_File_Entry"]  # type: ignore[index]
    ]
    assert spans == [(0x1000, 0x3000, 0x2000), (0x5000, 0x6000, 0)]
    assert files["filename"] == [b"/lib/a.so", b"/odd \xff name"]  # type: ignore[index]


def test_memory_is_there_by_address() -> None:
    core = make_core()
    core.memory = [(0x9000, b"later"), (0x1000, memoryview(b"earlier"))]
    assert loads_of(read_back(core)) == [(0x1000, b"earlier"), (0x9000, b"later")]


def test_more_segments_than_the_header_can_count() -> None:
    core = make_core()
    core.memory = [(address * 16, b"8 bytes!") for address in range(70_000)]
    elf = read_back(core)
    assert elf.header["e_phnum"] == 0xFFFF
    assert elf.num_segments() == 70_001
    assert notes_of(elf)[0][1] == "NT_PRSTATUS"
    assert elf.get_segment(70_000)["p_vaddr"] == 69_999 * 16
    assert elf.get_segment(70_000).data() == b"8 bytes!"


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=12))
def test_overlapping_pieces_hold_every_byte_once(spans: list[tuple[int, int]]) -> None:
    memory = bytes(range(100))
    kept = without_overlaps([(start, memory[start : start + size]) for start, size in spans])
    found = [(start + at, byte) for start, data in kept for at, byte in enumerate(data)]
    wanted = sorted({at for start, size in spans for at in range(start, min(start + size, 100))})
    assert found == [(at, memory[at]) for at in wanted]
