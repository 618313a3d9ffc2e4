"""What LLDB's side does by itself at an exec."""

import asyncio

import pytest
from support.dap_client import LIMIT_S, DapClient
from support.serving import assert_whole, attach, client_path
from support.targets import running

pytestmark = pytest.mark.docker


async def test_what_was_set_for_an_address_ends_with_the_old_program(client: DapClient) -> None:
    async with running("forks", "exec", "/tmp/trigger") as target:
        await attach(client, target, "forks.c", "parent")
        stopped = await client.event("stopped", reason="breakpoint")
        await client.set_breakpoints(client_path("forks.c"))
        info = await client.request("dataBreakpointInfo", {"name": "counter"})
        watched = {"dataId": info["dataId"], "accessType": "write", "condition": "counter < 0"}
        (data,) = (await client.request("setDataBreakpoints", {"breakpoints": [watched]}))["breakpoints"]
        assert data["verified"]
        await client.request("continue", {"threadId": stopped["threadId"]})
        target.trigger()
        removed = await client.event("breakpoint", reason="removed")
        assert removed["breakpoint"]["id"] == data["id"]
        async with asyncio.timeout(LIMIT_S):
            await target.lines.wait_for("tick other ", count=2)
        assert client.received("stopped") == ["stopped"]
        await client.disconnect()
        await assert_whole(target)
