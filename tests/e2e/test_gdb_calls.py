"""gdb: calls of the target's functions: only where a person asks for them, and undone where they don't end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

import pytest
from support import procfs
from support.dap_client import LIMIT_S, DapClient, DapError, JsonObject
from support.looking import frames
from support.marks import mark
from support.serving import assert_whole, attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

LOGGED = client_path("logged.cpp")


class Stopped(NamedTuple):
    client: DapClient
    target: DockerTarget
    thread: int
    frame: int

    async def evaluate(self, expression: str, context: str = "repl") -> str:
        return str((await self.client.request("evaluate", self.arguments(expression, context)))["result"])

    async def refused(self, expression: str, context: str = "repl") -> str:
        return str((await self.client.refused("evaluate", self.arguments(expression, context))).message)

    def arguments(self, expression: str, context: str = "repl") -> JsonObject:
        return {"expression": expression, "context": context, "frameId": self.frame}

    async def begin_nap(self) -> int:
        """Begin a call that sleeps; return its seq."""
        seq = self.client.send("evaluate", self.arguments("nap(1000)"))
        async with asyncio.timeout(LIMIT_S):
            # Nothing tells that the call has begun, but that the thread runs again and sleeps.
            while procfs.thread_states(self.target.pid)[self.target.pid] != "S":
                await asyncio.sleep(0.01)
        return seq

    async def stack(self) -> list[tuple[str, int, str]]:
        found = await frames(self.client, self.thread)
        return [(each["name"], each["line"], each["instructionPointerReference"]) for each in found]

    async def leave(self) -> None:
        await self.client.set_breakpoints(LOGGED)
        await self.client.request("continue", {"threadId": self.thread})
        await self.target.assert_runs_on()
        await self.client.disconnect()
        await assert_whole(self.target)


@asynccontextmanager
async def stopped(client: DapClient, *, threads: int = 5, **arguments: Any) -> AsyncIterator[Stopped]:
    """Stop the program in the middle of its work."""
    async with running("logged", str(threads)) as target:
        await attach(client, target, "logged.cpp", "hot", **arguments)
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        yield Stopped(client, target, thread, (await frames(client, thread, 1))[0]["id"])


async def test_the_debug_console_calls_once(client: DapClient) -> None:
    async with stopped(client) as here:
        assert await here.evaluate("nap(0) + 7") == "7"
        assert await here.evaluate("calls") == "2"
        await here.leave()


@pytest.mark.parametrize("context", ["watch", "hover", "variables", "clipboard"])
async def test_nothing_but_the_debug_console_calls(client: DapClient, context: str) -> None:
    async with stopped(client) as here:
        assert "Cannot call functions in the program" in await here.refused("nap(0)", context)
        # Nor after a call from there, and after one that failed.
        await here.evaluate("nap(0)")
        await here.refused("((long (*)(int)) 8)(1)")
        assert "Cannot call functions in the program" in await here.refused("nap(0)", context)
        assert await here.evaluate("calls") == "2"
        await here.leave()


async def test_a_condition_never_calls(client: DapClient) -> None:
    async with stopped(client) as here:
        wished = {"line": mark("logged.cpp", "report"), "condition": "nap(0) == 0"}
        await client.set_breakpoints(LOGGED, wished)
        await client.request("continue", {"threadId": here.thread})
        await client.event("stopped")
        await client.output("Cannot call functions in the program")
        body = await client.request("evaluate", {"expression": "calls", "context": "watch"})
        assert body["result"] == "1"
        await here.leave()


async def test_a_read_only_session_never_calls(client: DapClient) -> None:
    async with stopped(client, readOnly=True) as here:
        assert "Cannot call functions in the program" in await here.refused("nap(0)")
        await here.leave()


@pytest.mark.parametrize("threads", [1, 23])
async def test_a_call_that_takes_too_long_is_undone(client: DapClient, threads: int) -> None:
    async with stopped(client, threads=threads, callTimeout=0.5) as here:
        before = await here.stack()
        text = await here.refused("nap(1000)")
        assert "longer than 0.5 s" in text
        assert "callTimeout" in text
        assert await here.stack() == before
        assert await here.evaluate("number * 2") != ""
        await here.leave()


@pytest.mark.parametrize("threads", [1, 23])
async def test_a_cancelled_call_is_undone(client: DapClient, threads: int) -> None:
    async with stopped(client, threads=threads) as here:
        before = await here.stack()
        for _ in range(2):
            call = await here.begin_nap()
            await client.request("cancel", {"requestId": call})
            with pytest.raises(DapError) as caught:
                await client.response(call)
            assert caught.value.message == "cancelled"
            assert await here.stack() == before
        assert client.received("stopped", "continued") == ["stopped"]
        await here.leave()


async def test_the_target_is_let_go_right_after_a_cancelled_call(client: DapClient) -> None:
    async with stopped(client, threads=23) as here:
        call = await here.begin_nap()
        client.send("cancel", {"requestId": call})
        await client.disconnect()
        await assert_whole(here.target)
        await here.target.assert_runs_on()


async def test_a_breakpoint_in_the_called_function_does_not_stop_there(client: DapClient, engine: str) -> None:
    async with stopped(client) as here:
        before = await here.stack()
        await client.set_breakpoints(LOGGED, mark("logged.cpp", "hot"), mark("logged.cpp", "nap"))
        # It ends the call of gdb, and that of LLDB goes over it.
        if engine == "gdb":
            assert "function called from GDB" in await here.refused("nap(0)")
        else:
            assert await here.evaluate("nap(0)") == "0"
        assert await here.stack() == before
        assert client.received("stopped", "continued") == ["stopped"]
        await client.set_breakpoints(LOGGED, mark("logged.cpp", "hot"))
        assert await here.evaluate("nap(0)") == "0"
        await here.leave()


async def test_a_call_that_crashes_is_undone(client: DapClient) -> None:
    async with stopped(client) as here:
        before = await here.stack()
        assert "SIGSEGV" in await here.refused("((long (*)(int)) 8)(1)")
        assert await here.stack() == before
        await here.leave()
