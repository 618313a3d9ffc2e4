"""What a thread waits for, told from its system call and the functions around it; and who waits for whom. Pure."""

import re
from collections.abc import Mapping, Sequence

from dapbridge.agent.facts import SnapshotThread, SystemCall
from dapbridge.headless.stacks.report import State, Thread, Wait, WaitKind

_STATES: dict[str, State] = {
    "R": "running",
    "S": "sleeping",
    "I": "sleeping",
    "D": "uninterruptible",
    "T": "stopped",
    "t": "stopped",
    "Z": "ended",
    "X": "ended",
}
_LOOKED_AT = 8
"""Of so many innermost frames one may be the C library's function that waits."""

_MUTEX = re.compile(r"_*(?:GI_+)?pthread_mutex_(?:timedlock|clocklock|lock(?:_full)?|cond_lock)")
"""Those whose futex is a mutex of the GNU C library, which knows its owner; other locks of it don't."""
_JOIN = re.compile(r".*pthread_(?:timed|clock)?join.*|.*thrd_join|.*\bthread::join|.*\bJoin(?:Handle|Inner).*join")
_OTHER_FUTEXES: tuple[tuple[re.Pattern[str], WaitKind, str], ...] = (
    (re.compile(r".*pthread_cond_(?:timed|clock)?wait.*|.*\bcnd_(?:timed)?wait|.*[Cc]ondvar.*wait.*"), "condition", ""),
    (re.compile(r".*sem_(?:timed|clock)?wait.*"), "semaphore", "waits for a semaphore"),
    (re.compile(r".*rwlock_(?:timed|clock)?(?:rd|wr)lock.*|.*RwLock.*"), "rwlock", "waits for a read-write lock"),
    (re.compile(r".*pthread_barrier_wait.*"), "other", "waits at a barrier"),
    (re.compile(r".*\bmutex\b.*lock_contended|.*Mutex.*::lock(?:_slow)?"), "mutex", "waits for a mutex"),
)

_CALLS: dict[str, tuple[WaitKind, str]] = {
    "nanosleep": ("sleep", "sleeps"),
    "clock_nanosleep": ("sleep", "sleeps"),
    "poll": ("poll", "polls"),
    "ppoll": ("poll", "polls"),
    "select": ("poll", "selects"),
    "pselect6": ("poll", "selects"),
    "wait4": ("child_process", "waits for a child process"),
    "waitid": ("child_process", "waits for a child process"),
    "pause": ("signal", "waits for a signal"),
    "rt_sigsuspend": ("signal", "waits for a signal"),
    "rt_sigtimedwait": ("signal", "waits for a signal"),
}
_VERBS = {
    "read": "reads",
    "pread64": "reads",
    "readv": "reads",
    "recvfrom": "receives on",
    "recvmsg": "receives on",
    "recvmmsg": "receives on",
    "write": "writes to",
    "pwrite64": "writes to",
    "writev": "writes to",
    "sendto": "sends on",
    "sendmsg": "sends on",
    "accept": "accepts on",
    "accept4": "accepts on",
    "connect": "connects",
    "flock": "waits for a lock on",
    "fcntl": "waits for a lock on",
    "fsync": "flushes",
    "fdatasync": "flushes",
}
_RESTARTED: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r".*nanosleep.*"), "nanosleep"),
    (re.compile(r".*poll.*"), "poll"),
    (re.compile(r".*select.*"), "select"),
    (re.compile(r".*(?:futex|cond_|mutex|sem_).*"), "futex"),
)
"""Which call goes on as `restart_syscall` (after a debugger or SIGSTOP), by the function that made it."""


_GO_WAITS: tuple[tuple[re.Pattern[str], WaitKind, str], ...] = (
    (re.compile(r"time\.Sleep"), "sleep", "sleeps"),
    (re.compile(r"(?:internal/)?sync\.\(\*RWMutex\)\.R?Lock.*"), "rwlock", "waits for a read-write lock"),
    (re.compile(r"(?:internal/)?sync\.\(\*Mutex\)\.[lL]ock.*"), "mutex", "waits for a mutex"),
    (re.compile(r"sync\.\(\*Cond\)\.Wait"), "condition", "waits for a condition variable"),
    (re.compile(r"sync\.\(\*WaitGroup\)\.Wait"), "other", "waits for a wait group"),
    (re.compile(r"runtime\.chanrecv.*"), "channel", "receives from a channel"),
    (re.compile(r"runtime\.chansend.*"), "channel", "sends to a channel"),
    (re.compile(r"runtime\.selectgo"), "channel", "selects"),
    (re.compile(r"runtime\.block"), "channel", "waits for ever"),
    (re.compile(r"(?:internal/)?poll\.\(\*FD\)\.Accept"), "io", "accepts"),
    (re.compile(r"(?:internal/)?poll\.\(\*FD\)\.Read.*"), "io", "reads"),
    (re.compile(r"(?:internal/)?poll\.\(\*FD\)\.(?:Write|Send).*"), "io", "writes"),
    (re.compile(r"(?:internal/runtime/)?syscall\..*"), "other", "in a system call"),
)
"""By the innermost function that matches; dlv shortens packages to the last part of their path."""


