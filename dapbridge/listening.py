"""Where the server listens: `HOST:PORT` or `unix:PATH`, read from the command line and opened as sockets."""

import ipaddress
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from msgspec import Struct

from dapbridge.errors import UserError


class TcpAddress(Struct, frozen=True):
    """Port 0: any free one."""

    host: str
    port: int


class UnixAddress(Struct, frozen=True):
    path: str


ListenAddress = TcpAddress | UnixAddress


def parse_listen(text: str) -> ListenAddress:
    """Parse `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`. Raises UserError."""
    if text.startswith("unix:") and len(text) > len("unix:"):
        return UnixAddress(text.removeprefix("unix:"))
    host, colon, port = text.rpartition(":")
    if colon and host and port.isascii() and port.isdigit() and int(port[:6]) <= 65535:
        return TcpAddress(host.removeprefix("[").removesuffix("]"), int(port))
    raise UserError(f"'{text}' is no address to listen on: write HOST:PORT (127.0.0.1:4711) or unix:PATH")


@contextmanager
def open_sockets(address: ListenAddress) -> Iterator[list[socket.socket]]:
    """Open an address's listening sockets; at the end close them and remove a socket file. Raises UserError."""
    match address:
        case TcpAddress():
            with _open_tcp(address) as sockets:
                yield sockets
        case UnixAddress():
            with _open_unix(address.path) as opened:
                yield [opened]


def format_address(listening: socket.socket) -> str:
    """Return where a socket listens as `--listen` and an editor take it."""
    if listening.family == socket.AF_UNIX:
        return f"unix:{listening.getsockname()}"
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if listening.family == socket.AF_INET6 else f"{host}:{port}"


def is_reachable_by_others(listening: socket.socket) -> bool:
    """Tell whether other machines may reach a listening socket."""
    return listening.family != socket.AF_UNIX and not ipaddress.ip_address(listening.getsockname()[0]).is_loopback


@contextmanager
def _open_tcp(address: TcpAddress) -> Iterator[list[socket.socket]]:
    sockets: list[socket.socket] = []
    try:
        for family, _, _, _, where in socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            # A name with two addresses (localhost) listens on both at one port, also when any port would do.
            port = sockets[0].getsockname()[1] if sockets else address.port
            sockets.append(socket.create_server((where[0], port), family=family))
    except OSError as error:
        if not sockets:
            raise UserError(f"can't listen on {address.host}:{address.port}: {error.strerror or error}") from None
    try:
        yield sockets
    finally:
        for opened in sockets:
            opened.close()


@contextmanager
def _open_unix(path: str) -> Iterator[socket.socket]:
    _remove_stale(path)
    opened = socket.socket(socket.AF_UNIX)
    # For its owner alone: who connects can control processes.
    umask = os.umask(0o177)
    try:
        opened.bind(path)
        opened.listen()
    except OSError as error:
        opened.close()
        raise UserError(f"can't listen on unix:{path}: {error.strerror or error}") from None
    finally:
        os.umask(umask)
    inode = os.stat(path).st_ino
    try:
        yield opened
    finally:
        opened.close()
        with suppress(FileNotFoundError):
            if os.stat(path).st_ino == inode:
                os.unlink(path)


def _remove_stale(path: str) -> None:
    """Remove the socket file of a server that has gone. Raises UserError when it is in use or no socket."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise UserError(f"can't listen on unix:{path}: the file exists and is no socket")
    except FileNotFoundError:
        return
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)
        except OSError as error:
            raise UserError(f"can't listen on unix:{path}: {error.strerror or error}") from None
        else:
            raise UserError(f"can't listen on unix:{path}: another server listens there")
