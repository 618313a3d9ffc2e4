"""The processes of containers as this host's /proc shows them, with the language of each program. Touches none of them.

Pids here are the host's, but for those in what is returned: these are the target's own. A container's processes are
found by its id in /proc/PID/cgroup, as the agent finds them; so a sidecar in its PID namespace is none of them.
"""

import os
import re
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from dapbridge.agent.remote import processes
from dapbridge.errors import UserError
from dapbridge.runtimes.listing import ListedProcess
from dapbridge.runtimes.pid_preflight import read_status
from dapbridge.symbols import ElfFacts, read_elf_facts

_CONTAINER_ID = re.compile(r"[0-9a-f]{64}")
_PROC = Path("/proc")


class HostProcesses:
    """One look at this host's /proc; blocks, so it is for a thread."""

    def __init__(self) -> None:
        self._pids: dict[str, list[int]] = {}
        for pid in sorted(processes.all_pids()):
            with suppress(OSError):
                for container_id in set(_CONTAINER_ID.findall((_PROC / str(pid) / "cgroup").read_text())):
                    self._pids.setdefault(container_id, []).append(pid)
        self._facts: dict[tuple[int, int], ElfFacts | None] = {}

    def list_container(self, container_id: str, main_pid: int) -> list[ListedProcess] | None:
        """List a container's processes, the main one first; None where it does not run on this host."""
        pids = self._pids.get(container_id, [])
        if main_pid not in pids:
            return None
        try:
            depth = len(read_status(main_pid).pids)
        except OSError:
            return []
        inside = {pid: number for pid in pids if (number := _pid_at(pid, depth)) is not None}
        listed = [self._list_process(pid, inside, depth, is_main=pid == main_pid) for pid in inside]
        found = [process for process in listed if process is not None]
        return sorted(found, key=lambda process: (not process.main, process.pid))

    def _list_process(self, pid: int, inside: Mapping[int, int], depth: int, *, is_main: bool) -> ListedProcess | None:
        try:
            facts = processes.facts(pid)
            user = f"{_inside_id(pid, 'uid', facts['uid'])}:{_inside_id(pid, 'gid', facts['gid'])}"
        except OSError:  # ended meanwhile
            return None
        if facts["state"] in "ZX" and facts["threads"] == 1:
            return None
        program = self._read_program(pid)
        parent = facts["ppid"]
        return ListedProcess(
            process=inside[pid],
            pid=inside[pid],
            ppid=inside.get(parent) or _pid_at(parent, depth) or 0,
            name=facts["name"],
            command=tuple(facts["command"]),
            user=user,
            language=program.language if program else None,
            debug_info=program.has_debug_info if program else None,
            main=is_main,
        )

    def _read_program(self, pid: int) -> ElfFacts | None:
        """Read the facts of a process's program, once each; None without the rights to, or for one that is no ELF."""
        try:
            with open(_PROC / str(pid) / "exe", "rb") as program:
                status = os.fstat(program.fileno())
                key = status.st_dev, status.st_ino
                if key not in self._facts:
                    self._facts[key] = _read_facts_of(program)
                return self._facts[key]
        except OSError:
            return None


def _read_facts_of(program: BinaryIO) -> ElfFacts | None:
    try:
        return read_elf_facts(program)
    except UserError:
        return None


def _pid_at(pid: int, depth: int) -> int | None:
    """Return a process's number in the PID namespace `depth` levels from ours; None where it has none there."""
    try:
        pids = read_status(pid).pids
    except OSError:
        return None
    return pids[depth - 1] if len(pids) >= depth else None


def _inside_id(pid: int, kind: str, number: int) -> int:
    """Return a user or group id as the process's own user namespace has it (user_namespaces(7)). Raises OSError."""
    map_ = (_PROC / str(pid) / f"{kind}_map").read_text()
    # In our own user namespace the map is one to the namespace above.
    if map_ != (_PROC / "self" / f"{kind}_map").read_text():
        for first_inside, first_outside, count in (map(int, line.split()) for line in map_.splitlines()):
            if first_outside <= number < first_outside + count:
                return first_inside + number - first_outside
    return number
