"""What each thread of a process waits for, as /proc shows it before the freeze, and what its descriptors are.

/proc/PID/task/TID/syscall also has the stack pointer and the program counter, so afterwards it can be told whether it
still holds for the moment of the freeze.
"""

from __future__ import annotations

import os
import socket

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_NUMBERS: dict[str, tuple[int | None, int | None]] = {
    "accept": (43, 202),
    "accept4": (288, 242),
    "clock_nanosleep": (230, 115),
    "connect": (42, 203),
    "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441),
    "epoll_wait": (232, None),
    "fcntl": (72, 25),
    "fdatasync": (75, 83),
    "flock": (73, 32),
    "fsync": (74, 82),
    "futex": (202, 98),
    "futex_waitv": (449, 449),
    "io_getevents": (208, None),
    "io_uring_enter": (426, 426),
    "msgrcv": (70, 188),
    "nanosleep": (35, 101),
    "pause": (34, None),
    "poll": (7, None),
    "ppoll": (271, 73),
    "pread64": (17, 67),
    "pselect6": (270, 72),
    "pwrite64": (18, 68),
    "read": (0, 63),
    "readv": (19, 65),
    "recvfrom": (45, 207),
    "recvmmsg": (299, 243),
    "recvmsg": (47, 212),
    "restart_syscall": (219, 128),
    "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137),
    "select": (23, None),
    "semop": (65, 193),
    "semtimedop": (220, None),
    "sendmsg": (46, 211),
    "sendto": (44, 206),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "write": (1, 64),
    "writev": (20, 66),
}
"""The system calls in which a thread may wait for long, with their numbers on x86_64 and aarch64."""

_NAMES = {
    machine: {numbers[place]: name for name, numbers in _NUMBERS.items()}
    for place, machine in enumerate(("x86_64", "aarch64"))
}

_OF_DESCRIPTOR = frozenset(
    (
        *("read", "write", "pread64", "pwrite64", "readv", "writev", "connect", "accept", "accept4", "sendto"),
        *("recvfrom", "sendmsg", "recvmsg", "recvmmsg", "fcntl", "flock", "fsync", "fdatasync"),
        *("epoll_wait", "epoll_pwait", "epoll_pwait2", "io_uring_enter"),
    )
)
"""Those whose first argument is a descriptor."""
_SOCKETS = (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6), ("udp", socket.AF_INET), ("udp6", socket.AF_INET6))
_MAX_LINES = 100_000
_MAX_WATCHED = 8


class Waiting:
    """What one thread did at a moment: `syscall` is its number (None where it ran), `at` its (sp, pc) then.

    cpu_ns: the processor time that it has used in its life, None where the kernel doesn't tell.
    """

    __slots__ = ("arguments", "at", "cpu_ns", "name", "state", "syscall", "wchan")

    def __init__(self, name: str, state: str, wchan: str, syscall: list[str], cpu_ns: int | None) -> None:
        self.name = name
        self.cpu_ns = cpu_ns
        self.state = state
        self.wchan = wchan
        # "running"; "-1 SP PC" where it waits in no system call; "NUMBER ARG1 ... ARG6 SP PC" (proc(5)).
        numbers = [int(each, 0) for each in syscall if each[:1].isdigit() or each[:1] == "-"]
        self.at = (numbers[-2], numbers[-1]) if len(numbers) >= 3 else None
        self.syscall = numbers[0] if len(numbers) == 9 and numbers[0] >= 0 else None
        self.arguments = numbers[1:-2] if self.syscall is not None else []


def look(pid: int, tid: int) -> Waiting:
    """Return what a thread does now. Raises OSError."""
    place = f"/proc/{pid}/task/{tid}"
    name, state = _read(f"{place}/stat").rpartition(")")[::2]
    cpu_ns = _try_read(f"{place}/schedstat").split()[:1]
    return Waiting(
        name.partition("(")[2],
        state.split()[0],
        _try_read(f"{place}/wchan"),
        _try_read(f"{place}/syscall").split(),
        int(cpu_ns[0]) if cpu_ns else None,
    )


def describe(pid: int, machine: str, number: int, arguments: list[int]) -> dict[str, Any]:
    """Return a system call with its arguments and, where it waits for one, its descriptor."""
    name = _NAMES.get(machine, {}).get(number)
    found: dict[str, Any] = {"number": number, "name": name, "arguments": arguments}
    if name in _OF_DESCRIPTOR and arguments:
        found["descriptor"] = arguments[0] & 0xFFFFFFFF
        found["file"] = _describe_file(pid, found["descriptor"])
    return found


def is_futex(machine: str, number: int | None) -> bool:
    """Tell whether a system call waits for a futex, whose address is its first argument."""
    return number is not None and _NAMES.get(machine, {}).get(number) == "futex"


def _describe_file(pid: int, fd: int) -> str | None:
    try:
        target = os.readlink(f"/proc/{pid}/fd/{fd}")
    except OSError:
        return None
    if target.startswith("socket:["):
        return _describe_socket(pid, target[len("socket:[") : -1])
    if target == "anon_inode:[eventpoll]":
        return _describe_epoll(pid, fd)
    return target.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _describe_epoll(pid: int, epoll: int) -> str:
    """Say which descriptors an epoll waits for."""
    lines = _try_read(f"/proc/{pid}/fdinfo/{epoll}").splitlines()
    fds = [line.split()[1] for line in lines if line.startswith("tfd:")]
    if not fds:
        return "epoll"
    more = ", …" if len(fds) > _MAX_WATCHED else ""
    return f"epoll of {len(fds)}: {', '.join(fds[:_MAX_WATCHED])}{more}"


def _describe_socket(pid: int, inode: str) -> str:
    for kind, family in _SOCKETS:
        for line in _lines(f"/proc/{pid}/net/{kind}"):
            fields = line.split()
            if len(fields) > 9 and fields[9] == inode:
                local, remote = (_address(each, family) for each in fields[1:3])
                return f"{kind} {local}" + ("" if remote.endswith(":0") else f" → {remote}")
    for line in _lines(f"/proc/{pid}/net/unix"):
        fields = line.split(None, 7)
        if len(fields) > 6 and fields[6] == inode:
            return f"unix socket {fields[7].strip()}" if len(fields) > 7 else "unix socket"
    return "socket"


def _lines(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="backslashreplace") as file:
            return file.readlines(_MAX_LINES * 100)[1:]
    except OSError:
        return []


def _address(text: str, family: int) -> str:
    """Turn "0100007F:1F90" into "127.0.0.1:8080": 32-bit words in the machine's order (proc(5), "/proc/net/tcp")."""
    words, port = text.split(":")
    packed = b"".join(bytes.fromhex(words[at : at + 8])[::-1] for at in range(0, len(words), 8))
    host = socket.inet_ntop(family, packed)
    return f"[{host}]:{int(port, 16)}" if family == socket.AF_INET6 else f"{host}:{int(port, 16)}"


def _try_read(path: str) -> str:
    try:
        return _read(path)
    except OSError:
        return ""


def _read(path: str) -> str:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.read(fd, 1 << 16).decode("utf-8", "backslashreplace")
    finally:
        os.close(fd)
