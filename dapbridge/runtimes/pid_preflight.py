"""Whether a process of this host can be debugged, and what is missing where it can't; touches it in no way."""

import os
from pathlib import Path

from msgspec import Struct

from dapbridge.agent.facts import AgentScope
from dapbridge.errors import UserError

_PROC = Path("/proc")
_YAMA = _PROC / "sys/kernel/yama/ptrace_scope"
_SYS_PTRACE = 1 << 19
_SYS_ADMIN = 1 << 21

_YAMA_MEANING = {
    1: "only its ancestors and those with the capability SYS_PTRACE may trace a process",
    2: "only those with the capability SYS_PTRACE may trace a process",
    3: "nobody may trace any process until the next boot",
}


class Status(Struct, frozen=True):
    """What /proc/PID/status says (proc(5)); `pids` are the process's numbers from our own PID namespace inwards."""

    name: str
    state: str
    tracer_pid: int
    uid: int
    pids: tuple[int, ...]
    cap_effective: int


class Rights(Struct, frozen=True):
    """What decides whether one process may trace another."""

    own_uid: int
    own_cap_effective: int
    yama_scope: int


def check_process(pid: int) -> AgentScope:
    """Return what the agent is told of the process. Raises UserError: why it can't be debugged and what to do."""
    try:
        status = read_status(pid)
    except OSError as error:
        raise UserError(f"there is no process {pid} on this host") from error
    check_state(pid, status)
    own = read_status(os.getpid())
    try:
        # Asks the kernel just what an attach asks, and stops nothing.
        os.close(os.open(_PROC / str(pid) / "mem", os.O_RDWR | os.O_CLOEXEC))
        namespace = os.readlink(_PROC / str(pid) / "ns/pid")
    except PermissionError as error:
        raise UserError(explain_denial(pid, status, Rights(own.uid, own.cap_effective, _yama_scope()))) from error
    except OSError as error:
        raise UserError(f"process {pid} ({status.name}) has just ended") from error
    if namespace == os.readlink(_PROC / "self/ns/pid"):
        return AgentScope(main_pid=pid)
    if not own.cap_effective & _SYS_ADMIN:
        raise UserError(
            f"process {pid} ({status.name}) is in a PID namespace of its own: joining it needs the capability"
            " SYS_ADMIN; run dapbridge as root"
        )
    return AgentScope(main_pid=status.pids[-1], join_pid=pid)


def check_state(pid: int, status: Status) -> None:
    """Raise UserError if the process's state leaves nothing to debug."""
    who = f"process {pid} ({status.name})"
    if pid == os.getpid():
        raise UserError(f"{who} is dapbridge itself, which can't debug itself")
    if status.state in "ZX":
        raise UserError(f"{who} has ended and is a zombie: there is nothing left to debug")
    if status.tracer_pid:
        raise UserError(f"{who} is already traced by {_name_of(status.tracer_pid)}: detach that debugger first")
    if status.state == "T":
        raise UserError(f"{who} is stopped (SIGSTOP, or Ctrl-Z in a terminal); let it run first: kill -CONT {pid}")


def explain_denial(pid: int, status: Status, rights: Rights) -> str:
    """Say which right is missing to trace a process that the kernel has refused."""
    who = f"no permission to trace process {pid} ({status.name}) of uid {status.uid} as uid {rights.own_uid}"
    meaning = _YAMA_MEANING.get(rights.yama_scope)
    yama = f"kernel.yama.ptrace_scope is {rights.yama_scope}: {meaning}"
    if rights.yama_scope == 3:
        return f"{who}: {yama}"
    if rights.own_cap_effective & _SYS_PTRACE:
        return f"{who}: a security module (AppArmor, SELinux) forbids it, or it is in another user namespace"
    if status.uid != rights.own_uid:
        return f"{who}: another user's process needs the capability SYS_PTRACE; run dapbridge as root"
    if meaning:
        return f"{who}: {yama}; run dapbridge as root, or set it to 0: sudo sysctl kernel.yama.ptrace_scope=0"
    return f"{who}: it is not dumpable or holds capabilities; this needs SYS_PTRACE: run dapbridge as root"


def read_status(pid: int) -> Status:
    """Read /proc/PID/status. Raises OSError."""
    lines = (_PROC / str(pid) / "status").read_text(errors="replace").splitlines()
    fields = {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}
    return Status(
        name=fields["Name"],
        state=fields["State"][0],
        tracer_pid=int(fields["TracerPid"]),
        uid=int(fields["Uid"].split()[1]),
        pids=tuple(int(each) for each in fields.get("NSpid", str(pid)).split()),
        cap_effective=int(fields["CapEff"], 16),
    )


def _name_of(pid: int) -> str:
    try:
        return f"{read_status(pid).name} (pid {pid})"
    except OSError:
        return f"pid {pid}"


def _yama_scope() -> int:
    try:
        return int(_YAMA.read_text())
    except OSError:
        return 0
