"""The target's memory as bytes, also while it runs; knows nothing of values."""

from __future__ import annotations

import os
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_PAGE_BYTES = 4096
_END_OF_USER = 1 << 63


class Memory:
    """The target's memory as one command sees it: as the kernel shows it, with the program's own bytes at breakpoints.

    LLDB reads it in small pieces, each with a question to lldb-server, and not at all while the target runs.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._breakpoints: list[int] | None = None
        self._fd = -1
        # lldb-server may have rights that we don't have.
        with suppress(OSError):
            self._fd = os.open(f"/proc/{session.pid}/mem", os.O_RDONLY | os.O_CLOEXEC)

    def __del__(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def read(self, address: int, count: int) -> bytes:
        """Return the bytes at an address, up to the first that can't be read."""
        return self._without_breakpoints(address, self.read_as_it_is(address, count))

    def read_as_it_is(self, address: int, count: int) -> bytes:
        """Return the same with what breakpoints have written into the code, if that is in it."""
        if self._fd < 0 or not 0 <= address < _END_OF_USER:
            return self._by_lldb(address, count)
        try:
            data = os.pread(self._fd, count, address)
        except OSError:
            return b""
        while data and len(data) < count:
            # What there is ends with a page, or the kernel gives no more at once.
            try:
                piece = os.pread(self._fd, count - len(data), address + len(data))
            except OSError:
                break
            data += piece
            if not piece:
                break
        return data

    def _by_lldb(self, address: int, count: int) -> bytes:
        """Page by page up to the one that isn't there."""
        found = bytearray()
        failure = lldb.SBError()
        while len(found) < count and 0 <= address + len(found) < 1 << 64:
            piece = min(_PAGE_BYTES - (address + len(found)) % _PAGE_BYTES, count - len(found))
            data = self._session.process.ReadMemory(address + len(found), piece, failure)
            if failure.Fail() or not data:
                break
            found += data
            if len(data) < piece:
                break
        return bytes(found)

    def _without_breakpoints(self, begin: int, data: bytes) -> bytes:
        if self._breakpoints is None:
            self._breakpoints = sorted(
                location.GetLoadAddress()
                for breakpoint_ in self._session.target.breakpoint_iter()
                for location in breakpoint_
            )
        first = bisect_left(self._breakpoints, begin)
        if first == len(self._breakpoints) or self._breakpoints[first] >= begin + len(data):
            return data
        found = bytearray(data)
        for at in self._breakpoints[first : bisect_left(self._breakpoints, begin + len(data))]:
            found[at - begin] = self._original(at, found[at - begin])
        return bytes(found)

    def _original(self, address: int, seen: int) -> int:
        """Return the program's byte at a breakpoint."""
        failure = lldb.SBError()
        if self._session.is_stopped:
            data = self._session.process.ReadMemory(address, 1, failure)
        else:
            if address in self._session.patched:
                return self._session.patched[address]
            # Of the program's file.
            place = self._session.target.ResolveLoadAddress(address)
            still = lldb.SBDebugger.Create(False)
            target = still.CreateTarget(None)
            target.AddModule(place.GetModule())
            data = target.ReadMemory(lldb.SBAddress(place.GetSection(), place.GetOffset()), 1, failure)
            lldb.SBDebugger.Destroy(still)
        return data[0] if failure.Success() and data else seen


@mi_command("-data-read-memory-bytes")
def read(session: Session, address: str, count: str) -> dict[str, Any]:
    """Return what can be read from an address on."""
    begin, size = int(address, 0), int(count)
    data = Memory(session).read(begin, size)
    if size and not data:
        raise MiError("Unable to read memory.")
    block = {"begin": f"{begin:#x}", "offset": "0x0", "end": f"{begin + len(data):#x}", "contents": data.hex()}
    return {"memory": [block]}


@mi_command("-data-write-memory-bytes")
def write(session: Session, address: str, contents: str, *_: str) -> dict[str, Any]:
    """Write bytes, given in hex."""
    begin, data = int(address, 0), bytes.fromhex(contents)
    if not write_bytes(session, begin, data):
        raise MiError(f"Cannot access memory at address {begin:#x}")
    return {}


def write_bytes(session: Session, begin: int, data: bytes) -> bool:
    """Write to the target's memory; say whether that could be done."""
    places = _covered(session, begin, begin + len(data))
    if not places:
        return _write(session, begin, data)
    with session.traps.laid(), _without(places):
        session.patched.update({at: data[at - begin] for at in (each.GetLoadAddress() for each in places)})
        session.traps.forget_code()
        return _write(session, begin, data)


def _write(session: Session, begin: int, data: bytes) -> bool:
    if session.is_stopped:
        failure = lldb.SBError()
        return bool(session.process.WriteMemory(begin, data, failure) == len(data))
    try:
        fd = os.open(f"/proc/{session.pid}/mem", os.O_WRONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        return os.pwrite(fd, data, begin) == len(data)
    except OSError:
        return False
    finally:
        os.close(fd)


def _covered(session: Session, begin: int, end: int) -> list[Any]:
    """List the places of breakpoints in a piece of memory."""
    return [
        location
        for breakpoint_ in session.target.breakpoint_iter()
        for location in breakpoint_
        if location.IsEnabled() and begin <= location.GetLoadAddress() < end
    ]


@contextmanager
def _without(places: list[Any]) -> Iterator[None]:
    """Take breakpoints out of their places for the block: LLDB notes anew what is below them then."""
    for each in places:
        each.SetEnabled(False)
    try:
        yield
    finally:
        for each in places:
            each.SetEnabled(True)
