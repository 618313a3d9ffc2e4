"""What the host and the agent tell each other, as typed values: the host's half of the agent's JSON."""

from msgspec import Struct


class AgentScope(Struct, frozen=True):
    """Which processes belong to the target, and what the agent has to join to see them.

    container_id: the target's processes are those whose /proc/PID/cgroup names it; None: all that the agent can see.
    main_pid: the target's main process where the runtime knows it, in the PID namespace that the agent ends up in.
    join_pid: a pid of the agent's own /proc whose PID namespace the agent joins first; None: it joins nothing.
    """

    container_id: str | None = None
    main_pid: int | None = None
    join_pid: int | None = None


class Process(Struct, frozen=True):
    """One process of the target, as /proc shows it to the agent (proc(5), "status", "stat").

    pid, ppid and tracer_pid are of the agent's PID namespace; tracer_pid is 0 for no tracer (or one outside of it).
    exe is the target's own path ("/usr/bin/api"), None where the agent may not read it. state is one letter.
    cap_permitted is the bit mask CapPrm. start_ticks is the start time in clock ticks since boot. has_ended is
    true where all threads are zombies: the main thread's state alone says less. exit_status is then as waitpid(2) has
    it; 0 before, and where it may not be read.
    """

    pid: int
    ppid: int
    name: str
    command: tuple[str, ...]
    exe: str | None
    uid: int
    gid: int
    state: str
    threads: int
    tracer_pid: int
    cap_permitted: int
    start_ticks: int
    has_ended: bool
    exit_status: int


class Hello(Struct, frozen=True):
    """The agent's first words: where it runs, what it may do, and the target's processes with its main one.

    cap_effective is the agent's own bit mask CapEff; main_pid is None where the target has no process (any more).
    """

    pid: int
    uid: int
    gid: int
    cap_effective: int
    python: str
    main_pid: int | None
    processes: tuple[Process, ...]


class Inspection(Struct, frozen=True):
    """One process at this moment: who traces it ("gdb (pid 7)"), and why we may not (None: we may)."""

    process: Process
    tracer: str | None
    denial: str | None


class Library(Struct, frozen=True):
    """A library by a name that the target's dynamic linker has for it, and its path in the target without symlinks."""

    name: str
    resolved: str


class Libraries(Struct, frozen=True):
    """The shadow sysroot (a path in the sidecar) with the libraries of a process; the files of the missing are gone."""

    sysroot: str
    libraries: tuple[Library, ...]
    missing: tuple[str, ...]


class SystemCall(Struct, frozen=True):
    """What a thread waits in; `name` is None for a call in which hardly any thread waits for long.

    descriptor and file: what its first argument is, where that is one ("tcp 10.0.0.2:41000 → 10.0.0.3:5432").
    """

    number: int
    name: str | None
    arguments: tuple[int, ...]
    descriptor: int | None = None
    file: str | None = None


class SnapshotThread(Struct, frozen=True):
    """A thread at the moment of a snapshot; `syscall` is None where it ran. `state` is one letter, as in /proc.

    wchan: where in the kernel it waited. owner: the thread that holds the mutex it waits for, if it waits for one.
    stopped: False for one that would not stand, whose stack is not known. cpu_ns: the processor time of its life.
    """

    tid: int
    name: str
    state: str
    stopped: bool = True
    wchan: str = ""
    syscall: SystemCall | None = None
    owner: int | None = None
    cpu_ns: int | None = None


class Snapshot(Struct, frozen=True):
    """A core file in the sidecar; `core` names it to the agent, `path` to a debugger.

    stood_ns: how long the process stood for it. left_out: bytes of the data asked for that were too much.
    """

    core: int
    path: str
    machine: str
    stood_ns: int
    bytes: int
    left_out: int
    threads: tuple[SnapshotThread, ...]
