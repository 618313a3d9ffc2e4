"""The listener: one Session for each client, over stdio, TCP or a unix socket. Knows no DAP.

A client's bytes reach its session in the call of the event loop that has read them, and a session's bytes are written
in the call that makes them.
"""

import asyncio
import itertools
import logging
import os
import signal
import sys

from dapbridge.listening import ListenAddress, format_address, is_reachable_by_others, open_sockets
from dapbridge.log import session_id
from dapbridge.prepared import Prepare
from dapbridge.session import Session
from dapbridge.stdio import StdioTransport, take_stdio

MAX_UNSENT_BYTES = 64 * 1024 * 1024
FAR_BEHIND_BYTES = 1024 * 1024
"""With so much unread the engine waits; what it has on its way already still comes."""
STALL_LIMIT_S = 30
"""A client that reads so slowly for so long keeps the target from running: it is given up."""
FLUSH_LIMIT_S = 2

log = logging.getLogger(__name__)


def run_server(prepare: Prepare, address: ListenAddress | None) -> None:
    """Serve clients, over stdio without an address, until the client leaves or a signal comes. Raises UserError."""
    asyncio.run(_serve(Server(prepare), address))


async def _serve(server: "Server", address: ListenAddress | None) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, server.stop_by_signal, number)
    if address is None:
        await server.serve_stdio(*take_stdio())
    else:
        await server.serve_sockets(address)


class Server:
    """Serves clients until told to stop; then lets every target go."""

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare
        self._numbers = itertools.count(1)
        self._connections: set[Connection] = set()
        self._stopped = asyncio.Event()

    async def serve_stdio(self, read_fd: int, write_fd: int) -> None:
        """Serve one client over two descriptors, which are closed at the end."""
        async with asyncio.TaskGroup() as self._sessions:
            StdioTransport(self._make_connection(), read_fd, write_fd)

    async def serve_sockets(self, address: ListenAddress) -> None:
        """Serve all clients that connect to an address, until `stop`. Raises UserError."""
        loop = asyncio.get_running_loop()
        with open_sockets(address) as sockets:
            async with asyncio.TaskGroup() as self._sessions:
                listeners = [await loop.create_server(self._make_connection, sock=opened) for opened in sockets]
                for opened in sockets:
                    _announce(format_address(opened), warn=is_reachable_by_others(opened))
                await self._stopped.wait()
                for listener in listeners:
                    listener.close()

    def stop(self) -> None:
        """Take no more clients, and end the sessions: every target is let go."""
        self._stopped.set()
        for connection in list(self._connections):
            connection.session.client_gone()

    def stop_by_signal(self, number: signal.Signals) -> None:
        """Stop at the first signal, leave at once at the second."""
        if self._stopped.is_set():
            os._exit(128 + number)
        log.info("%s: letting all targets go", number.name)
        self.stop()

    def start(self, connection: "Connection") -> bool:
        """Run a connection's session; false when the server takes no more."""
        if self._stopped.is_set():
            return False
        self._connections.add(connection)
        task = self._sessions.create_task(connection.serve())
        task.add_done_callback(lambda _: self._connections.discard(connection))
        return True

    def _make_connection(self) -> "Connection":
        return Connection(self, self._prepare, f"session {next(self._numbers)}")


class Connection(asyncio.Protocol):
    """One client's connection and its session."""

    def __init__(self, server: Server, prepare: Prepare, name: str) -> None:
        self.session = Session(self, prepare, name)
        self._server = server
        self._name = name
        self._transport: asyncio.Transport | None = None
        self._lost = asyncio.Event()
        self._stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Start the session. (asyncio has set TCP_NODELAY.)"""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=FAR_BEHIND_BYTES)
        if not self._server.start(self):
            transport.abort()

    def data_received(self, data: bytes) -> None:
        self.session.receive_data(data)

    def eof_received(self) -> bool:
        self.session.client_gone()
        # The other direction stays open: a `disconnect` may not have been answered yet.
        return True

    def pause_writing(self) -> None:
        if self._stall is None:
            self._stall = asyncio.get_running_loop().call_later(
                STALL_LIMIT_S, self._give_up, f"much for {STALL_LIMIT_S} s"
            )
            self.session.wait_for_client(True)

    def resume_writing(self) -> None:
        self._end_stall()
        self.session.wait_for_client(False)

    def connection_lost(self, exc: Exception | None) -> None:
        if exc:
            log.info("connection lost: %s", exc)
        self._end_stall()
        self._lost.set()
        self.session.client_gone()

    def write(self, data: bytes) -> None:
        """Send at once, or queue; ignored when the client is gone."""
        if self._transport and not self._transport.is_closing():
            self._transport.write(data)
            if self._transport.get_write_buffer_size() > MAX_UNSENT_BYTES:
                self._give_up(f"{MAX_UNSENT_BYTES >> 20} MiB")

    def close(self) -> None:
        """End the connection after what was written; may be called twice."""
        if self._transport:
            self._transport.close()

    async def serve(self) -> None:
        """Run the session to its end; what goes wrong in it touches no other."""
        session_id.set(self._name)
        log.info("client connected")
        try:
            await self.session.run()
        except Exception:
            log.exception("bug in the session")
        finally:
            await self._flush_and_close()
        log.info("session ended")

    def _give_up(self, unread: str) -> None:
        log.error("closing the connection: the client has left %s unread", unread)
        if self._transport:
            self._transport.abort()

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    async def _flush_and_close(self) -> None:
        self.close()
        try:
            async with asyncio.timeout(FLUSH_LIMIT_S):
                await self._lost.wait()
        except TimeoutError:
            log.warning("the client did not read its last messages")
            if self._transport:
                self._transport.abort()


def _announce(address: str, *, warn: bool) -> None:
    """Say where the server listens, in a line that scripts wait for."""
    sys.stderr.write(f"listening on {address}\n")
    if warn:
        sys.stderr.write(
            f"warning: anybody who can reach {address} can control processes on this machine; "
            "listen on 127.0.0.1 and use an ssh tunnel instead\n"
        )
    sys.stderr.flush()
