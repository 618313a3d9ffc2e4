"""A dlv that runs headless in a container already: debugged by its address, and left as it was, its target running."""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from support.dap_client import DapClient
from support.go_server import assert_serves, get
from support.marks import mark
from support.serving import RULES, client_path
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]

ADDRESS = {"address": "127.0.0.1:8000"}
PATH = client_path("server.go")

End = Callable[[DapClient], Awaitable[None]]


@asynccontextmanager
async def beside(target: DockerTarget) -> AsyncIterator[DapClient]:
    """A server in the network of the container: as if the port were published."""
    prefix = ("nsenter", f"--target={target.pid}", "--net")
    async with await DapClient.spawn(*prefix, sys.executable, "-m", "dapbridge", "serve") as client:
        yield client


async def disconnects(client: DapClient) -> None:
    await client.disconnect()


async def client_goes(client: DapClient) -> None:
    client.close()


async def bridge_is_killed(client: DapClient) -> None:
    assert client.process
    client.process.kill()


@pytest.mark.parametrize("end", [disconnects, client_goes, bridge_is_killed])
@pytest.mark.parametrize("stands", [True, False])
async def test_its_target_runs_on_and_it_waits_for_the_next(stands: bool, end: End) -> None:
    async with running("go_headless") as target:
        async with beside(target) as client:
            lines = {PATH: [mark("server.go", "handler")]}
            await client.attach({"delve": ADDRESS, "substitutePath": RULES}, lines)
            assert (await client.event("breakpoint"))["breakpoint"]["verified"]
            async with get(target, "/remote") as answer:
                stopped = await client.event("stopped", reason="breakpoint")
                stack = await client.request("stackTrace", {"threadId": stopped["threadId"], "levels": 1})
                assert stack["stackFrames"][0]["source"]["path"] == PATH
                if not stands:
                    await client.request("continue", {"threadId": stopped["threadId"]})
                    assert await answer() == "Hello, /remote (7)!\n"
                await end(client)
                if stands:
                    assert await answer() == "Hello, /remote (7)!\n"
        await assert_serves(target)
        await target.assert_runs_on()
        # The next client finds it as the first one did; this one looks for the source by itself.
        async with beside(target) as client:
            await client.attach({"delve": ADDRESS}, lines)
            async with get(target, "/again") as answer:
                await client.event("stopped", reason="breakpoint")
                await client.disconnect()
                assert await answer() == "Hello, /again (6)!\n"
        await assert_serves(target)


async def test_an_address_where_nobody_listens(client: DapClient) -> None:
    await client.initialize()
    refused = await client.refused("attach", {"delve": {"address": "127.0.0.1:1"}})
    assert refused.text.startswith("can't connect to 127.0.0.1:1: Connection refused")
    await client.disconnect()
