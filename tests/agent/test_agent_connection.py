"""Connections of the agent's: to what its child serves, and to what runs elsewhere and is told farewell."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from agent_rig import LIMIT_S, agent_for

from dapbridge.agent.client import Agent, Channel
from dapbridge.agent.facts import AgentScope
from dapbridge.agent.remote.connection import Cue
from dapbridge.errors import UserError

NOBODY = AgentScope(container_id="0" * 64)
# Answers in capitals, and ends with 7 when its client has gone.
SERVER = """\
import socket, sys
listening = socket.socket(socket.AF_UNIX)
listening.bind(sys.argv[1])
listening.listen()
print("listening", flush=True)
connection, _ = listening.accept()
while data := connection.recv(1 << 16):
    connection.sendall(data.upper())
sys.exit(7)
"""


async def read(channel: Channel, size: int) -> bytes:
    data = b""
    async with asyncio.timeout(LIMIT_S):
        while len(data) < size:
            part = await channel.read()
            assert part, f"it ended after {len(data)} bytes"
            data += part
    return data


async def test_a_child_is_spoken_to_on_its_socket_and_hears_when_that_is_hung_up() -> None:
    async with agent_for(NOBODY) as (agent, _):
        address = f"{await agent.directory('here')}/socket"
        child = await agent.spawn([sys.executable, "-c", SERVER, address], ladder=[("hang_up", 10)])
        assert await read(child, 10) == b"listening\n"
        channel = await agent.open_connection(child, f"unix:{address}")
        big = b"abc" * 1_000_000
        channel.write(big)
        assert await read(channel, len(big)) == big.upper()
        await child.aclose()
        assert await child.wait() == 7
        assert await channel.read() == b""


async def test_nobody_listens_there() -> None:
    async with agent_for(NOBODY) as (agent, _):
        with pytest.raises(UserError, match="can't connect to unix:/nowhere: No such file or directory"):
            await agent.open_connection(None, "unix:/nowhere")


async def release(agent: Agent, kill: Callable[[], None]) -> None:
    await agent.aclose()


async def end_stream(agent: Agent, kill: Callable[[], None]) -> None:
    kill()


@pytest.mark.parametrize("end", [release, end_stream])
async def test_a_farewell_is_said_whatever_the_end(
    tmp_path: Path, end: Callable[[Agent, Callable[[], None]], Awaitable[None]]
) -> None:
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # One that talks on without end must not keep the agent from leaving.
        writer.write(bytes(5_000_000))
        heard.set_result(await reader.read())
        writer.close()

    server = await asyncio.start_unix_server(serve, tmp_path / "socket")
    async with server, agent_for(NOBODY) as (agent, process):
        channel = await agent.open_connection(None, f"unix:{tmp_path / 'socket'}")
        channel.write(b"hello ")
        agent.set_farewell(channel, b"never said")
        agent.set_farewell(channel, b"farewell")
        assert await channel.read()
        stdin = process.process.stdin
        assert stdin
        await end(agent, stdin.close)
        async with asyncio.timeout(LIMIT_S):
            assert await heard == b"hello farewell"


def test_a_cue_is_heard_however_its_bytes_come() -> None:
    cue = Cue(b"stop?")
    heard = [cue.is_in(data) for data in (b"a st", b"o", b"p? and a sto", b"p, no stop", b"?", b"stop?stop?", b"?")]
    assert heard == [False, False, True, False, True, True, False]
