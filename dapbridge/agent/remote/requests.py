"""What the host may ask of the agent: one function a request, given the request's arguments, returning its result."""

from __future__ import annotations

import os
from contextlib import contextmanager

from dapbridge.agent.frames import FIRST_FREE, MAX_CHUNK
from dapbridge.agent.remote import letting_go, processes, ptrace_rights, rootfs
from dapbridge.agent.remote.private_files import Writing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from dapbridge.agent.remote.supervisor import Supervisor

MAX_READ = 1 << 20
"""Less than a channel's window, so that an answer never waits for credit."""


class RequestError(Exception):
    """A request that can't be met; the text says why."""


class Later:
    """In place of a result: it will be given to `answer`, which the supervisor puts here, as `result` or `error`."""

    answer: Callable[..., None]


def list_processes(agent: Supervisor) -> Any:
    """The facts of the target's processes."""
    return processes.list_facts(agent.rescue.target_pids())


def inspect(agent: Supervisor, pid: int) -> Any:
    """One process afresh, who traces it, and whether we may."""
    with _saying(f"can't look at process {pid}"):
        return ptrace_rights.inspect(pid)


def read_file(agent: Supervisor, pid: int, path: str | None, offset: int, length: int, channel: int) -> Any:
    """Send a part of a file of the target (None: its program, deleted or not) over the channel, and close that."""
    _open_channel(agent, channel)
    try:
        with _saying(f"can't read {path or 'the program'} of process {pid}"):
            if path is None:
                fd = os.open(f"/proc/{pid}/exe", os.O_RDONLY | os.O_CLOEXEC)
            else:
                fd = rootfs.open_file(f"/proc/{pid}/root", path)
            try:
                end = offset + min(length, MAX_READ)
                while offset < end:
                    data = os.pread(fd, min(end - offset, MAX_CHUNK), offset)
                    if not data:
                        break
                    agent.stream.channels.send(channel, data)
                    offset += len(data)
                return {"size": os.fstat(fd).st_size}
            finally:
                os.close(fd)
    finally:
        agent.stream.channels.close(channel)


def resolve(agent: Supervisor, pid: int, path: str) -> Any:
    """The path without symlinks, inside the target's root."""
    with _saying(f"can't find {path!r} in the root of process {pid}"):
        return rootfs.resolve(f"/proc/{pid}/root", path)


def link_libraries(agent: Supervisor, pid: int, paths: list[str], beside: int | None = None) -> Any:
    """Bring the process's shadow sysroot up to date, or that of process `beside`, which it shares."""
    from dapbridge.agent.remote import shadow

    with _saying(f"can't link the libraries of process {pid}"):
        sysroot = agent.files.directory(f"sysroot-{beside or pid}")
        links, missing = shadow.link_libraries(sysroot, pid, paths)
    libraries = [{"name": name, "resolved": resolved} for name, resolved in links.items()]
    return {"sysroot": sysroot, "libraries": libraries, "missing": missing}


def write_file(agent: Supervisor, name: str, channel: int) -> Any:
    """Write what comes over the channel to a private file; its path is the answer, once the channel is closed."""
    if name in ("", ".", "..") or "/" in name:
        raise RequestError(f"{name!r} is no file name")
    what = f"can't write {name!r} in the sidecar"
    channels = agent.stream.channels
    later = Later()

    def done(error: OSError | None) -> None:
        del agent.receivers[channel]
        channels.close(channel)
        later.answer(**({"result": path} if error is None else {"error": f"{what}: {error.strerror}"}))

    with _saying(what):
        path = f"{agent.files.directory('files')}/{name}"
        writing = Writing(path, lambda size: channels.consume(channel, size), done)
    _open_channel(agent, channel)
    agent.receivers[channel] = writing
    return later


def directory(agent: Supervisor, name: str) -> Any:
    """A directory that is private to the agent and gone with it."""
    with _saying(f"can't make the directory {name!r} in the sidecar"):
        return agent.files.directory(name)


def spawn(
    agent: Supervisor, argv: list[str], env: dict[str, str], channel: int, ladder: list[Any], pid: int | None
) -> Any:
    """Start a debugger (of process `pid`, None: the main one) with its stdin and stdout on the channel."""
    _open_channel(agent, channel)
    try:
        with _saying(f"can't start {argv[0]!r} in the sidecar"):
            return {"pid": agent.spawn(argv, {**os.environ, **env}, channel, ladder, pid)}
    except RequestError:
        agent.stream.channels.close(channel)
        raise


