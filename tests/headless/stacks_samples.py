"""Threads and reports in short, for the tests of what is made of them."""

from collections.abc import Sequence

from dapbridge.agent.facts import SnapshotThread, SystemCall
from dapbridge.headless.stacks.build import groups_of
from dapbridge.headless.stacks.report import Frame, Report, State, Thread, Wait


def seen(tid: int, *, call: str | None = None, arguments: Sequence[int] = (), **more: object) -> SnapshotThread:
    """Return what the agent says of a thread in the system call `call`."""
    extra = {key: more.pop(key) for key in ("descriptor", "file") if key in more}
    syscall = None if call is None else SystemCall(0, call, tuple(arguments), **extra)  # type: ignore[arg-type]
    facts = {"name": f"thread-{tid}", "state": "R" if call is None else "S", "syscall": syscall} | more
    return SnapshotThread(tid, **facts)  # type: ignore[arg-type]


def frame(function: str, path: str | None = "/src/api.c", line: int = 1) -> Frame:
    """Return a frame in a source, or where that is None in a library."""
    if path is None:
        return Frame(function, library="/lib/libc.so.6", address="0x10")
    return Frame(function, path, line, address="0x20")


def thread(tid: int, *functions: str, wait: Wait | None = None, state: State = "sleeping") -> Thread:
    """Return a thread whose stack is `functions`, the innermost first."""
    return Thread(tid, f"thread-{tid}", state, wait, tuple(frame(each) for each in functions))


def report(*threads: Thread, time: str = "2026-01-02T03:04:05.000+00:00", **more: object) -> Report:
    """Return a report of these threads."""
    facts: dict[str, object] = {"stood_still_ms": 1.5, "groups": groups_of(threads)} | more
    return Report("docker://api", 7, "/usr/bin/api", time, threads=threads, **facts)  # type: ignore[arg-type]
