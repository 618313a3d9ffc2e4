"""gdb: forks of the target, by `followFork`; every process of it lives on, whoever of them is debugged."""

import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from support import procfs
from support.dap_client import LIMIT_S, DapClient
from support.looking import frames, place
from support.marks import mark
from support.serving import attach, client_path
from support.targets import DockerTarget, Target, running, running_process

from dapbridge.agent.remote import healing

pytestmark = [pytest.mark.docker, pytest.mark.root]

FORKS = client_path("forks.c")
TRIGGER = "/tmp/trigger"
WITH_CHILD = ["fork", "vfork", "spawn"]


async def child_of(target: DockerTarget) -> int:
    """Return the host pid of the target's child, once it is there."""
    async with asyncio.timeout(LIMIT_S):
        while not (children := procfs.children(target.pid)):
            await asyncio.sleep(0.01)
    return children[0]


async def ticks(target: Target, *who: str) -> None:
    async with asyncio.timeout(LIMIT_S):
        for each in who:
            await target.lines.wait_for(f"tick {each} ", count=2)


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await whole(target)


async def whole(target: DockerTarget) -> None:
    await target.wait_until_alone()
    await ticks(target, "parent", "child")
    assert not target.tracer_pids()
    assert set(target.states().values()) <= {"R", "S"}
    assert {pid: found for pid in target.pids() if (found := healing.find_breakpoints(pid))} == {}


async def go_on(client: DapClient, thread: int) -> None:
    await client.request("continue", {"threadId": thread})


async def thread_names(client: DapClient) -> list[str]:
    return sorted(each["name"] for each in (await client.request("threads"))["threads"])


# parent


@pytest.mark.parametrize("mode", WITH_CHILD)
async def test_by_default_a_child_runs_on_untouched(client: DapClient, mode: str) -> None:
    async with running("forks", mode, TRIGGER) as target:
        await attach(client, target, "forks.c", "child", "child-begins", "make-child")
        target.trigger()
        stopped = await client.event("stopped", reason="breakpoint")
        await go_on(client, stopped["threadId"])
        await ticks(target, "parent", "child")
        child = await child_of(target)
        assert healing.find_breakpoints(child) == {}
        assert healing.find_breakpoints(target.pid) != {}
        assert procfs.tracers(child) == set()
        assert client.received("stopped", "terminated") == ["stopped"]
        assert len(await thread_names(client)) == 1
        await leave(client, target)


async def test_children_that_end_at_once_leave_no_trace(client: DapClient) -> None:
    async with running("forks", "brief", TRIGGER) as target:
        await attach(client, target, "forks.c", "make-child")
        target.trigger()
        for _ in range(3):
            stopped = await client.event("stopped", reason="breakpoint")
            await client.request("next", {"threadId": stopped["threadId"]})
            stopped = await client.event("stopped", reason="step")
            await go_on(client, stopped["threadId"])
        assert client.received("exited", "terminated") == []
        await client.disconnect()
        await target.wait_until_alone()
        await ticks(target, "parent")
        assert healing.find_breakpoints(target.pid) == {}


@pytest.mark.parametrize("follow", ["parent", "child"])
async def test_a_watchpoint_kills_nobody_who_is_not_debugged(client: DapClient, follow: str) -> None:
    async with running("forks", "fork", TRIGGER) as target:
        await attach(client, target, "forks.c", "make-child", followFork=follow)
        target.trigger()
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        await client.request("evaluate", {"expression": "`watch counter", "context": "repl"})
        await go_on(client, thread)
        stopped = await client.event("stopped", reason="data breakpoint")
        who = "tick" if follow == "parent" else "child_goes_on"
        assert (await place(client, stopped["threadId"]))[0] == who
        # It stands; the other one counts on, untouched.
        await ticks(target, "child" if follow == "parent" else "parent")
        await leave(client, target)


