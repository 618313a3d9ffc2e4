"""Takes a dead debugger's breakpoints out of a process, and lets go on what it left stopped.

A breakpoint is written into a private copy of a page of a mapped file. So the pages of executable file mappings that
are no longer the file's own are compared with the file, and only where memory has the breakpoint instruction and the
file has not, the file's bytes are written back. It races with the process that runs towards them: nothing here may be
slow.
"""

from __future__ import annotations

import os
import signal

from dapbridge.agent.remote import kernel, processes, rootfs

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from dapbridge.agent.remote.processes import Mapping

PAGE = os.sysconf("SC_PAGE_SIZE")
BREAKPOINTS = {"x86_64": b"\xcc", "i686": b"\xcc", "aarch64": b"\x00\x00\x20\xd4"}
"""The instruction that debuggers write for a breakpoint, by machine (`brk #0` on Arm)."""

# Highest byte of a pagemap entry: bit 7 present, bit 6 swapped, bit 5 a file's own (or shared) page.
_IS_CHANGED = bytes(byte >> 6 != 0 and not byte & 0x20 for byte in range(256))
_MAX_SCAN = 1 << 20


def find_breakpoints(pid: int, leave: frozenset[int] = frozenset()) -> dict[int, bytes]:
    """Map the address of each breakpoint in the process, save those to leave, to the file's bytes there.

    Raises OSError.
    """
    breakpoint_bytes = BREAKPOINTS.get(os.uname().machine)
    if breakpoint_bytes is None:
        return {}
    found: dict[int, bytes] = {}
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for mapping in processes.mappings(pid):
            if mapping.executable and mapping.private and mapping.inode:
                pages = list(changed_pages(pagemap, mapping))
                if pages:
                    found.update(_compare(pid, memory, mapping, pages, breakpoint_bytes))
    finally:
        os.close(memory)
        os.close(pagemap)
    return {address: original for address, original in found.items() if address not in leave}


def write_back(pid: int, originals: dict[int, bytes]) -> None:
    """Write the bytes into the process's memory. Raises OSError."""
    memory = os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC)
    try:
        write(pid, memory, originals)
    finally:
        os.close(memory)


def write(pid: int, memory: int, data: dict[int, bytes]) -> None:
    """Write bytes, by their addresses, into the process's memory, which is open. Raises OSError."""
    try:
        _write_all(memory, data)
    except OSError:
        # A kernel with proc_mem.force_override=ptrace lets only the process's tracer write to read-only pages.
        _seize(pid)
        try:
            _write_all(memory, data)
        finally:
            _detach(pid)


def heal(pid: int, leave: frozenset[int] = frozenset()) -> int:
    """Take the breakpoints out of the process, save those to leave; return how many. Raises OSError."""
    found = find_breakpoints(pid, leave)
    if found:
        write_back(pid, found)
    return len(found)


def stopped_pids(pids: set[int]) -> set[int]:
    """Return those that stand in a job-control stop with nobody tracing them."""
    return {pid for pid in pids if _is_stopped(pid)}


def let_go_on(pid: int) -> None:
    """Continue a stopped process. Raises OSError."""
    os.kill(pid, signal.SIGCONT)


def _is_stopped(pid: int) -> bool:
    try:
        return processes.is_stopped(pid)
    except OSError:  # ended meanwhile
        return False


def changed_pages(pagemap: int, mapping: Mapping) -> Iterator[int]:
    """Yield the addresses of the mapping's pages that were written to (pagemap: one 64-bit word a page)."""
    first, last = mapping.start // PAGE, mapping.end // PAGE
    for start in range(first, last, _MAX_SCAN // 8):
        entries = os.pread(pagemap, min(last - start, _MAX_SCAN // 8) * 8, start * 8)
        is_changed = entries[7::8].translate(_IS_CHANGED)
        index = is_changed.find(1)
        while index >= 0:
            yield (start + index) * PAGE
            index = is_changed.find(1, index + 1)


def _compare(pid: int, memory: int, mapping: Mapping, pages: list[int], breakpoint_bytes: bytes) -> dict[int, bytes]:
    opened = _open_mapped(pid, mapping)
    if opened is None:
        return {}
    file, is_surely_it = opened
    found: dict[int, bytes] = {}
    try:
        for page in pages:
            now = os.pread(memory, PAGE, page)
            original = os.pread(file, PAGE, page - mapping.start + mapping.offset).ljust(len(now), b"\0")
            differences = dict(_differences(page, now, original, breakpoint_bytes))
            healed = bytearray(now)
            for address, data in differences.items():
                healed[address - page : address - page + len(data)] = data
            if is_surely_it or healed == original:
                found.update(differences)
    finally:
        os.close(file)
    return found


def _differences(page: int, now: bytes, original: bytes, breakpoint_bytes: bytes) -> Iterator[tuple[int, bytes]]:
    size = len(breakpoint_bytes)
    at = now.find(breakpoint_bytes)
    while at >= 0:
        data = original[at : at + size]
        if at % size == 0 and data != breakpoint_bytes:
            yield page + at, data
        at = now.find(breakpoint_bytes, at + 1)


def _open_mapped(pid: int, mapping: Mapping) -> tuple[int, bool] | None:
    """Open the file that is mapped; say whether its device and inode prove that it is the one.

    On overlayfs and btrfs /proc/PID/maps has another device than stat(2), so there only the inode agrees; the caller
    then believes a page only if it is the file's in all but the breakpoints.
    """
    fallback = None
    for find in (_open_program, _open_path, _open_map_file):
        try:
            fd = find(pid, mapping)
        except OSError:
            continue
        facts = os.fstat(fd)
        if facts.st_ino == mapping.inode and (facts.st_dev == mapping.device or find is _open_map_file):
            if fallback is not None:
                os.close(fallback)
            return fd, True
        if facts.st_ino == mapping.inode and fallback is None:
            fallback = fd
        else:
            os.close(fd)
    return (fallback, False) if fallback is not None else None


def _open_program(pid: int, mapping: Mapping) -> int:
    return os.open(f"/proc/{pid}/exe", os.O_RDONLY | os.O_CLOEXEC)


def _open_path(pid: int, mapping: Mapping) -> int:
    root = f"/proc/{pid}/root"
    return rootfs.open_file(root, rootfs.inside(root, mapping.path) or mapping.path)


def _open_map_file(pid: int, mapping: Mapping) -> int:
    """Open the mapped file itself, deleted or not; needs CAP_CHECKPOINT_RESTORE (proc(5), "map_files")."""
    return os.open(f"/proc/{pid}/map_files/{mapping.start:x}-{mapping.end:x}", os.O_RDONLY | os.O_CLOEXEC)


def _write_all(memory: int, data: dict[int, bytes]) -> None:
    for address, each in data.items():
        os.pwrite(memory, each, address)


def _seize(pid: int) -> None:
    kernel.ptrace(kernel.PTRACE_SEIZE, pid)


def _detach(pid: int) -> None:
    """End our tracing; only a stopped process can be detached, so it is stopped for that moment (ptrace(2))."""
    kernel.ptrace(kernel.PTRACE_INTERRUPT, pid)
    os.waitpid(pid, kernel.WALL)
    kernel.ptrace(kernel.PTRACE_DETACH, pid)
