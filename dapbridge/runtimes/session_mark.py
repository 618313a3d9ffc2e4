"""The mark that a sidecar bears of the dapbridge that started it, by which others can tell whether that one is gone.

Pids count only within one boot of one machine and one PID namespace, and are used again: the mark names all of these.
"""

import os
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_START_TIME_FIELD = 22


def make_mark() -> str:
    """Return this process's mark; "" where the system does not tell."""
    try:
        return f"{_place()}/{os.getpid()} {_start_ticks(os.getpid())}"
    except OSError:
        return ""


def has_ended(mark: str) -> bool:
    """Tell whether the marked process has surely ended; False where it lives, is elsewhere, or nobody knows."""
    place, _, process = mark.partition("/")
    pid, _, start_ticks = process.partition(" ")
    try:
        if place != _place() or not pid.isdecimal():
            return False
    except OSError:
        return False
    try:
        return _start_ticks(int(pid)) != start_ticks
    except OSError:
        return True


def _place() -> str:
    return f"{_BOOT_ID.read_text().strip()} {os.stat('/proc/self/ns/pid').st_ino}"


def _start_ticks(pid: int) -> str:
    """Return the start time of a process (proc(5), /proc/PID/stat)."""
    stat = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    # The name, field 2, may hold blanks and parentheses.
    return stat.rpartition(")")[2].split()[_START_TIME_FIELD - 3]
