"""A snapshot of a process as a core file in memory: taken by a child of the agent, in one short freeze.

The child is what traces: whatever happens to it, the kernel then lets go of all that it has seized, and so does its
death that follows the agent's. The core file is a memfd, which is never on a disk and gone with the agent.
"""

from __future__ import annotations

import json
import os
import signal
from contextlib import suppress

from dapbridge.agent.remote import healing, kernel, processes, rootfs, waiting
from dapbridge.agent.remote.core_file import MACHINES, NT_PRSTATUS, Core, MappedFile, Thread
from dapbridge.agent.remote.freezing import REGISTER_SETS, Freezer, Stacks
from dapbridge.agent.remote.link_map import LinkMap, LinkMapError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

    from dapbridge.agent.remote.loop import Loop
    from dapbridge.agent.remote.processes import Mapping
    from dapbridge.agent.remote.waiting import Waiting

MIB = 1 << 20
_STACK_BUDGET = 64 * MIB
_STACK_LIMIT = 8 * MIB
_FILE_PAGES_BUDGET = 16 * MIB
_DATA_BUDGET = 64 * MIB
_LIMIT_S = 30
_MUTEX_BYTES = 16
_MUTEX_OWNER = 8
_NO_SYSCALL = (1 << 64) - 1
# Of the general registers: the system call, its arguments; and program counter and stack pointer.
_X86_SYSCALL, _X86_ARGUMENTS = 15, (14, 13, 12, 7, 9, 8)
_PC_SP = {"x86_64": (16, 19), "aarch64": (32, 31)}


