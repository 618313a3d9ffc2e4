"""The process around the MI server and lldb-server: neither of them may die alone.

lldb-server traces the target, and lets go of it cleanly only when it is told to: its death, or that of its client,
leaves breakpoints in the code. So the socket between the two has a third holder, this one. When the MI server dies
without having let go, its place is taken for that: the target is stopped, healed, and detached by lldb-server itself.
When lldb-server dies, the kernel has let go already; the target is healed at once, and the MI server ended too.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import sys
import time
from contextlib import suppress

from dapbridge.agent.remote import healing, watchpoints

Pair = tuple[socket.socket, socket.socket]
"""The MI server's end of the connection to lldb-server, and lldb-server's."""

_ANSWER_S = 1.0
_END_S = 2.0


class Keeper:
    """Sees to the end of both; `pid` is the target's process, `server` the MI server's."""

    def __init__(self, pid: int, server: int, lldb_server: str, connection: Pair) -> None:
        """lldb_server: its path, for it is started here."""
        self._pid = pid
        self._server = server
        self._path = lldb_server
        self._connection = connection
        self._lldb_server = 0
        self._healed_before: frozenset[int] = frozenset()

    def run(self) -> int:
        """Return the exit code, or minus the signal that ended the MI server."""
        ours, theirs = self._connection
        self._lldb_server = _start_lldb_server(self._path, theirs)
        theirs.close()
        signal.signal(signal.SIGINT, lambda *_: self._signal_server(signal.SIGINT))
        signal.signal(signal.SIGTERM, lambda *_: self._signal_server(signal.SIGKILL))
        # Its stdin is the MI server's alone.
        _point_to_null(0)
        _point_to_null(1)
        # No rights, or no process any more: lldb-server will say it better.
        with suppress(OSError):
            self._healed_before = frozenset(healing.find_breakpoints(self._pid))
        return self._wait(ours)

    def _wait(self, connection: socket.socket) -> int:
        status = 0
        while True:
            pid, status = os.waitpid(-1, 0)
            if pid == self._lldb_server:
                self._lldb_server = 0
                if status == 0 and _has_ended(self._pid):
                    # The MI server has still to tell it, and ends when it is told to.
                    continue
                # Before anything else: the target runs towards breakpoints that nobody handles any more.
                self._heal()
                if status == 0 and self._server_has_ended():
                    return 0
                self._signal_server(signal.SIGKILL)
            elif pid == self._server:
                break
        self._server = 0
        code = os.waitstatus_to_exitcode(status)
        if code and self._lldb_server:
            self._let_go(connection)
        connection.close()
        self._end_lldb_server()
        return code

    def _server_has_ended(self) -> bool:
        """Tell whether the MI server, which closes its connection in order, ends by itself right behind lldb-server."""
        deadline = time.monotonic() + 0.1
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self._server, os.WNOHANG)
            if pid:
                self._server = 0
                return status == 0
            time.sleep(0.005)
        return False

    def _let_go(self, connection: socket.socket) -> None:
        """Detach as the client of lldb-server that the MI server was."""
        client = _Client(connection)
        deadline = time.monotonic() + _ANSWER_S
        while not _stands(self._pid) and time.monotonic() < deadline:
            client.interrupt()
            client.drain(0.1)
        self._heal()
        client.send("D")
        client.drain(_ANSWER_S, until=b"$OK#")

    def _heal(self) -> None:
        try:
            count = healing.heal(self._pid, self._healed_before)
            if self._lldb_server == 0:
                watchpoints.clear(self._pid)
        except OSError as error:
            sys.stderr.write(f"process {self._pid} was not healed: {error}\n")
        else:
            if count:
                sys.stderr.write(f"took {count} breakpoints out of process {self._pid}\n")

    def _end_lldb_server(self) -> None:
        deadline = time.monotonic() + _END_S
        while self._lldb_server:
            pid, _ = os.waitpid(self._lldb_server, os.WNOHANG)
            if pid:
                return
            if time.monotonic() > deadline:
                self._heal()
                os.kill(self._lldb_server, signal.SIGKILL)
                os.waitpid(self._lldb_server, 0)
                return
            time.sleep(0.002)

    def _signal_server(self, number: int) -> None:
        if self._server:
            os.kill(self._server, number)


class _Client:
    """As much of the gdb-remote protocol as letting go takes."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        connection.setblocking(False)

    def interrupt(self) -> None:
        self._write(b"\x03")

    def send(self, packet: str) -> None:
        self._write(f"${packet}#{sum(packet.encode()) % 256:02x}".encode())

    def drain(self, limit_s: float, until: bytes = b"") -> None:
        """Take what comes within a time, or up to a packet; the first piece ends it if none is waited for."""
        deadline = time.monotonic() + limit_s
        seen = b""
        while (rest := deadline - time.monotonic()) > 0:
            if not select.select([self._connection], [], [], rest)[0]:
                return
            try:
                data = self._connection.recv(1 << 16)
            except OSError:
                return
            seen += data
            if not data or not until or until in seen:
                return

    def _write(self, data: bytes) -> None:
        # Gone, or it takes nothing: what is left to do is the caller's.
        with suppress(OSError):
            self._connection.sendall(data)


def _start_lldb_server(path: str, connection: socket.socket) -> int:
    fd = connection.fileno()
    os.set_inheritable(fd, True)
    return os.posix_spawn(
        path,
        [path, "gdbserver", "--fd", str(fd)],
        os.environ,
        # What it says goes where the log is.
        file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)],
        setsigmask=(),
        setsigdef=(signal.SIGINT,),
    )


def _stands(pid: int) -> bool:
    """Tell whether all threads of a process stand, or it has ended."""
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/stat", "rb") as stat:
                if stat.read().rpartition(b")")[2].split()[0] not in (b"t", b"T", b"X", b"Z"):
                    return False
    except OSError:
        return False
    return True


def _has_ended(pid: int) -> bool:
    """Tell whether a process is gone, or a zombie."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat:
            return stat.read().rpartition(b")")[2].split()[0] in (b"X", b"Z")
    except OSError:
        return True


def _point_to_null(fd: int) -> None:
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, fd)
    os.close(null)
