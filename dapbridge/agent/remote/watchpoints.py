"""Takes a dead debugger's hardware watchpoints out of a process: they stay in its threads, and the next hit kills it.

x86-64 only: elsewhere debug registers are no part of what PTRACE_POKEUSER writes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time

from dapbridge.agent.remote import kernel

_DR7 = 848 + 7 * 8
"""Where the control register stands in `struct user` (<sys/user.h>); 0 switches all watchpoints off."""
_TRAP_HWBKPT = 4
_SI_CODE = 8
_STOP_LIMIT_S = 0.05


def clear(pid: int) -> None:
    """Clear the debug registers of each thread; a hit that is on its way is dropped. Raises OSError."""
    if os.uname().machine != "x86_64":
        return
    for thread in os.listdir(f"/proc/{pid}/task"):
        try:
            _clear_thread(int(thread))
        except OSError:  # ended meanwhile, or somebody else's
            continue


def _clear_thread(thread: int) -> None:
    kernel.ptrace(kernel.PTRACE_SEIZE, thread)
    kernel.ptrace(kernel.PTRACE_INTERRUPT, thread)
    status = _wait_stopped(thread)
    if status is None or not os.WIFSTOPPED(status):
        # One that the kernel holds (vfork) hits nothing either; the agent's end lets it go.
        return
    kernel.ptrace(kernel.PTRACE_POKEUSER, thread, _DR7)
    # The interrupt's own stop has the event's number above the signal's.
    number = os.WSTOPSIG(status) if status >> 16 == 0 else 0
    if number == signal.SIGTRAP and _si_code(thread) == _TRAP_HWBKPT:
        number = 0
    kernel.ptrace(kernel.PTRACE_DETACH, thread, data=number)


def _wait_stopped(thread: int) -> int | None:
    limit = time.monotonic() + _STOP_LIMIT_S
    while time.monotonic() < limit:
        pid, status = os.waitpid(thread, kernel.WALL | os.WNOHANG)
        if pid:
            return status
        time.sleep(0.0002)
    return None


def _si_code(thread: int) -> int:
    info = ctypes.create_string_buffer(128)
    kernel.ptrace(kernel.PTRACE_GETSIGINFO, thread, data=ctypes.addressof(info))
    return int.from_bytes(info.raw[_SI_CODE : _SI_CODE + 4], "little", signed=True)