@pytest.mark.parametrize("follow", ["parent", "both"])
@pytest.mark.parametrize("mode", ["spawners", "forkers"])
async def test_helpers_are_started_while_other_threads_meet_breakpoints(
    client: DapClient, mode: str, follow: str
) -> None:
    async with running("forks", mode, TRIGGER) as target:
        await attach(client, target, "forks.c", "worker", followFork=follow)
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        target.trigger()
        for round_ in range(40):
            await client.request("next" if round_ % 4 == 3 else "continue", {"threadId": thread})
            thread = (await client.event("stopped"))["threadId"]
        await client.set_breakpoints(FORKS)
        await client.request("continue", {"threadId": thread})
        await ticks(target, "parent")
        await client.disconnect()
        await target.wait_until_alone()
        await ticks(target, "parent")
        assert healing.find_breakpoints(target.pid) == {}


# child


@pytest.mark.parametrize("mode", WITH_CHILD)
async def test_the_debugger_can_go_with_the_child(client: DapClient, mode: str) -> None:
    async with running("forks", mode, TRIGGER) as target:
        await attach(client, target, "forks.c", "child-begins", followFork="child")
        assert (await client.event("process"))["systemProcessId"] == 1
        target.trigger()
        stopped = await client.event("stopped", reason="breakpoint")
        assert await place(client, stopped["threadId"]) == ("child_goes_on", mark("forks.c", "child-begins"))
        await ticks(target, "parent")
        child = await child_of(target)
        assert procfs.tracers(child)
        assert not procfs.tracers(target.pid)
        assert healing.find_breakpoints(target.pid) == {}
        assert (await client.event("process"))["systemProcessId"] != 1
        assert len(await thread_names(client)) == 1
        (placed,) = await client.set_breakpoints(FORKS, mark("forks.c", "child"))
        assert placed["verified"]
        await go_on(client, stopped["threadId"])
        stopped = await client.event("stopped", reason="breakpoint")
        assert (await place(client, stopped["threadId"]))[1] == mark("forks.c", "child")
        await client.request("stepIn", {"threadId": stopped["threadId"]})
        await client.event("stopped", reason="step")
        assert (await frames(client, stopped["threadId"]))[0]["name"] == "tick"
        await leave(client, target)


async def test_the_childs_end_ends_a_session_that_went_with_it(client: DapClient) -> None:
    async with running("forks", "exits", TRIGGER) as target:
        await attach(client, target, "forks.c", followFork="child")
        target.trigger()
        assert (await client.event("exited"))["exitCode"] == 3
        await client.event("terminated")
        await client.disconnect()
        await target.wait_until_alone()
        await ticks(target, "parent")
        assert not procfs.tracers(target.pid)


async def test_a_child_is_let_go_when_the_bridge_is_killed(client: DapClient) -> None:
    async with running("forks", "fork", TRIGGER) as target:
        await attach(client, target, "forks.c", "child", followFork="child")
        target.trigger()
        await client.event("stopped", reason="breakpoint")
        assert client.process
        client.process.kill()
        await client.process.wait()
        await whole(target)


# both


@pytest.mark.parametrize("mode", ["vfork", "spawn"])
async def test_a_vforks_child_runs_on_untouched_also_where_both_are_debugged(client: DapClient, mode: str) -> None:
    async with running("forks", mode, TRIGGER) as target:
        await attach(client, target, "forks.c", "child", "child-begins", followFork="both")
        target.trigger()
        await client.output("runs on by itself, like every child of a vfork or posix_spawn")
        await ticks(target, "parent", "child")
        child = await child_of(target)
        assert healing.find_breakpoints(child) == {}
        assert procfs.tracers(child) == set()
        assert client.received("stopped", "terminated") == []
        await leave(client, target)


async def test_both_processes_are_debugged(client: DapClient) -> None:
    async with running("forks", "fork", TRIGGER) as target:
        await attach(client, target, "forks.c", "child-begins", followFork="both")
        target.trigger()
        stopped = await client.event("stopped", reason="breakpoint")
        child = stopped["threadId"]
        assert await place(client, child) == ("child_goes_on", mark("forks.c", "child-begins"))
        names = await thread_names(client)
        assert len(names) == 2
        assert all(name.startswith("process ") for name in names)
        parent = next(each["id"] for each in (await client.request("threads"))["threads"] if each["id"] != child)
        assert "main" in [frame["name"] for frame in await frames(client, parent)]
        await client.set_breakpoints(FORKS, mark("forks.c", "child"), mark("forks.c", "parent"))
        hit = set()
        for _ in range(8):
            await go_on(client, stopped["threadId"])
            stopped = await client.event("stopped", reason="breakpoint")
            hit.add((stopped["threadId"], (await place(client, stopped["threadId"]))[1]))
        assert hit == {(child, mark("forks.c", "child")), (parent, mark("forks.c", "parent"))}
        await leave(client, target)


