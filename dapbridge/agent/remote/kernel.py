"""The system calls that Python's `os` lacks, by ctypes: prctl, setns, unshare, mount, ptrace; and waitpid."""

from __future__ import annotations

import ctypes
import errno
import os

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x8, 0x4000, 0x40000
PTRACE_POKEUSER, PTRACE_DETACH = 6, 17
PTRACE_GETSIGINFO, PTRACE_GETREGSET, PTRACE_SEIZE, PTRACE_INTERRUPT = 0x4202, 0x4204, 0x4206, 0x4207
WALL = 0x40000000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.ptrace.restype = ctypes.c_long
_libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)


def prctl(option: int, argument: int) -> None:
    """Set one attribute of this process (prctl(2)). Raises OSError."""
    _check(_libc.prctl(option, ctypes.c_ulong(argument), 0, 0, 0))


def setns(fd: int, kind: int) -> None:
    """Join the namespace that `fd` is; for CLONE_NEWPID only children end up in it (setns(2)). Raises OSError."""
    _check(_libc.setns(fd, kind))


def unshare(kinds: int) -> None:
    """Leave the shared namespaces for private copies (unshare(2)). Raises OSError."""
    _check(_libc.unshare(kinds))


def mount(source: str, target: str, kind: str, flags: int) -> None:
    """Mount (mount(2)). Raises OSError."""
    _check(_libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), None))


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> None:
    """Make a ptrace request that returns nothing (ptrace(2)). Raises OSError."""
    _check(_libc.ptrace(request, pid, address, data))


def wait_any(status: ctypes.c_int) -> int:
    """Wait until a child or who is traced has changed; return its id, 0 where a signal came first (waitpid(2)).

    Unlike `os.waitpid`, which goes on waiting behind a signal. Raises OSError.
    """
    pid: int = _libc.waitpid(-1, ctypes.byref(status), ctypes.c_int(WALL))
    if pid < 0 and ctypes.get_errno() == errno.EINTR:
        return 0
    _check(pid)
    return pid


def _check(result: int) -> None:
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