def connect(agent: Supervisor, child: int | None, address: str, channel: int) -> Any:
    """Connect the channel to what a debugger serves at "unix:PATH" or "HOST:PORT"; its ladder may hang up.

    child: None for a debugger that is none of ours.
    """
    _open_channel(agent, channel)
    try:
        with _saying(f"can't connect to {address}"):
            agent.connect(child, address, channel)
    except RequestError:
        agent.stream.channels.close(channel)
        raise


def set_farewell(agent: Supervisor, channel: int, farewell: str) -> Any:
    """Note what the peer of a connection is told at the agent's end."""
    agent.set_farewell(channel, farewell.encode())


def look_after(agent: Supervisor, child: int, pid: int, parent: int | None) -> Any:
    """Note that a debugger has one more process, a fork of `parent`, or one that has become a new program (None)."""
    agent.look_after(child, pid, parent)


def lift_at(agent: Supervisor, child: int, channel: int, cue: str) -> Any:
    """Take a debugger's breakpoints out of its target when it says `cue` there, if it does nothing with them then."""
    agent.lift_at(child, channel, cue.encode())


def lift_breakpoints(agent: Supervisor, child: int, stands: bool) -> Any:
    """Let a debugger's breakpoints be out while its target stands: it does nothing with them. stands: it does now."""
    lifting = agent.lifting(child)
    lifting.may_lift = True
    if stands:
        lifting.lift()
    else:
        lifting.learn()


def put_breakpoints_back(agent: Supervisor, child: int, until_stop: bool) -> Any:
    """Put in again what was taken out, and leave them in until `lift_breakpoints`, or until the next stop."""
    agent.lifting(child).put_back(until_stop=until_stop)


def send_signal(agent: Supervisor, child: int, signal: str) -> Any:
    """Signal a debugger, past its stdin; ignored once it has ended."""
    agent.signal_child(child, letting_go.signal_number(signal))


def let_go(agent: Supervisor, child: int) -> Any:
    """Send one debugger down its ladder."""
    agent.let_child_go(child)


def heal(agent: Supervisor, pid: int, forks: bool) -> Any:
    """Put right what a debugger that nobody looks after any more has left in process `pid`, and its `forks`."""
    agent.rescue.heal([pid])
    pids = processes.descendants(pid) if forks else {pid}
    agent.rescue.clear_watchpoints(pids)
    for each in pids:
        agent.rescue.let_go_on(each)


def snapshot(agent: Supervisor, pid: int, data: bool) -> Any:
    """Copy all threads of process `pid`, and on request what it has written to its memory, into a core file."""
    later = Later()

    def answer(**fields: Any) -> None:
        later.answer(**fields)

    with _saying(f"can't take a snapshot of process {pid}"):
        agent.take_snapshot(pid, data, answer)
    return later


def drop_snapshot(agent: Supervisor, core: int) -> Any:
    """Forget the core file of a snapshot."""
    agent.drop_snapshot(core)


def release(agent: Supervisor) -> Any:
    """Let go of everything and end."""
    agent.let_go("the host released it")


REQUESTS: dict[str, Callable[..., Any]] = {
    "processes": list_processes,
    "inspect": inspect,
    "read_file": read_file,
    "resolve": resolve,
    "link_libraries": link_libraries,
    "write_file": write_file,
    "directory": directory,
    "spawn": spawn,
    "connect": connect,
    "set_farewell": set_farewell,
    "look_after": look_after,
    "lift_at": lift_at,
    "lift_breakpoints": lift_breakpoints,
    "put_breakpoints_back": put_breakpoints_back,
    "signal": send_signal,
    "let_go": let_go,
    "heal": heal,
    "snapshot": snapshot,
    "drop_snapshot": drop_snapshot,
    "release": release,
}


@contextmanager
def _saying(what: str) -> Iterator[None]:
    """Turn an OSError into a RequestError that begins with what could not be done."""
    try:
        yield
    except OSError as error:
        raise RequestError(f"{what}: {error.strerror}") from error


def _open_channel(agent: Supervisor, channel: int) -> None:
    if channel < FIRST_FREE:
        raise RequestError(f"channel {channel} is not for requests")
    agent.stream.channels.open(channel)