class Snapshots:
    """The snapshots of one agent, by the descriptors of their core files."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._cores: set[int] = set()

    def take(self, pid: int, data: bool, answer: Callable[..., None]) -> None:
        """Take one of process `pid`; `answer` is given `result` or `error` later. Raises OSError."""
        core = os.memfd_create("core", os.MFD_CLOEXEC)
        answers, told = os.pipe2(os.O_CLOEXEC)
        try:
            if os.fork() == 0:
                _run_child(pid, data, core, told)
        except OSError:  # too many processes
            os.close(core)
            os.close(answers)
            raise
        finally:
            os.close(told)
        told_so_far: list[bytes] = []

        def read() -> None:
            if part := os.read(answers, 1 << 20):
                told_so_far.append(part)
                return
            self._loop.unwatch(answers)
            os.close(answers)
            text = b"".join(told_so_far) or b'{"error": "the snapshot was cut short"}'
            found = json.loads(text)
            if "error" in found:
                os.close(core)
                answer(error=f"can't take a snapshot of process {pid}: {found['error']}")
            else:
                self._cores.add(core)
                answer(result={**found, "core": core, "path": f"/proc/{os.getpid()}/fd/{core}"})

        self._loop.watch(answers, 1, read)

    def drop(self, core: int) -> None:
        """Forget a core file; its memory is free when the debugger has closed it too."""
        if core in self._cores:
            self._cores.remove(core)
            os.close(core)


def _run_child(pid: int, data: bool, core: int, told: int) -> None:
    """Be the child: take the snapshot, tell the result as JSON, end."""
    try:
        signal.set_wakeup_fd(-1)
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_DFL)
        kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
        try:
            found = take(pid, data, core)
        except (ProcessLookupError, FileNotFoundError):
            found = {"error": "it has ended"}
        except OSError as error:
            found = {"error": error.strerror or str(error)}
        except SnapshotError as error:
            found = {"error": str(error)}
        text = json.dumps(found).encode()
        while text:
            text = text[os.write(told, text) :]
    except BaseException:  # noqa: BLE001 - it must not go on as a second agent
        with suppress(BaseException):
            import traceback

            os.write(told, json.dumps({"error": traceback.format_exc()[-2000:]}).encode())
    finally:
        os._exit(0)


class SnapshotError(Exception):
    """A process that no snapshot can be taken of; the text says why."""


def take(pid: int, data: bool, core_fd: int) -> dict[str, Any]:
    """Write the core file of process `pid` into a descriptor; return what the host is told of it.

    data: also copies what variables point to, the memory that the process has written. Raises OSError, SnapshotError.
    """
    machine = os.uname().machine
    _check(pid, machine)
    mappings = list(processes.mappings(pid))
    tids = sorted(int(tid) for tid in os.listdir(f"/proc/{pid}/task"))
    before = _look(pid, tids)
    ranges, left_out = _data_ranges(pid, mappings) if data else ([], 0)
    unchanging = _unchanging_memory(pid, mappings)
    mutexes = [(each.arguments[0], _MUTEX_BYTES) for each in before.values() if waiting.is_futex(machine, each.syscall)]
    stacks = Stacks(mappings, _STACK_BUDGET, _STACK_LIMIT)
    freezer = Freezer(pid, machine, stacks, tids, {tid for tid, each in before.items() if each.state == "D"})
    expected = stacks.spans(each.at[0] for each in before.values() if each.at)
    freezer.prepare(sum(size for _, size in [*expected, *expected, *ranges, *mutexes]) + MIB)
    freezer.take(tids, [*ranges, *mutexes])
    # What is left to do touches nothing; but a child that hangs would keep the agent from ending.
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.alarm(_LIMIT_S)

    registers = freezer.registers()
    memory = freezer.memory()
    core = _make_core(pid, machine, mappings, registers)
    core.memory = [*unchanging, *memory]
    size = 0
    for chunk in core.chunks():
        size += _write(core_fd, chunk)
    for tid in registers.keys() - before.keys():
        with suppress(OSError):
            before[tid] = waiting.look(pid, tid)
    words = {address: bytes(content) for address, content in memory if len(content) == _MUTEX_BYTES}
    return {
        "machine": machine,
        "stood_ns": freezer.stood_ns,
        "bytes": size,
        "left_out": left_out,
        "threads": [
            _describe(pid, machine, tid, before.get(tid), registers.get(tid), words)
            for tid in sorted({*registers, *freezer.unstopped})
        ],
    }


def _check(pid: int, machine: str) -> None:
    if machine not in MACHINES or machine not in REGISTER_SETS:
        raise SnapshotError(f"there is no way to copy the registers of a {machine} yet")
    with open(f"/proc/{pid}/exe", "rb") as exe:
        header = exe.read(20)
    if header[:6] != b"\x7fELF\x02\x01" or int.from_bytes(header[18:20], "little") != MACHINES[machine]:
        raise SnapshotError(f"its program is not one for {machine}, 64 bits")


def _look(pid: int, tids: Iterable[int]) -> dict[int, Waiting]:
    found = {}
    for tid in tids:
        with suppress(OSError):  # ended meanwhile
            found[tid] = waiting.look(pid, tid)
    return found


def _data_ranges(pid: int, mappings: list[Mapping]) -> tuple[list[tuple[int, int]], int]:
    """Return what the process has written, as (address, size), and how many bytes are too much.

    The smallest mappings come first: variables of programs and libraries, small heaps.
    """
    # Stacks included: they may lie in the middle of a heap (coroutines, Go).
    chosen = [each for each in mappings if each.writable and each.private]
    ranges: list[tuple[int, int]] = []
    left_out = 0
    budget = _DATA_BUDGET
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for mapping in sorted(chosen, key=lambda each: each.end - each.start):
            for start, size in _runs(healing.changed_pages(pagemap, mapping)):
                taken = min(size, budget)
                if taken:
                    ranges.append((start, taken))
                budget -= taken
                left_out += size - taken
    finally:
        os.close(pagemap)
    return ranges, left_out


def _unchanging_memory(pid: int, mappings: list[Mapping]) -> list[tuple[int, bytes]]:
    """Copy what a debugger needs to find the libraries, and pages of files that were relocated; none of it moves."""
    wanted: list[tuple[int, int]] = []
    with suppress(OSError, LinkMapError):
        link_map = LinkMap(pid)
        try:
            with suppress(LinkMapError):
                for _ in link_map.libraries():
                    pass
        finally:
            wanted += link_map.touched
            link_map.close()
    pagemap = os.open(f"/proc/{pid}/pagemap", os.O_RDONLY | os.O_CLOEXEC)
    memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        for mapping in mappings:
            if mapping.path == "[vdso]":
                wanted.append((mapping.start, mapping.end - mapping.start))
            elif mapping.inode and mapping.private and mapping.readable and not mapping.writable:
                wanted += _runs(healing.changed_pages(pagemap, mapping))
        return list(_read_all(memory, _pages(wanted), _FILE_PAGES_BUDGET))
    finally:
        os.close(memory)
        os.close(pagemap)


def _runs(pages: Iterable[int]) -> list[tuple[int, int]]:
    """Join pages that lie side by side, to (address, size)."""
    runs: list[tuple[int, int]] = []
    for page in pages:
        if runs and runs[-1][0] + runs[-1][1] == page:
            runs[-1] = (runs[-1][0], runs[-1][1] + healing.PAGE)
        else:
            runs.append((page, healing.PAGE))
    return runs


def _pages(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Return the whole pages that hold `spans`, each once."""
    page = healing.PAGE
    return _runs(sorted({each for start, size in spans for each in range(start - start % page, start + size, page)}))


