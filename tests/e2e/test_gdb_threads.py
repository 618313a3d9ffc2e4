"""gdb: threads by the hundred, threads that come and go, and a process whose main thread ends first."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from support.dap_client import DapClient, DapError
from support.looking import frames, place
from support.serving import assert_whole, attach, attach_arguments, client_path
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]

MANY = client_path("many.c")
TRIGGER = "/tmp/trigger"


async def names(client: DapClient) -> dict[int, str]:
    """Return the threads' names, without the kernel's numbers, by id."""
    body = await client.request("threads")
    return {each["id"]: each["name"].rpartition(" (")[0] for each in body["threads"]}


async def pause(client: DapClient) -> int:
    """Pause the target; return the thread that stopped."""
    await client.request("pause", {"threadId": 1})
    return int((await client.event("stopped", reason="pause"))["threadId"])


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await assert_whole(target)


@pytest.mark.shows("threads")
async def test_500_threads_are_listed_by_name_and_told_by_no_event(client: DapClient) -> None:
    async with running("many") as target:
        await attach(client, target, "many.c")
        found = await names(client)
        assert sorted(found.values()) == sorted(["many", *(f"stands-{number}" for number in range(500))])
        assert client.received("thread") == []
        await leave(client, target)
        assert client.received("thread") == []


async def test_500_threads_stop_step_and_go_on(client: DapClient) -> None:
    async with running("many") as target:
        await attach(client, target, "many.c", "main")
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        assert len(await names(client)) == 501
        await client.request("stepIn", {"threadId": thread})
        assert (await client.event("stopped", reason="step"))["threadId"] == thread
        assert (await place(client, thread))[0] == "tick"
        other = next(id_ for id_, name in (await names(client)).items() if name == "stands-499")
        stack = [frame["name"] for frame in await frames(client, other)]
        assert "stand" in stack
        await client.request("continue", {"threadId": thread})
        await client.event("stopped", reason="breakpoint")
        assert await client.set_breakpoints(MANY) == []
        await client.request("continue", {"threadId": thread})
        await target.assert_runs_on()
        await pause(client)
        await leave(client, target)


async def test_listing_500_threads_takes_less_than_mis_own_list(client: DapClient) -> None:
    async with running("many") as target:
        await attach(client, target, "many.c", stopOnEntry=True)
        await client.event("stopped", reason="entry")

        async def taken_s(command: str) -> float:
            start = time.perf_counter()
            asked = {"expression": f'`interpreter-exec mi "{command}"', "context": "repl"}
            await client.request("evaluate", asked)
            return time.perf_counter() - start

        # By turns, and the best of each: other work on the machine only adds.
        taken = [(await taken_s("-x-threads"), await taken_s("-thread-info")) for _ in range(8)]
        assert min(ours for ours, _ in taken) < min(raw for _, raw in taken), taken
        await leave(client, target)


async def test_threads_that_last_no_time_are_told_in_order(client: DapClient) -> None:
    await see_threads_come_and_go(client, "come-and-go")


@pytest.mark.shows("thread")
async def test_threads_that_come_and_go_are_told_in_order(client: DapClient) -> None:
    await see_threads_come_and_go(client, "visit")


async def see_threads_come_and_go(client: DapClient, mode: str) -> None:
    async with running("many", mode, "3", TRIGGER) as target:
        await attach(client, target, "many.c")
        known = await names(client)
        assert client.received("thread") == []
        target.trigger()
        for _ in range(3):
            started = (await client.event("thread", reason="started"))["threadId"]
            if mode == "visit":
                assert (await names(client)).get(started, "visits") == "visits"
            exited = (await client.event("thread", reason="exited"))["threadId"]
            assert started == exited
            assert started not in known
        await pause(client)
        assert set(await names(client)) - set(known) <= {max(await names(client))}
        await leave(client, target)


async def test_a_thread_that_has_exited_is_gone_also_while_it_is_selected(client: DapClient) -> None:
    async with running("many", "come-and-go", "3", TRIGGER) as target:
        await attach(client, target, "many.c", "brief")
        target.trigger()
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        assert (await names(client))[thread] == "brief"
        await client.set_breakpoints(MANY)
        await client.request("continue", {"threadId": thread})
        assert (await client.event("thread", reason="exited"))["threadId"] == thread
        assert thread not in await names(client)
        stopped = await pause(client)
        with pytest.raises(DapError, match="thread"):
            await client.request("stackTrace", {"threadId": thread})
        with pytest.raises(DapError, match="thread"):
            await client.request("next", {"threadId": thread})
        assert (await place(client, stopped))[0]
        await client.request("continue", {"threadId": stopped})
        await leave(client, target)


async def test_a_name_that_changes_is_seen_at_the_next_stop(client: DapClient) -> None:
    async with running("many", "rename", "1", TRIGGER) as target:
        await attach(client, target, "many.c")
        assert "changes-0" in (await names(client)).values()
        target.trigger()
        async with asyncio.timeout(10):
            while "changed-1" not in {name_of(tid) for tid in target.states()}:
                await asyncio.sleep(0.01)
        await pause(client)
        found = set((await names(client)).values())
        assert "changed-1" in found
        assert "changes-0" not in found
        await leave(client, target)


def name_of(tid: int) -> str:
    with open(f"/proc/{tid}/comm") as comm:
        return comm.read().strip()


@asynccontextmanager
async def leaving_main() -> AsyncIterator[DockerTarget]:
    """Run a target whose main thread ends when it is told; Docker itself couldn't kill what is left then."""
    async with running("many", "main-leaves", "2", TRIGGER) as target:
        try:
            yield target
            await target.wait_until_alone()
            await target.assert_runs_on()
            assert target.tracer_pids() == set()
        finally:
            os.kill(target.pid, signal.SIGKILL)
            await target.wait_exit()


async def test_a_main_thread_that_ends_first_leaves_the_others_to_debug(client: DapClient) -> None:
    async with leaving_main() as target:
        await attach(client, target, "many.c", "heir")
        target.trigger()
        stopped = await client.event("stopped", reason="breakpoint")
        found = await names(client)
        assert found[stopped["threadId"]] == "heir"
        assert "many" not in found.values()
        assert (await place(client, stopped["threadId"]))[0] == "inherit"
        await client.request("next", {"threadId": stopped["threadId"]})
        await client.event("stopped")
        await client.disconnect()


async def test_a_process_whose_main_thread_has_ended_is_refused_with_the_reason(client: DapClient) -> None:
    async with leaving_main() as target:
        target.trigger()
        async with asyncio.timeout(10):
            while target.states()[target.pid] != "Z":
                await asyncio.sleep(0.01)
        await client.initialize()
        refused = await client.refused("attach", attach_arguments(target))
        assert "the main thread of process 1 has ended" in refused.text
        await client.disconnect()