def go_wait_of(functions: Sequence[str]) -> Wait | None:
    """Return what a goroutine waits for, by its stack, the innermost function first; None where it is not known."""
    for function in functions:
        for pattern, kind, text in _GO_WAITS:
            if pattern.fullmatch(function):
                return Wait(kind, text)
    return None


def state_of(thread: SnapshotThread) -> State:
    """Return the state of a thread in words."""
    return _STATES.get(thread.state, "unknown")


def wait_of(thread: SnapshotThread, functions: Sequence[str], names: Mapping[int, str]) -> Wait | None:
    """Return what a thread waits for; None for one that runs, or of which it is not known.

    functions: those of its stack, the innermost first. names: of all threads, by their ids.
    """
    call = thread.syscall
    if call is None:
        if thread.state == "D":
            return Wait("other", f"held by the kernel ({thread.wchan or 'uninterruptible'})")
        return None
    inner = functions[:_LOOKED_AT]
    name = call.name
    if name == "restart_syscall":
        name = _first_match(inner, _RESTARTED)
    if name == "futex":
        return _futex_wait(thread, call, inner, names)
    if name in _CALLS:
        return Wait(*_CALLS[name])
    if name is not None and call.descriptor is not None:
        return _io_wait(name, call)
    return Wait("other", f"in system call {name or call.number}")


def deadlocks_of(threads: Sequence[Thread]) -> list[tuple[int, ...]]:
    """Return the rings of threads of which each waits for a mutex that the next one holds."""
    holders = {
        each.id: each.wait.thread
        for each in threads
        if each.wait is not None and each.wait.kind in ("mutex", "thread_end") and each.wait.thread is not None
    }
    found: list[tuple[int, ...]] = []
    settled: set[int] = set()
    for start in holders:
        path: list[int] = []
        tid: int | None = start
        while tid is not None and tid not in settled and tid not in path:
            path.append(tid)
            tid = holders.get(tid)
        if tid is not None and tid in path:
            found.append(tuple(path[path.index(tid) :]))
        settled.update(path)
    return found


def _futex_wait(thread: SnapshotThread, call: SystemCall, functions: Sequence[str], names: Mapping[int, str]) -> Wait:
    address = f"{call.arguments[0]:#x}" if call.arguments else "?"
    # The innermost of them says what the wait is for: a condition's wait locks a mutex, too.
    for function in functions:
        if _MUTEX.fullmatch(function):
            holder = thread.owner if thread.owner in names else None
            held = "" if holder is None else f", held by {title(holder, names)}"
            return Wait("mutex", f"waits for mutex {address}{held}", holder)
        if _JOIN.fullmatch(function) and len(call.arguments) > 2:
            # The kernel clears the thread's id at its end, and the wait is for that (pthread_join).
            joined = call.arguments[2] & 0xFFFFFFFF
            if joined in names:
                return Wait("thread_end", f"waits for the end of {title(joined, names)}", joined)
            return Wait("thread_end", "waits for the end of a thread")
        for pattern, kind, text in _OTHER_FUTEXES:
            if pattern.fullmatch(function):
                return Wait(kind, text or f"waits for condition variable {address}")
    return Wait("futex", f"waits for futex {address}")


def _io_wait(name: str, call: SystemCall) -> Wait:
    if name.startswith("epoll"):
        return Wait("poll", f"waits for {call.file or 'an epoll'} (fd {call.descriptor})")
    return Wait("io", f"{_VERBS.get(name, name)} fd {call.descriptor}" + (f" ({call.file})" if call.file else ""))


def _first_match(functions: Sequence[str], table: Sequence[tuple[re.Pattern[str], str]]) -> str | None:
    return next((name for function in functions for pattern, name in table if pattern.fullmatch(function)), None)


def title(tid: int, names: Mapping[int, str]) -> str:
    """Return what a thread is called."""
    return f"'{names[tid]}' ({tid})" if names.get(tid) else f"thread {tid}"