def _read_all(memory: int, spans: list[tuple[int, int]], budget: int) -> Iterable[tuple[int, bytes]]:
    for start, size in spans:
        if size > budget:
            continue
        budget -= size
        with suppress(OSError, OverflowError):
            yield start, os.pread(memory, size, start)


def _make_core(pid: int, machine: str, mappings: list[Mapping], registers: dict[int, dict[int, bytes]]) -> Core:
    facts = processes.facts(pid)
    core = Core(machine, pid, facts["name"], " ".join(facts["command"]))
    core.ids = (facts["uid"], facts["gid"])
    with open(f"/proc/{pid}/auxv", "rb") as auxv:
        core.auxv = auxv.read()
    core.threads = [Thread(tid, registers[tid]) for tid in sorted(registers, key=lambda tid: (tid != pid, tid))]
    root = f"/proc/{pid}/root"
    for mapping in mappings:
        # A writable one is not as its file is: what was not copied must not be taken from there.
        if mapping.inode and not mapping.writable and mapping.path.startswith("/"):
            path = rootfs.inside(root, mapping.path)
            if path is not None:
                core.files.append(MappedFile(mapping.start, mapping.end, mapping.offset, path))
    return core


def _write(fd: int, chunk: bytes | memoryview) -> int:
    rest = memoryview(chunk)
    while rest:
        rest = rest[os.write(fd, rest) :]
    return len(chunk)


def _describe(
    pid: int,
    machine: str,
    tid: int,
    seen: Waiting | None,
    registers: dict[int, bytes] | None,
    words: dict[int, bytes],
) -> dict[str, Any]:
    """Return what is told of one thread; its system call only if that is true for the moment of the freeze."""
    found: dict[str, Any] = {"tid": tid, "name": seen.name if seen else "", "state": seen.state if seen else "?"}
    found["cpu_ns"] = seen.cpu_ns if seen else None
    if registers is None:
        return {**found, "stopped": False, "wchan": seen.wchan if seen else ""}
    general = memoryview(registers[NT_PRSTATUS]).cast("Q")
    pc, sp = (general[index] for index in _PC_SP[machine])
    number, arguments = None, []
    if seen is not None and seen.at == (sp, pc):
        number, arguments = seen.syscall, seen.arguments
        found["wchan"] = seen.wchan if seen.wchan != "0" else ""
    elif machine == "x86_64" and general[_X86_SYSCALL] != _NO_SYSCALL:
        number, arguments = general[_X86_SYSCALL], [general[index] for index in _X86_ARGUMENTS]
        found["state"] = "S"
    else:
        found["state"] = "R"
    if number is not None:
        found["syscall"] = waiting.describe(pid, machine, number, arguments)
        if waiting.is_futex(machine, number) and arguments[0] in words:
            found["owner"] = int.from_bytes(words[arguments[0]][_MUTEX_OWNER:][:4], "little")
    return found
