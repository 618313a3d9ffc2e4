"""Whether the agent (and so its debugger) may trace a process, found out without touching it."""

from __future__ import annotations

import errno
import os

from dapbridge.agent.remote import processes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_DAC_OVERRIDE, _KILL, _SYS_PTRACE = 1, 5, 19


def inspect(pid: int) -> dict[str, Any]:
    """Return what dapbridge.agent.facts.Inspection says of one process. Raises OSError."""
    process = processes.facts(pid)
    tracer = process["tracer_pid"]
    return {"process": process, "tracer": _name(tracer) if tracer else None, "denial": _denial(process)}


def _denial(process: dict[str, Any]) -> str | None:
    """Say why the process can't be traced, None where it can.

    Opening its memory for writing asks the kernel the same as PTRACE_ATTACH does (ptrace(2), "Ptrace access mode
    checking"), and stops nothing.
    """
    pid = process["pid"]
    if process["has_ended"]:
        return f"process {pid} has ended already"
    if process["state"] in "ZX":
        return f"the main thread of process {pid} has ended: a debugger can't attach to the threads that are left"
    own = processes.own_facts()
    try:
        os.close(os.open(f"/proc/{pid}/mem", os.O_RDWR | os.O_CLOEXEC))
    except OSError as error:
        return f"process {pid} of uid {process['uid']} can't be traced by uid {own['uid']}: {_missing(own, error)}"
    if process["threads"] > 1 and not _may_signal(pid):
        return f"the threads of process {pid} of uid {process['uid']} can't be stopped: the capability KILL is missing"
    return None


def _missing(own: dict[str, Any], error: OSError) -> str:
    yama = _yama_scope()
    if yama == 3:
        return "kernel.yama.ptrace_scope is 3, which forbids it until the next boot"
    if not own["cap_effective"] >> _SYS_PTRACE & 1:
        scope = f" (kernel.yama.ptrace_scope is {yama})" if yama else ""
        return f"the capability SYS_PTRACE is missing{scope}"
    if error.errno == errno.EACCES and not own["cap_effective"] >> _DAC_OVERRIDE & 1:
        return "the capability DAC_OVERRIDE is missing"
    return f"{error.strerror} (a security module such as AppArmor or SELinux, or another user namespace)"


def _may_signal(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return False
    return True


def _yama_scope() -> int:
    try:
        with open("/proc/sys/kernel/yama/ptrace_scope") as file:
            return int(file.read())
    except OSError:
        return 0


def _name(pid: int) -> str:
    try:
        return f"{processes.facts(pid)['name']} (pid {pid})"
    except OSError:
        return f"pid {pid}"
