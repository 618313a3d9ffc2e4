"""What is known of a process at one moment. The JSON output is these structs, so names and docstrings are its
documentation: docs/stacks.schema.json is made of them. Pure."""

from typing import Literal

from msgspec import Struct

State = Literal["running", "sleeping", "uninterruptible", "stopped", "ended", "unknown"]
FutexKind = Literal["mutex", "condition", "thread_end", "semaphore", "rwlock", "futex"]
WaitKind = FutexKind | Literal["io", "poll", "sleep", "child_process", "signal", "channel", "other"]

Unit = Literal["thread", "goroutine"]


class Variable(Struct, frozen=True, omit_defaults=True):
    """An argument or local variable as the debugger shows it; what was not copied reads as an error in its place."""

    name: str
    value: str
    type: str | None = None
    argument: bool = False


class Frame(Struct, frozen=True, omit_defaults=True):
    """One frame. `path` is the source on this machine where a rule maps it there, else as the program names it.

    `library` is the file that the code is in where it has no source line. `variables` is there when they were asked
    for and the frame has debug information.
    """

    function: str
    path: str | None = None
    line: int | None = None
    library: str | None = None
    address: str = ""
    variables: tuple[Variable, ...] | None = None


class Wait(Struct, frozen=True, omit_defaults=True):
    """What a thread waits for, in words; `thread` is the one that holds the mutex, or whose end is waited for."""

    kind: WaitKind
    text: str
    thread: int | None = None


class Thread(Struct, frozen=True, omit_defaults=True):
    """A thread with its stack, the innermost frame first; `cut` says that the stack goes on.

    `cpu_ms` is the processor time that it has used in its life.
    `id` is the kernel's, in the target's PID namespace; a goroutine's is the Go runtime's.
    """

    id: int
    name: str
    state: State
    wait: Wait | None = None
    frames: tuple[Frame, ...] = ()
    cut: bool = False
    cpu_ms: float | None = None


class Report(Struct, frozen=True, omit_defaults=True):
    """All threads of a process at one moment.

    time: when, ISO 8601 with the UTC offset. stood_still_ms: from the first thread's stop to the last one's going on.
    groups: the threads with the same stack; those in a deadlock come first, then the largest group.
    unit: of a Go program goroutines are shown in place of threads.
    deadlocks: threads that wait for each other. notes: what else a reader has to know.
    """

    target: str
    pid: int
    program: str
    time: str
    stood_still_ms: float
    threads: tuple[Thread, ...]
    groups: tuple[tuple[int, ...], ...]
    unit: Unit = "thread"
    deadlocks: tuple[tuple[int, ...], ...] = ()
    notes: tuple[str, ...] = ()
