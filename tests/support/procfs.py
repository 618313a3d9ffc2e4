"""What /proc of this host says of a target's processes (proc(5)): seen from outside, whatever a debugger claims."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

_PROC = Path("/proc")


def pids() -> Iterator[int]:
    """Yield every process of the host."""
    return (int(entry.name) for entry in _PROC.iterdir() if entry.name.isdecimal())


def pids_in_container(container_id: str) -> list[int]:
    """Return the living processes of a container, by their control group."""
    return [pid for pid in pids() if container_id in read(pid, "cgroup")]


def pids_in_namespace(namespace: str) -> list[int]:
    """Return the processes in a PID namespace as pid_namespace() names it, zombies included."""
    return [pid for pid in pids() if pid_namespace(pid) == namespace]


def pid_namespace(pid: int) -> str | None:
    """Return the PID namespace of a process, "pid:[4026531836]"; None if there is no such process."""
    try:
        return str((_PROC / str(pid) / "ns/pid").readlink())
    except OSError:
        return None


def own_pid_namespace() -> str:
    """Return the PID namespace of the tests themselves."""
    return os.readlink("/proc/self/ns/pid")


def read(pid: int, file: str) -> str:
    """Return a text file below /proc/PID; "" if there is no such process."""
    try:
        return (_PROC / str(pid) / file).read_text(errors="replace")
    except OSError:
        return ""


def command(pid: int) -> list[str]:
    """Return the process's arguments, its own name first."""
    return read(pid, "cmdline").removesuffix("\0").split("\0")


def children(pid: int) -> list[int]:
    """Return the children that the process's main thread forked."""
    return [int(child) for child in read(pid, f"task/{pid}/children").split()]


def parent(pid: int) -> int:
    """Return the process's parent."""
    return int(_status(pid)["PPid"])


async def wait_ended(pid: int) -> None:
    """Wait until the process has ended and has been reaped."""
    try:
        pidfd = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_reader(pidfd, ended.set)
    try:
        await ended.wait()
    finally:
        loop.remove_reader(pidfd)
        os.close(pidfd)
    while is_zombie(pid):
        # Only its parent gets an event when it is reaped.
        await asyncio.sleep(0.02)


def name(pid: int) -> str:
    """Return the process's short name (comm)."""
    return _status(pid).get("Name", "")


def is_zombie(pid: int) -> bool:
    """Tell whether the process has ended and nobody has reaped it."""
    return _status(pid).get("State", "").startswith("Z")


def thread_states(pid: int) -> dict[int, str]:
    """Return the state letter of every thread: R, S, D, T (stopped), t (traced stop), Z."""
    return {tid: status["State"][0] for tid, status in _threads(pid)}


def tracers(pid: int) -> set[int]:
    """Return the pids of those that trace a thread of the process."""
    return {tracer for _, status in _threads(pid) if (tracer := int(status["TracerPid"]))}


def _threads(pid: int) -> Iterator[tuple[int, dict[str, str]]]:
    try:
        tids = [int(entry.name) for entry in (_PROC / str(pid) / "task").iterdir()]
    except OSError:
        return
    for tid in tids:
        if status := _status(tid):
            yield tid, status


def _status(pid: int) -> dict[str, str]:
    pairs = (line.partition(":") for line in read(pid, "status").splitlines())
    return {key: value.strip() for key, _, value in pairs}
