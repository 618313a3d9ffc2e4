"""Stops all threads of a process at once, copies their registers and stacks, and lets them go on.

Everything here counts while the process stands, so it is prepared before and made sense of afterwards. PTRACE_SEIZE
stops nothing and sends no signal; who is seized is let go of by the kernel when this process ends, however it ends.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import struct
import time
from array import array
from bisect import bisect_right

from dapbridge.agent.remote import kernel
from dapbridge.agent.remote.core_file import NT_FPREGSET, NT_PRSTATUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from dapbridge.agent.remote.processes import Mapping

REGISTER_SETS = {
    "x86_64": ((NT_PRSTATUS, 27 * 8), (NT_FPREGSET, 512)),
    # Also the mask of signed return addresses, and the thread pointer.
    "aarch64": ((NT_PRSTATUS, 34 * 8), (NT_FPREGSET, 528), (0x406, 16), (0x401, 16)),
}
_SP = {"x86_64": 19 * 8, "aarch64": 31 * 8}
_WORD = struct.Struct("<Q")
_RED_ZONE = 128
_STOP_LIMIT_S = 0.25
_STUCK_LIMIT_S = 0.01
"""What a thread gets that was in an uninterruptible sleep before: it may stay there for long."""
_LOOK_AGAIN_S = 0.005
_REST_S = 0.001
_MAX_ROUNDS = 8


class Stacks:
    """Where stacks are, as /proc/PID/maps has it, and how much of them is copied."""

    def __init__(self, mappings: Iterable[Mapping], budget: int, limit: int) -> None:
        """budget: bytes for all stacks together; limit: for one."""
        self._mappings = [each for each in mappings if each.readable]
        self._starts = [each.start for each in self._mappings]
        self._budget = budget
        self._limit = limit

    def find(self, sp: int) -> Mapping | None:
        """Return the mapping that a stack pointer is in; one that has just grown downwards is found too."""
        index = bisect_right(self._starts, sp)
        if index and sp < self._mappings[index - 1].end:
            return self._mappings[index - 1]
        if index < len(self._mappings) and self._mappings[index].path == "[stack]":
            return self._mappings[index]
        return None

    def spans(self, sps: Iterable[int]) -> list[tuple[int, int]]:
        """Return (address, size) of the used part of each stack; of what is too much the outermost frames are cut."""
        wanted: dict[int, int] = {}
        for sp in sps:
            mapping = self.find(sp)
            if mapping is not None:
                start = max(mapping.start, sp - _RED_ZONE) if sp >= mapping.start else sp
                wanted[start] = min(mapping.end - start, self._limit)
        budget = self._budget
        spans = []
        for before, (start, size) in enumerate(sorted(wanted.items(), key=lambda span: span[1])):
            # What the smaller ones leave of their share is for the larger ones.
            share = min(size, budget // (len(wanted) - before))
            budget -= share
            spans.append((start, share))
        return spans


class Freezer:
    """One freeze of one process. `take` may be called once."""

    def __init__(self, pid: int, machine: str, stacks: Stacks, tids: list[int], stuck: set[int]) -> None:
        """stuck: those of `tids` that were in an uninterruptible sleep."""
        self._pid = pid
        self._stacks = stacks
        self._stuck = stuck
        self._sets = REGISTER_SETS[machine]
        self._sp_at = _SP[machine]
        self._stride = sum(size for _, size in self._sets)
        self._slots: list[tuple[ctypes.Array[ctypes.c_char], array[int]]] = []
        self._pending: dict[int, int] = {}
        self._seized: set[int] = set()
        self._statuses: dict[int, int] = {}
        self._registers: dict[int, ctypes.Array[ctypes.c_char]] = {}
        self._lengths: dict[int, array[int]] = {}
        for _ in range(len(tids) + 64):
            self._add_slot()
        self._memory = Copy(pid)
        self.stood_ns = 0
        self.gone: set[int] = set()
        self.unstopped: set[int] = set()

    def prepare(self, size: int) -> None:
        """Make room for about so many bytes of memory."""
        self._memory.reserve(size)

    def take(self, tids: list[int], more: list[tuple[int, int]]) -> None:
        """Seize `tids`, stop all, copy registers, stacks and `more` memory (address, size), let go.

        Raises OSError where the process can't be traced or has ended.
        """
        new = self._seize(tids)
        collects = gc.isenabled()
        gc.disable()
        # Who has just slept is the last that the scheduler takes the processor from.
        time.sleep(_REST_S)
        signal.signal(signal.SIGALRM, lambda *_: None)
        signal.setitimer(signal.ITIMER_REAL, _LOOK_AGAIN_S, _LOOK_AGAIN_S)
        begin = time.monotonic_ns()
        try:
            for _ in range(_MAX_ROUNDS):
                if not new:
                    break
                for tid in new:
                    self._interrupt(tid)
                self._collect()
                # Who was not stopped yet may have started others.
                new = self._seize(self._newcomers())
            spans = self._stacks.spans(self._stack_pointers())
            self._memory.take(spans + more)
        finally:
            self._let_go()
            self.stood_ns = time.monotonic_ns() - begin
            signal.setitimer(signal.ITIMER_REAL, 0)
            if collects:
                gc.enable()

    def registers(self) -> dict[int, dict[int, bytes]]:
        """Return the register sets of each thread that was stopped, by the type of their note."""
        return {tid: self._registers_of(tid) for tid in self._registers}

    def memory(self) -> list[tuple[int, memoryview]]:
        """Return what was copied."""
        return self._memory.pieces()

    def _add_slot(self) -> None:
        buffer = ctypes.create_string_buffer(self._stride)
        address = ctypes.addressof(buffer)
        iovecs = array("Q")
        for _, size in self._sets:
            iovecs.extend((address, size))
            address += size
        self._slots.append((buffer, iovecs))

    def _seize(self, tids: Iterable[int]) -> list[int]:
        seized = []
        for tid in tids:
            try:
                kernel.ptrace(kernel.PTRACE_SEIZE, tid)
            except ProcessLookupError:
                self.gone.add(tid)
                continue
            except PermissionError:
                if not _has_ended(self._pid, tid):
                    raise
                self.gone.add(tid)
                continue
            seized.append(tid)
        self._seized.update(seized)
        return seized

    def _interrupt(self, tid: int) -> None:
        try:
            kernel.ptrace(kernel.PTRACE_INTERRUPT, tid)
        except ProcessLookupError:
            self.gone.add(tid)
            return
        self._pending[tid] = 1

    def _newcomers(self) -> list[int]:
        return [tid for tid in map(int, os.listdir(f"/proc/{self._pid}/task")) if tid not in self._seized | self.gone]

    def _collect(self) -> None:
        """Wait until all that were interrupted stand, copying the registers of each."""
        now = time.monotonic()
        limit, stuck_limit = now + _STOP_LIMIT_S, now + _STUCK_LIMIT_S
        pending = self._pending
        status = ctypes.c_int()
        while pending:
            try:
                tid = kernel.wait_any(status)
            except ChildProcessError:
                self.gone.update(pending)
                pending.clear()
                return
            if tid:
                pending.pop(tid, None)
                if os.WIFSTOPPED(status.value):
                    self._statuses[tid] = status.value
                    self._copy_registers(tid)
                else:
                    self.gone.add(tid)
                continue
            self._drop_gone()
            now = time.monotonic()
            if now > limit or (now > stuck_limit and pending.keys() <= self._stuck):
                self.unstopped.update(pending)
                pending.clear()

    def _drop_gone(self) -> None:
        """Forget threads that an exec has taken away: nobody is told of their end."""
        left = set(map(int, os.listdir(f"/proc/{self._pid}/task")))
        for tid in self._pending.keys() - left:
            del self._pending[tid]
            self.gone.add(tid)

    def _copy_registers(self, tid: int) -> None:
        if not self._slots:
            self._add_slot()
        buffer, iovecs = self._slots.pop()
        address = iovecs.buffer_info()[0]
        try:
            for kind, _ in self._sets:
                try:
                    kernel.ptrace(kernel.PTRACE_GETREGSET, tid, kind, address)
                except ProcessLookupError:
                    raise
                except OSError:
                    # A register set that this machine doesn't have.
                    if kind == NT_PRSTATUS:
                        raise
                    iovecs[(address - iovecs.buffer_info()[0]) // 8 + 1] = 0
                address += 16
        except ProcessLookupError:  # killed meanwhile
            self.gone.add(tid)
            return
        self._registers[tid] = buffer
        self._lengths[tid] = iovecs

    def _stack_pointers(self) -> list[int]:
        at = self._sp_at
        return [_WORD.unpack_from(buffer, at)[0] for buffer in self._registers.values()]

    def _registers_of(self, tid: int) -> dict[int, bytes]:
        buffer, iovecs = self._registers[tid].raw, self._lengths[tid]
        found = {}
        at = 0
        for index, (kind, size) in enumerate(self._sets):
            if length := iovecs[2 * index + 1]:
                found[kind] = buffer[at : at + length]
            at += size
        return found

    def _let_go(self) -> None:
        """Let each thread go on, with the signal that it may have stopped for."""
        for tid, status in self._statuses.items():
            number = os.WSTOPSIG(status) if status >> 16 == 0 else 0
            try:
                kernel.ptrace(kernel.PTRACE_DETACH, tid, data=number)
            except ProcessLookupError:
                continue


class Copy:
    """Memory of a process, copied into a buffer that is there before.

    Through /proc/PID/mem: Docker's seccomp profile keeps process_vm_readv(2) from a sidecar without SYS_PTRACE.
    """

    def __init__(self, pid: int) -> None:
        """Raises OSError."""
        self._memory = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
        self._buffer = memoryview(b"")
        self._pieces: list[tuple[int, int, int]] = []

    def reserve(self, size: int) -> None:
        """Make room, and have the kernel give us the pages now."""
        if size > len(self._buffer):
            buffer = ctypes.create_string_buffer(size)
            ctypes.memset(buffer, 1, size)
            self._buffer = memoryview(buffer).cast("B")

    def take(self, spans: list[tuple[int, int]]) -> None:
        """Copy what can be read of `spans` (address, size)."""
        self.reserve(sum(size for _, size in spans))
        read, memory, buffer = os.preadv, self._memory, self._buffer
        offset = 0
        for address, size in spans:
            try:
                copied = read(memory, [buffer[offset : offset + size]], address)
            except OSError:
                continue
            self._pieces.append((address, offset, copied))
            offset += copied

    def pieces(self) -> list[tuple[int, memoryview]]:
        """Return (address, bytes) of all that was copied."""
        return [(address, self._buffer[offset : offset + size]) for address, offset, size in self._pieces]


def _has_ended(pid: int, tid: int) -> bool:
    try:
        with open(f"/proc/{pid}/task/{tid}/stat", "rb") as file:
            return file.read().rpartition(b")")[2].split()[0] in (b"Z", b"X")
    except OSError:
        return True
