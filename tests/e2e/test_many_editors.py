"""Several editors at once: each has its own session, and none notices another's end."""

import asyncio
import socket
import struct

import pytest
from support.dap_client import DapClient
from support.marks import mark
from support.serving import assert_whole, attach, client_path, listening, serving
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def test_a_client_that_vanishes_takes_no_other_along() -> None:
    async with listening() as server, running("spin") as first_target, running("threads") as second_target:
        async with await server.connect() as second:
            async with await server.connect() as first:
                await attach(first, first_target, "spin.c", "work")
                await first.event("stopped", reason="breakpoint")
                await attach(second, second_target, "threads.cpp", "worker")
                await second.event("stopped", reason="breakpoint")
            await assert_whole(first_target)
            await assert_still_debugs(second, "threads.cpp", "worker-end")
            await second.disconnect()
        await assert_whole(second_target)


async def test_a_connection_that_breaks_off() -> None:
    async with listening() as server, running("spin") as target:
        async with await server.connect() as client:
            await attach(client, target, "spin.c", "work")
            await client.event("stopped", reason="breakpoint")
            break_off(client)
        await assert_whole(target)


async def test_a_server_that_is_ended_lets_every_target_go() -> None:
    async with listening() as server, running("spin") as first_target, running("threads") as second_target:
        async with await server.connect() as first, await server.connect() as second:
            await both_stop(first, first_target, second, second_target)
            server.process.terminate()
            await first.wait_closed()
            await second.wait_closed()
            await server.process.wait()
        await assert_whole(first_target)
        await assert_whole(second_target)


async def test_a_server_that_is_killed_lets_every_target_go() -> None:
    async with listening() as server, running("spin") as first_target, running("threads") as second_target:
        async with await server.connect() as first, await server.connect() as second:
            await both_stop(first, first_target, second, second_target)
            server.process.kill()
            await server.process.wait()
        await assert_whole(first_target)
        await assert_whole(second_target)


async def test_two_editors_on_two_containers_on_one_server() -> None:
    async with (
        listening() as server,
        await server.connect() as first,
        await server.connect() as second,
        running("spin") as one,
        running("threads") as other,
    ):
        await two_editors_debug(first, one, second, other)


async def test_two_editors_on_two_containers_on_two_servers() -> None:
    async with serving() as first, serving() as second, running("spin") as one, running("threads") as other:
        await two_editors_debug(first, one, second, other)


async def two_editors_debug(
    first: DapClient, first_target: DockerTarget, second: DapClient, second_target: DockerTarget
) -> None:
    await both_stop(first, first_target, second, second_target)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(assert_still_debugs(first, "spin.c", "leaf"))
        tasks.create_task(assert_still_debugs(second, "threads.cpp", "worker-end"))
    await first.disconnect()
    await assert_whole(first_target)
    await assert_still_debugs(second, "threads.cpp", "worker")
    await second.disconnect()
    await assert_whole(second_target)


async def both_stop(
    first: DapClient, first_target: DockerTarget, second: DapClient, second_target: DockerTarget
) -> None:
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(attach(first, first_target, "spin.c", "work"))
        tasks.create_task(attach(second, second_target, "threads.cpp", "worker"))
    assert first_target.tracer_pids() != second_target.tracer_pids()
    await first.event("stopped", reason="breakpoint")
    await second.event("stopped", reason="breakpoint")


async def assert_still_debugs(client: DapClient, program: str, next_mark: str) -> None:
    """A stopped target goes on to the next mark."""
    line = mark(program, next_mark)
    (placed,) = await client.set_breakpoints(client_path(program), line)
    thread = (await client.request("threads"))["threads"][0]["id"]
    await client.request("continue", {"threadId": thread})
    stopped = await client.event("stopped", reason="breakpoint", hitBreakpointIds=[placed["id"]])
    stack = await client.request("stackTrace", {"threadId": stopped["threadId"], "levels": 1})
    assert stack["stackFrames"][0]["line"] == line


def break_off(client: DapClient) -> None:
    """Reset the connection, as a host that is cut off does at best."""
    connection = client._writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client._writer.transport.abort()