async def test_one_process_end_is_not_the_sessions_where_both_are_debugged(client: DapClient) -> None:
    async with running("forks", "exits", TRIGGER) as target:
        await attach(client, target, "forks.c", followFork="both")
        target.trigger()
        await client.output("has ended with exit code 3")
        await ticks(target, "parent")
        assert client.received("exited", "terminated", "stopped") == []
        (placed,) = await client.set_breakpoints(FORKS, mark("forks.c", "parent"))
        assert placed["verified"]
        stopped = await client.event("stopped", reason="breakpoint")
        assert (await place(client, stopped["threadId"]))[0] == "main"
        assert len(await thread_names(client)) == 1
        await client.disconnect()
        await target.wait_until_alone()
        await ticks(target, "parent")


async def test_children_by_the_dozen_come_and_go_where_both_are_debugged(client: DapClient) -> None:
    async with running("forks", "brief", TRIGGER) as target:
        await attach(client, target, "forks.c", followFork="both")
        target.trigger()
        for _ in range(12):
            await client.output("has ended with exit code 0")
        await ticks(target, "parent")
        assert client.received("exited", "terminated", "stopped") == []
        await client.request("pause", {"threadId": 1})
        await client.event("stopped", reason="pause")
        await client.disconnect()
        await target.wait_until_alone()
        await ticks(target, "parent")
        assert healing.find_breakpoints(target.pid) == {}


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
@pytest.mark.parametrize("end", ["disconnect", "bridge", "gdb", "sidecar"])
async def test_every_process_is_let_go_at_whatever_end(client: DapClient, end: str, stopped: bool) -> None:
    async with running("forks", "fork", TRIGGER) as target:
        await attach(client, target, "forks.c", "child-begins", "make-child", followFork="both")
        target.trigger()
        await go_on(client, (await client.event("stopped", reason="breakpoint"))["threadId"])
        here = (await client.event("stopped", reason="breakpoint"))["threadId"]
        if not stopped:
            await go_on(client, here)
            await ticks(target, "parent", "child")
        assert len(target.tracer_pids()) == 1
        await END[end](client, target)
        if end in ("gdb", "sidecar"):
            await client.event("terminated")
            await client.disconnect()
        await whole(target)


# A process of the host, by the host's own gdb


@pytest.mark.parametrize("follow", ["parent", "child", "both"])
async def test_the_hosts_own_gdb_follows_forks_too(
    client: DapClient, compiled: Callable[[str], Path], tmp_path: Path, follow: str
) -> None:
    trigger = tmp_path / "trigger"
    async with running_process(compiled("forks.c"), "fork", str(trigger)) as target:
        await attach(client, target, "forks.c", "parent" if follow == "parent" else "child", followFork=follow)
        trigger.touch()
        for _ in range(3):
            await go_on(client, (await client.event("stopped", reason="breakpoint"))["threadId"])
        await client.disconnect()
        await ticks(target, "parent", "child")
        for pid in (target.pid, *procfs.children(target.pid)):
            assert procfs.tracers(pid) == set()
            assert healing.find_breakpoints(pid) == {}


async def disconnect(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()


async def kill_bridge(client: DapClient, target: DockerTarget) -> None:
    assert client.process
    client.process.kill()
    await client.process.wait()


async def kill_gdb(client: DapClient, target: DockerTarget) -> None:
    (gdb,) = target.tracer_pids()
    os.kill(gdb, signal.SIGKILL)


async def kill_sidecar(client: DapClient, target: DockerTarget) -> None:
    (sidecar,) = target.sidecars()
    await asyncio.to_thread(sidecar.kill)


END = {"disconnect": disconnect, "bridge": kill_bridge, "gdb": kill_gdb, "sidecar": kill_sidecar}
