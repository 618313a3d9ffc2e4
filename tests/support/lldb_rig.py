"""Our MI server on LLDB alone, with a real LLDB in the sidecar's image, beside a fixture's container: MI in, MI out."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

from docker.utils.socket import frames_iter
from support.engine import connect
from support.images import image
from support.sidecars import own_image

from dapbridge.engines.mi.lldb_bundle import first_bytes, start_argv
from dapbridge.errors import ProtocolError
from dapbridge.mi.connection import MiConnection
from dapbridge.mi.records import Async, Prompt, Record, Result

LIMIT_S = 60


class MiServer:
    """One server; its target is the main process of another container, which has `target_pid` on this host."""

    def __init__(self, socket: Any, target_pid: int) -> None:
        self.target_pid = target_pid
        self._socket = socket
        socket._sock.settimeout(LIMIT_S)
        self._frames = frames_iter(socket, tty=False)
        self._connection = MiConnection()
        self._records: list[Record | ProtocolError] = []
        self.transcript: list[str] = []

    def ask(self, command: str) -> dict[str, Any]:
        """Return the payload of a command's result; of `^error` it is {"msg": ...}."""
        token, data = self._connection.send(command)
        self.transcript.append(f"> {command}")
        self._socket._sock.sendall(data)
        result = self._take(lambda record: isinstance(record, Result) and record.token == token)
        assert isinstance(result, Result)
        return dict(result.payload)

    def done(self, command: str) -> dict[str, Any]:
        """Like `ask`, for a command that must not fail."""
        answer = self.ask(command)
        assert "msg" not in answer, (command, answer)
        return answer

    def say(self, line: str) -> dict[str, Any]:
        """Send a line as it is; return the payload of the next result, which has no token."""
        self.transcript.append(f"> {line}")
        self._socket._sock.sendall(f"{line}\n".encode())
        result = self._take(lambda record: isinstance(record, Result))
        assert isinstance(result, Result)
        assert result.token is None
        return dict(result.payload)

    def told(self, kind: str, **fields: str) -> dict[str, Any]:
        """Wait for the next async record of a kind that has these fields; return its payload. Others are dropped."""
        record = self._take(
            lambda each: (
                isinstance(each, Async)
                and each.kind == kind
                and all(each.payload.get(name.replace("_", "-")) == value for name, value in fields.items())
            )
        )
        assert isinstance(record, Async)
        return dict(record.payload)

    def stopped(self) -> dict[str, Any]:
        """Wait for the next `*stopped` that has a reason; return its payload."""
        while True:
            payload = self.told("stopped")
            if "reason" in payload:
                return payload

    def heard(self, command: str) -> list[str]:
        """Run a command that must not fail; return the records that came meanwhile, up to its prompt, as written."""
        before = len(self.transcript)
        self.done(command)
        self._take(lambda record: isinstance(record, Prompt))
        return [line for line in "".join(self.transcript[before + 1 :]).splitlines() if not line.startswith("(gdb)")]

    def _take(self, is_it: Any) -> Record | ProtocolError:
        while True:
            for at, record in enumerate(self._records):
                if is_it(record):
                    del self._records[: at + 1]
                    return record
            try:
                _, data = next(self._frames)
            except (StopIteration, TimeoutError) as error:
                raise AssertionError(f"{error!r} after {self.transcript[-10:]}") from error
            self.transcript.append(data.decode(errors="replace"))
            self._records += self._connection.receive_data(data)


@contextmanager
def server_for(fixture: str, *command: str) -> Iterator[MiServer]:
    """Run a fixture program and a server beside it, which has read the program's symbols and not attached."""
    with closing(connect()) as client:
        target = client.containers.create(image(client, fixture), list(command) or None, network_mode="none")
        sidecar = None
        try:
            target.start()
            sidecar = client.containers.create(
                asyncio.run(own_image()),
                start_argv(),
                stdin_open=True,
                network_mode="none",
                pid_mode=f"container:{target.id}",
                cap_drop=["ALL"],
                cap_add=["SYS_PTRACE", "DAC_OVERRIDE", "KILL"],
            )
            socket = sidecar.attach_socket(params={"stdin": 1, "stdout": 1, "stderr": 0, "stream": 1})
            sidecar.start()
            socket._sock.sendall(first_bytes(1))
            target.reload()
            server = MiServer(socket, target.attrs["State"]["Pid"])
            server.done("-x-prepare")
            server.done("-file-exec-and-symbols /proc/1/exe")
            yield server
            server.ask("-target-detach")
            server.ask("-gdb-exit")
        finally:
            for container in filter(None, (sidecar, target)):
                container.remove(force=True)


def stop_at(server: MiServer, source: str, line: int) -> int:
    """Attach and stop at a line; return the thread."""
    server.done(f"-break-insert --source /build/src/{source} --line {line}")
    server.done("-target-attach 1")
    server.done("-exec-continue")
    return int(server.stopped()["thread-id"])
