"""What descriptors and threads are, told from /proc; the test's own process is looked at."""

import os
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from dapbridge.agent.remote import waiting

READ = 0


@pytest.fixture
def closing() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


def described(fd: int) -> str | None:
    """Return what a `read` of the descriptor waits for."""
    found = waiting.describe(os.getpid(), "x86_64", READ, [fd, 0, 0, 0, 0, 0])
    assert (found["name"], found["descriptor"]) == ("read", fd)
    file: str | None = found["file"]
    return file


@pytest.mark.parametrize(("family", "host"), [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")])
def test_tcp_has_both_ends(closing: ExitStack, family: socket.AddressFamily, host: str) -> None:
    kind = "tcp6" if family == socket.AF_INET6 else "tcp"
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    listener = closing.enter_context(socket.create_server((host, 0), family=family))
    port = listener.getsockname()[1]
    client = closing.enter_context(socket.create_connection((host, port)))
    assert described(listener.fileno()) == f"{kind} {shown}:{port}"
    assert described(client.fileno()) == f"{kind} {shown}:{client.getsockname()[1]} → {shown}:{port}"


def test_other_descriptors(closing: ExitStack, tmp_path: Path) -> None:
    file = closing.enter_context((tmp_path / "file").open("w"))
    assert described(file.fileno()) == str(tmp_path / "file")
    server = closing.enter_context(socket.socket(socket.AF_UNIX))
    server.bind(str(tmp_path / "socket"))
    assert described(server.fileno()) == f"unix socket {tmp_path / 'socket'}"
    one, _ = pair = socket.socketpair()
    for each in pair:
        closing.enter_context(each)
    assert described(one.fileno()) == "unix socket"
    ends = os.pipe()
    for fd in ends:
        closing.callback(os.close, fd)
    epoll = closing.enter_context(select.epoll())
    assert described(epoll.fileno()) == "epoll"
    epoll.register(ends[0])
    assert described(epoll.fileno()) == f"epoll of 1: {ends[0]}"
    assert described(10_000) is None


def test_other_system_calls_have_no_descriptor() -> None:
    found = waiting.describe(os.getpid(), "x86_64", 202, [1, 2, 3, 4, 5, 6])
    assert found == {"number": 202, "name": "futex", "arguments": [1, 2, 3, 4, 5, 6]}
    assert waiting.describe(os.getpid(), "x86_64", 999, [])["name"] is None
    assert waiting.is_futex("aarch64", 98)
    assert not waiting.is_futex("aarch64", None)


def test_a_thread_that_waits_and_one_that_runs() -> None:
    read_end, write_end = os.pipe()
    thread = threading.Thread(target=os.read, args=(read_end, 1))
    thread.start()
    try:
        assert thread.native_id is not None
        looked = waiting.look(os.getpid(), thread.native_id)
        while looked.syscall is None or looked.state != "S":
            looked = waiting.look(os.getpid(), thread.native_id)
        assert (looked.syscall, looked.arguments[0]) == (READ, read_end)
        assert looked.at is not None
        itself = waiting.look(os.getpid(), threading.get_native_id())
        assert (itself.state, itself.name) == ("R", Path("/proc/self/comm").read_text().strip())
    finally:
        os.write(write_end, b"x")
        thread.join()
        os.close(read_end)
        os.close(write_end)
