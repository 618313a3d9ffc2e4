"""The target's memory as bytes, also while it runs."""

from __future__ import annotations

import os
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.session import Session

_PAGE_BYTES = 4096


@mi_command("-data-read-memory-bytes")
def read(session: Session, address: str, count: str) -> dict[str, Any]:
    """Return what can be read from an address on."""
    begin, size = int(address, 0), int(count)
    data = read_bytes(session, begin, size)
    if size and not data:
        raise MiError("Unable to read memory.")
    block = {"begin": f"{begin:#x}", "offset": "0x0", "end": f"{begin + len(data):#x}", "contents": data.hex()}
    return {"memory": [block]}


def read_bytes(session: Session, address: int, count: int) -> bytes:
    """Return the bytes at an address, up to the first that can't be read."""
    if not session.is_stopped:
        # LLDB reads nothing then; what it has put into the code is taken out here.
        return _without_breakpoints(session, address, _read_running(session.pid, address, count))
    failure = lldb.SBError()
    data = session.process.ReadMemory(address, count, failure) if count else b""
    if data is not None and failure.Success() and len(data) == count:
        return bytes(data)
    # Page by page up to the one that isn't there.
    found = bytearray()
    while len(found) < count:
        piece = min(_PAGE_BYTES - (address + len(found)) % _PAGE_BYTES, count - len(found))
        data = session.process.ReadMemory(address + len(found), piece, failure)
        if failure.Fail() or not data:
            break
        found += data
        if len(data) < piece:
            break
    return bytes(found)


def _read_running(pid: int, address: int, count: int) -> bytes:
    found = bytearray()
    fd = os.open(f"/proc/{pid}/mem", os.O_RDONLY | os.O_CLOEXEC)
    try:
        while len(found) < count:
            piece = min(_PAGE_BYTES - (address + len(found)) % _PAGE_BYTES, count - len(found))
            data = os.pread(fd, piece, address + len(found)) if address + len(found) < 1 << 63 else b""
            found += data
            if len(data) < piece:
                break
    except OSError:
        # What lies behind isn't there.
        pass
    finally:
        os.close(fd)
    return bytes(found)


def _without_breakpoints(session: Session, begin: int, data: bytes) -> bytes:
    """Return data of memory with the code's own bytes where breakpoints are, which the program's file has."""
    target = session.target
    found = bytearray(data)
    for breakpoint_ in target.breakpoint_iter():
        for location in breakpoint_:
            at = location.GetLoadAddress() - begin
            if not 0 <= at < len(found) or not location.IsEnabled():
                continue
            failure = lldb.SBError()
            # From the file: the target runs.
            original = target.ReadMemory(_in_file(location.GetAddress()), 1, failure)
            if failure.Success() and original:
                found[at] = original[0]
    return bytes(found)


def _in_file(address: Any) -> Any:
    section = address.GetSection()
    return lldb.SBAddress(section, address.GetOffset())


@mi_command("-data-write-memory-bytes")
def write(session: Session, address: str, contents: str, *_: str) -> dict[str, Any]:
    """Write bytes, given in hex."""
    begin, data = int(address, 0), bytes.fromhex(contents)
    if session.is_stopped:
        failure = lldb.SBError()
        if session.process.WriteMemory(begin, data, failure) < len(data):
            raise MiError(f"Cannot access memory at address {begin:#x}")
        return {}
    fd = os.open(f"/proc/{session.pid}/mem", os.O_WRONLY | os.O_CLOEXEC)
    try:
        if os.pwrite(fd, data, begin) < len(data):
            raise MiError(f"Cannot access memory at address {begin:#x}")
    except OSError:
        raise MiError(f"Cannot access memory at address {begin:#x}") from None
    finally:
        os.close(fd)
    return {}
