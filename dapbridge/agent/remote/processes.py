"""The target's processes, as /proc shows them: which they are, their facts, their mappings. Touches none of them."""

from __future__ import annotations

import os

from dapbridge.agent.remote import rootfs

TYPE_CHECKING = False  # `typing` itself would cost more to import than all of this
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any


class Mapping:
    """One line of /proc/PID/maps; `device` and `inode` are 0 and `path` is "" where no file is mapped."""

    __slots__ = ("device", "end", "executable", "inode", "offset", "path", "private", "readable", "start", "writable")

    def __init__(self, line: str) -> None:
        span, perms, offset, device, inode, *path = line.split(None, 5)
        self.start, self.end = (int(part, 16) for part in span.split("-"))
        self.readable = perms[0] == "r"
        self.writable = perms[1] == "w"
        self.executable = perms[2] == "x"
        self.private = perms[3] == "p"
        self.offset = int(offset, 16)
        major, minor = device.split(":")
        self.device = os.makedev(int(major, 16), int(minor, 16))
        self.inode = int(inode)
        self.path = path[0].rstrip("\n").replace("\\012", "\n") if path else ""


def all_pids() -> list[int]:
    """List every process that this /proc shows."""
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def parents() -> dict[int, int]:
    """Map every process to its parent."""
    found = {}
    for pid in all_pids():
        try:
            found[pid] = int(_stat_fields(pid)[1])
        except OSError:  # ended meanwhile
            continue
    return found


def descendants(pid: int) -> set[int]:
    """Return `pid` and all that descends from it."""
    children: dict[int, list[int]] = {}
    for child, parent in parents().items():
        children.setdefault(parent, []).append(child)
    found: set[int] = set()
    todo = [pid]
    while todo:
        found.add(todo[-1])
        todo.extend(child for child in children.get(todo.pop(), ()) if child not in found)
    return found


def target_pids(container_id: str | None, main_pid: int | None) -> set[int]:
    """Return the target's processes without the agent's own: by container id, or `main_pid` with its descendants."""
    pids = set(all_pids())
    found = {pid for pid in pids if _in_container(pid, container_id)} if container_id else set()
    if not found:
        if main_pid is not None:
            found = descendants(main_pid) & pids
        elif container_id is None:
            found = pids
    return found - descendants(os.getpid())


def facts(pid: int) -> dict[str, Any]:
    """Return what dapbridge.agent.facts.Process says of one process. Raises OSError."""
    status = _status(pid)
    fields = _stat_fields(pid)
    return {
        "pid": pid,
        "ppid": int(status["PPid"]),
        "name": status["Name"],
        "command": _text(_read(f"/proc/{pid}/cmdline")).split("\0")[:-1],
        "exe": _exe(pid),
        "uid": int(status["Uid"].split()[1]),
        "gid": int(status["Gid"].split()[1]),
        "state": fields[0],
        "threads": int(status.get("Threads", "1")),
        "tracer_pid": int(status["TracerPid"]),
        "cap_permitted": int(status.get("CapPrm", "0"), 16),
        "start_ticks": int(fields[19]),
        "has_ended": fields[0] in "ZX" and _have_threads_ended(pid),
        "exit_status": int(fields[49]),
    }


def list_facts(pids: set[int]) -> list[dict[str, Any]]:
    """Return the facts of those that (still) run, the earliest-started first."""
    found = []
    for pid in pids:
        try:
            found.append(facts(pid))
        except OSError:  # ended meanwhile
            continue
    return sorted(found, key=lambda process: (process["start_ticks"], process["pid"]))


def main_pid(processes: list[dict[str, Any]], known: int | None) -> int | None:
    """Return the target's main process: the known one, else the earliest-started whose parent isn't of the target."""
    pids = {process["pid"] for process in processes}
    if known in pids:
        return known
    return next((process["pid"] for process in processes if process["ppid"] not in pids), None)


def own_facts() -> dict[str, Any]:
    """Return what the hello says of the agent itself."""
    status = _status("self")
    return {
        "pid": os.getpid(),
        "uid": os.geteuid(),
        "gid": os.getegid(),
        "cap_effective": int(status["CapEff"], 16),
    }


def own_cpu() -> int:
    """Return the number of the CPU that this thread runs on."""
    return int(_stat_fields("thread-self")[36])


def mappings(pid: int) -> Iterator[Mapping]:
    """Yield the mappings of a process. Raises OSError."""
    for line in _text(_read(f"/proc/{pid}/maps")).splitlines(keepends=True):
        yield Mapping(line)


def is_stopped(pid: int) -> bool:
    """Say whether a thread of the process stands in a job-control stop with nobody tracing it. Raises OSError."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        status = _status(f"{pid}/task/{thread}")
        if status["State"].startswith("T") and status["TracerPid"] == "0":
            return True
    return False


def tracer_pid(pid: int) -> int:
    """Return who traces the process, 0 for nobody. Raises OSError."""
    return int(_status(pid)["TracerPid"])


def start_ticks(pid: int) -> int:
    """Return when the process started; with its pid this tells it from a later one of that number. Raises OSError."""
    return int(_stat_fields(pid)[19])


def _in_container(pid: int, container_id: str) -> bool:
    # Each line ends in a path with the container's id in it: v1 "/docker/ID", v2 "/../docker-ID.scope" seen from
    # another cgroup namespace, deeper ones where the target makes groups of its own.
    try:
        return container_id.encode() in _read(f"/proc/{pid}/cgroup")
    except OSError:
        return False


def _status(pid: int | str) -> dict[str, str]:
    lines = (line.partition(":") for line in _text(_read(f"/proc/{pid}/status")).split("\n") if line)
    return {key: value.strip() for key, _, value in lines}


def _stat_fields(pid: int | str) -> list[str]:
    """Return the fields of /proc/PID/stat from `state` on; the name before it may hold spaces and brackets."""
    return _text(_read(f"/proc/{pid}/stat")).rpartition(")")[2].split()


def _have_threads_ended(pid: int) -> bool:
    return all(_stat_fields(f"{pid}/task/{thread}")[0] in "ZX" for thread in os.listdir(f"/proc/{pid}/task"))


def _exe(pid: int) -> str | None:
    try:
        path = os.readlink(f"/proc/{pid}/exe")
        path = rootfs.inside(f"/proc/{pid}/root", path) or path
    except OSError:
        return None
    return _text(os.fsencode(path)).removesuffix(" (deleted)")


def _read(path: str) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        chunks = [os.read(fd, 1 << 16)]
        while chunks[-1]:
            chunks.append(os.read(fd, 1 << 16))
        return b"".join(chunks)
    finally:
        os.close(fd)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "backslashreplace")
