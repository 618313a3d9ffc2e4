"""A container's attach stream as a Transport: the SDK's hijacked socket given to asyncio, stdout and stderr parted.

A TLS or ssh connection is no socket that asyncio could take over: two threads copy between it and one end of a socket
pair, and asyncio gets the other end; the kernel's buffers pass back-pressure on, both ways.
"""

import logging
import select
import socket
import ssl
import threading
from collections.abc import Callable
from typing import Any, Protocol, cast

import docker

from dapbridge.errors import ProtocolError
from dapbridge.runtimes.docker_frames import FrameDecoder
from dapbridge.runtimes.stream import SocketStream
from dapbridge.transport import Take

_log = logging.getLogger(__name__)

_CHUNK_BYTES = 64 * 1024


class _Channel(Protocol):
    """What is copied to and from by threads: a paramiko channel, or our TlsChannel."""

    def recv(self, max_bytes: int, /) -> bytes: ...
    def sendall(self, data: bytes, /) -> object: ...
    def close(self) -> object: ...


def attach(api: docker.APIClient, container_id: str) -> socket.socket:
    """Attach to a container that is not started yet; return a connected socket of our own. Blocks; for a thread."""
    parameters = {"stdin": 1, "stdout": 1, "stderr": 1, "stream": 1}
    stream = api.attach_socket(container_id, params=parameters)
    # A SocketIO over the real socket, or a paramiko channel, which is no file. Over https it is the TLS socket itself.
    connection = getattr(stream, "_sock", stream)
    if isinstance(connection, ssl.SSLSocket):
        return _bridge(TlsChannel(connection), keep=stream)
    if not isinstance(connection, socket.socket):
        connection.settimeout(None)
        return _bridge(cast(_Channel, connection), keep=stream)
    # The SDK's response closes its socket whenever it is collected; ours is another descriptor of it.
    own = connection.dup()
    stream._response.close()
    return own


class DockerStream:
    """The Transport over an attach stream: stdin one way, stdout the other; stderr goes to `on_stderr`."""

    def __init__(self, connection: SocketStream, on_stderr: Callable[[bytes], None]) -> None:
        self._connection = connection
        self._on_stderr = on_stderr
        self._decoder = FrameDecoder()

    @classmethod
    async def open(cls, connection: socket.socket, on_stderr: Callable[[bytes], None]) -> "DockerStream":
        """Take over a connected socket."""
        return cls(await SocketStream.open(connection), on_stderr)

    @property
    def ended(self) -> bool:
        """No more will come."""
        return self._connection.ended

    async def read(self) -> bytes:
        """Return the next bytes of stdout; b"" at the end."""
        while data := await self._connection.read():
            stdout = self._decode(data)
            if stdout is None:
                await self.aclose()
                return b""
            if stdout:
                return stdout
        return b""

    async def feed(self, take: Take) -> bool:
        """See Transport."""
        is_broken = False

        def take_stdout(data: bytes) -> bool:
            nonlocal is_broken
            stdout = self._decode(data)
            is_broken = stdout is None
            return take(stdout) if stdout else not is_broken

        goes_on = await self._connection.feed(take_stdout)
        if is_broken:
            await self.aclose()
        return goes_on and not is_broken

    def write(self, data: bytes) -> None:
        """Queue bytes for stdin."""
        self._connection.write(data)

    async def drain(self) -> None:
        """Wait until the queue is short enough."""
        await self._connection.drain()

    async def aclose(self) -> None:
        """End stdin after what was written, and close."""
        await self._connection.aclose()

    def _decode(self, data: bytes) -> bytes | None:
        """Return what there is of stdout; None for what is no stream of Docker's."""
        stdout = []
        try:
            for output in self._decoder.receive_data(data):
                if output.is_stderr:
                    self._on_stderr(output.data)
                else:
                    stdout.append(output.data)
        except ProtocolError as error:
            _log.error("attach stream: %s", error)
            return None
        return b"".join(stdout)


class TlsChannel:
    """A TLS socket that one thread reads while another writes: OpenSSL allows one call into a connection at a time."""

    def __init__(self, connection: ssl.SSLSocket) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        connection.setblocking(False)

    def recv(self, max_bytes: int, /) -> bytes:
        """Wait for bytes; b"" at the end."""
        return cast(bytes, self._when_ready(lambda: self._connection.recv(max_bytes)))

    def sendall(self, data: bytes, /) -> None:
        """Send all of `data`."""
        rest = memoryview(data)
        while rest:
            sent = self._when_ready(lambda rest=rest: self._connection.send(rest))  # type: ignore[misc]
            rest = rest[sent:]

    def close(self) -> None:
        """Make both directions end."""
        self._connection.shutdown(socket.SHUT_RDWR)

    def _when_ready(self, operation: Callable[[], Any]) -> Any:
        while True:
            with self._lock:
                try:
                    return operation()
                except ssl.SSLWantReadError:
                    event = select.POLLIN
                except ssl.SSLWantWriteError:
                    event = select.POLLOUT
            poll = select.poll()
            poll.register(self._connection, event)
            poll.poll()


def _bridge(channel: _Channel, keep: object) -> socket.socket:
    """Return the near end of a socket pair whose far end two threads join with `channel`.

    keep: what must not be collected as long as the channel is in use.
    """
    near, far = socket.socketpair()

    def copy(receive: Callable[[int], bytes], send: Callable[[bytes], object]) -> None:
        try:
            while data := receive(_CHUNK_BYTES):
                send(data)
        except OSError as error:
            _log.debug("attach stream broke: %s", error)

    def inwards() -> None:
        copy(channel.recv, far.sendall)
        _quietly(lambda: far.shutdown(socket.SHUT_WR))

    def outwards() -> None:
        copy(far.recv, channel.sendall)
        # The near end is closed: the whole connection ends, and with it the other thread.
        _quietly(channel.close)
        inward.join()
        far.close()
        _log.debug("attach stream of %s closed", type(keep).__name__)

    inward = threading.Thread(target=inwards, name="docker-attach-in", daemon=True)
    inward.start()
    threading.Thread(target=outwards, name="docker-attach-out", daemon=True).start()
    return near


def _quietly(function: Callable[[], object]) -> None:
    try:
        function()
    except OSError as error:
        _log.debug("attach stream broke: %s", error)
