"""`dapbridge serve` as a real process, with a fake preparation, over stdio, TCP and a unix socket."""

import asyncio
import os
import re
import signal
import socket
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.dap_client import LIMIT_S, DapClient, DapError
from support.fake_command import ENVIRONMENT, ROOT, SERVE


class Serving:
    """A server that listens."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.said = ""

    async def wait_said(self, pattern: str) -> re.Match[str]:
        assert self.process.stderr
        try:
            async with asyncio.timeout(LIMIT_S):
                while not (found := re.search(pattern, self.said)):
                    data = await self.process.stderr.read(4096)
                    assert data, f"the server ended without saying {pattern!r}: {self.said}"
                    self.said += data.decode()
        except TimeoutError:
            raise AssertionError(f"the server did not say {pattern!r} but: {self.said}") from None
        return found

    async def connect(self) -> DapClient:
        where = await self.wait_said(r"listening on (?:127\.0\.0\.1|\[::1\]|0\.0\.0\.0):(\d+)\n")
        return await DapClient.connect("127.0.0.1", int(where[1]))

    async def wait_ended(self) -> tuple[int, str]:
        """Return the exit code and what came on stdout."""
        async with asyncio.timeout(LIMIT_S):
            out, err = await self.process.communicate()
        self.said += err.decode()
        assert self.process.returncode is not None
        return self.process.returncode, out.decode()


@asynccontextmanager
async def serving(*options: str) -> AsyncIterator[Serving]:
    process = await asyncio.create_subprocess_exec(
        *SERVE, *options, env=ENVIRONMENT, stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    server = Serving(process)
    try:
        yield server
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def spawn(*options: str) -> DapClient:
    return await DapClient.spawn(*SERVE, *options, env=ENVIRONMENT)


async def ended(client: DapClient) -> int:
    assert client.process
    async with asyncio.timeout(LIMIT_S):
        return await client.process.wait()


# stdio


async def test_a_session_over_stdio() -> None:
    async with await spawn() as client:
        await client.attach({"target": "api"})
        await client.request("threads")
        await client.disconnect()
        assert await ended(client) == 0
    assert "let go of api" in client.stderr


async def test_what_is_printed_does_not_reach_the_client() -> None:
    async with await spawn() as client:
        await client.attach({"target": "noisy"})
        await client.wait_stderr("this line must not reach the client")
        await client.disconnect()


async def test_the_end_of_stdin_lets_go_and_says_nothing_more() -> None:
    async with await spawn() as client:
        await client.attach({"target": "api"})
        told = len(client.transcript)
        client.close()
        assert await ended(client) == 0
        await client.wait_closed()
        assert client.transcript[told:] == []
    assert "let go of api" in client.stderr


async def test_the_end_of_stdin_while_preparing() -> None:
    async with await spawn() as client:
        await client.initialize()
        client.send("attach", {"target": "slow"})
        await client.event("progressStart")
        client.close()
        assert await ended(client) == 0
    assert "gave up slow" in client.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_lets_go_and_says_nothing_more(number: signal.Signals) -> None:
    async with await spawn() as client:
        await client.attach({"target": "api"})
        told = len(client.transcript)
        assert client.process
        client.process.send_signal(number)
        assert await ended(client) == 0
        await client.wait_closed()
        assert client.transcript[told:] == []
    assert "let go of api" in client.stderr
    assert "Traceback" not in client.stderr


async def test_a_second_signal_leaves_at_once() -> None:
    async with await spawn() as client:
        await client.attach({"target": "stubborn"})
        assert client.process
        client.process.send_signal(signal.SIGTERM)
        await client.wait_stderr("let go of stubborn")
        client.process.send_signal(signal.SIGTERM)
        assert await ended(client) == 128 + signal.SIGTERM


async def test_a_closed_stdout_lets_go() -> None:
    read_end, write_end = os.pipe()
    process = await asyncio.create_subprocess_exec(*SERVE, env=ENVIRONMENT, stdin=PIPE, stdout=write_end, stderr=PIPE)
    os.close(write_end)
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(read_end, "rb")
    )
    assert process.stdin
    client = DapClient(reader, process.stdin)
    async with client:
        await client.attach({"target": "api"})
        transport.close()
        await client.wait_closed()
        client.send("threads")
        client.send("threads")
        async with asyncio.timeout(LIMIT_S):
            assert process.stderr
            said = await process.stderr.read()
            assert await process.wait() == 0
    assert b"let go of api" in said


async def test_a_client_that_reads_nothing_is_closed() -> None:
    async with serving() as server:
        assert server.process.stdin
        for seq, command in enumerate(("initialize", "attach"), 1):
            arguments = '{"adapterID":"x","target":"flood"}'
            body = f'{{"seq":{seq},"type":"request","command":"{command}","arguments":{arguments}}}'
            server.process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
        await server.wait_said("64 MiB unread")
        await server.wait_said("let go of flood")
        code, _ = await server.wait_ended()
        assert code == 0


def frames(*commands: str) -> bytes:
    found = b""
    for seq, command in enumerate(commands, 1):
        arguments = '{"adapterID":"x","target":"api"}'
        body = f'{{"seq":{seq},"type":"request","command":"{command}","arguments":{arguments}}}'.encode()
        found += b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
    return found


def test_stdin_and_stdout_may_be_files(tmp_path: Path) -> None:
    script, result = tmp_path / "in", tmp_path / "out"
    script.write_bytes(frames("initialize", "disconnect"))
    with script.open("rb") as stdin, result.open("wb") as stdout:
        subprocess.run(SERVE, env=ENVIRONMENT, stdin=stdin, stdout=stdout, timeout=LIMIT_S, check=True)
    assert result.read_bytes().count(b'"success":true') == 2


def test_stdin_may_be_nothing_at_all() -> None:
    done = subprocess.run(
        SERVE, env=ENVIRONMENT, stdin=subprocess.DEVNULL, capture_output=True, timeout=LIMIT_S, check=True
    )
    assert done.stdout == b""


async def test_stdin_and_stdout_may_be_one_socket() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        process = await asyncio.create_subprocess_exec(
            *SERVE, env=ENVIRONMENT, stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=PIPE
        )
    async with await DapClient.over(ours) as client:
        await client.attach({"target": "api"})
        await client.disconnect()
    async with asyncio.timeout(LIMIT_S):
        assert b"let go of api" in (await process.communicate())[1]


# Sockets


async def test_two_sessions_at_once_over_tcp_and_a_third_after_them() -> None:
    async with serving("--listen", "127.0.0.1:0") as server:
        async with await server.connect() as one, await server.connect() as two:
            await one.attach({"target": "one"})
            await two.attach({"target": "two"})
            await one.disconnect()
            await server.wait_said("let go of one")
            await two.request("threads")
            await two.disconnect()
        async with await server.connect() as three:
            await three.attach({"target": "three"})
            await three.disconnect()


async def test_broken_framing_on_one_connection_leaves_the_other_alive() -> None:
    async with serving("--listen", "127.0.0.1:0") as server, await server.connect() as good:
        await good.attach({"target": "good"})
        async with await server.connect() as bad:
            await bad.attach({"target": "bad"})
            bad.send_raw(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            await bad.wait_closed()
            await server.wait_said("let go of bad")
        async with await server.connect() as refused:
            with pytest.raises(DapError, match="no container named 'refused'"):
                await refused.attach({"target": "refused"})
        await good.request("threads")
        assert "let go of good" not in server.said


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_all_sessions_of_a_listener(number: signal.Signals) -> None:
    async with serving("--listen", "127.0.0.1:0") as server:
        async with await server.connect() as one, await server.connect() as two, await server.connect() as three:
            await one.attach({"target": "one"})
            await two.attach({"target": "two"})
            await three.initialize()
            three.send("attach", {"target": "slow"})
            await three.event("progressStart")
            server.process.send_signal(number)
            for client in (one, two, three):
                await client.wait_closed()
        assert await server.wait_ended() == (0, "")
    for line in ("let go of one", "let go of two", "gave up slow"):
        assert line in server.said
    assert "Traceback" not in server.said


async def test_a_unix_socket_replaces_a_stale_file_and_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "dapbridge.sock"
    stale = socket.socket(socket.AF_UNIX)
    stale.bind(str(path))
    stale.close()
    async with serving("--listen", f"unix:{path}") as server:
        await server.wait_said(f"listening on unix:{re.escape(str(path))}\n")
        assert path.stat().st_mode & 0o777 == 0o600
        async with serving("--listen", f"unix:{path}") as second:
            assert (await second.wait_ended())[0] == 1
            assert "another server listens there" in second.said
        async with await DapClient.connect_unix(str(path)) as client:
            await client.attach({"target": "api"})
            await client.disconnect()
        server.process.terminate()
        assert (await server.wait_ended())[0] == 0
    assert not path.exists()


async def test_an_address_that_others_reach_is_warned_of() -> None:
    async with serving("--listen", "0.0.0.0:0") as server:
        await server.wait_said(r"warning: anybody who can reach 0\.0\.0\.0:\d+ can control processes")
    async with serving("--listen", "127.0.0.1:0") as server, await server.connect() as client:
        await client.initialize()
        assert "warning" not in server.said


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("4711", "HOST:PORT"),
        ("127.0.0.1:99999", "HOST:PORT"),
        ("unix:", "HOST:PORT"),
        ("192.0.2.1:0", "can't listen on 192.0.2.1:0"),
        (f"unix:{ROOT}/pyproject.toml", "is no socket"),
        ("unix:/nonexistent/socket", "can't listen on unix:/nonexistent/socket: No such file or directory"),
    ],
)
async def test_addresses_that_cannot_be_listened_on(address: str, text: str) -> None:
    async with serving("--listen", address) as server:
        assert await server.wait_ended() == (1, "")
    assert text in server.said
    assert "Traceback" not in server.said


async def test_the_wire_log_goes_to_its_file_with_the_session(tmp_path: Path) -> None:
    file = tmp_path / "log"
    async with await spawn("-vv", "--log-file", str(file)) as client:
        await client.attach({"target": "api", "program": "x" * 1000})
        await client.disconnect()
    text = file.read_text()
    assert re.search(r"\[session 1\] dapbridge\.wire\.client: client < initialize #1 \{", text)
    assert re.search(r"\[session 1\] dapbridge\.wire\.client: client > initialized \{\}", text)
    assert re.search(r"client < attach #2 .*… \(\d+ characters\)", text)
    assert max(map(len, text.splitlines())) < 600
