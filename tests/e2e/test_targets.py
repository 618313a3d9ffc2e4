"""Targets of every kind: the right process, readable stacks, and a sidecar with no more rights than it needs.

Each is stopped, stepped, paused and let go under exactly the privileges that are shipped, since a missing one shows at
the first stop of a program with threads, not at the attach.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from support import procfs
from support.dap_client import LIMIT_S, DapClient, JsonObject
from support.engine import bounding_set
from support.marks import mark
from support.serving import assert_whole, attach, client_path, serving
from support.targets import DockerTarget, Target, running, running_image, running_process

from dapbridge.runtimes.sidecar_image import image_tag

pytestmark = [pytest.mark.docker, pytest.mark.root]

KILL, SYS_PTRACE, DAC_OVERRIDE = 1 << 5, 1 << 19, 1 << 1


async def goes_through_everything(client: DapClient, program: str, mark_name: str) -> None:
    """Stop at a breakpoint that was set, step in each way, go on, pause."""
    stopped = await client.event("stopped", reason="breakpoint")
    thread = stopped["threadId"]
    first = (await stack(client, thread))[0]
    assert (first["source"]["path"], first["line"]) == (client_path(program), mark(program, mark_name))
    for step in ("next", "stepIn", "stepOut"):
        await client.request(step, {"threadId": thread})
        # Other threads come to the breakpoint, too.
        stopped = await client.event("stopped")
        assert stopped["reason"] in ("step", "breakpoint")
        thread = stopped["threadId"]
    await client.set_breakpoints(client_path(program))
    await client.request("continue", {"threadId": thread})
    await client.request("pause", {"threadId": thread})
    await client.event("stopped", reason="pause")


async def stack(client: DapClient, thread: int) -> list[JsonObject]:
    body = await client.request("stackTrace", {"threadId": thread, "startFrame": 0, "levels": 50})
    frames: list[JsonObject] = body["stackFrames"]
    return frames


async def continues(client: DapClient, target: Target) -> None:
    thread = (await client.request("threads"))["threads"][0]["id"]
    await client.request("continue", {"threadId": thread})
    await target.assert_runs_on()


class Rights:
    """What a sidecar's container asks for, and what its agent and its debugger then have."""

    def __init__(self, target: DockerTarget) -> None:
        (sidecar,) = target.sidecars()
        self.host_config: dict[str, Any] = sidecar.attrs["HostConfig"]
        # Docker itself takes labels from containers in the host's PID namespace ("label=disable").
        self.labels: list[str] = target.container.attrs["HostConfig"]["SecurityOpt"] or []
        self.user: str = sidecar.attrs["Config"]["User"]
        (tracer,) = target.tracer_pids()
        assert procfs.name(tracer) in ("gdb", "lldb-server")
        self.processes = [sidecar.attrs["State"]["Pid"], tracer]

    def assert_are(self, user: str, *capabilities: str) -> None:
        """Assert the user and the capabilities, and what is the same for all sidecars."""
        config = self.host_config
        assert self.user == user
        assert sorted(config["CapAdd"] or []) == sorted(capabilities or bounding_set())
        assert config["CapDrop"] == ["ALL"]
        assert not config["Privileged"]
        assert config["ReadonlyRootfs"]
        assert config["NetworkMode"] == "none"
        assert sorted(config["SecurityOpt"]) == sorted(["no-new-privileges", *self.labels])
        assert config["LogConfig"]["Type"] == "none"
        assert not config["Binds"]
        bits = {"KILL": KILL, "SYS_PTRACE": SYS_PTRACE, "DAC_OVERRIDE": DAC_OVERRIDE}
        mask = sum(bits[each] for each in capabilities)
        bounding = sum(bits[each] for each in capabilities or bounding_set())
        uid, gid = user.split(":")
        for pid in self.processes:
            status = status_of(pid)
            assert status["Uid"].split() == [uid] * 4, status
            assert status["Gid"].split() == [gid] * 4, status
            assert {int(status[each], 16) for each in ("CapEff", "CapPrm")} == {mask}, status
            assert int(status["CapBnd"], 16) == bounding, status
            assert int(status["NoNewPrivs"]) == 1
            assert int(status["Seccomp"]) == 2
            assert procfs.read(pid, "limits").split("Max core file size")[1].split()[:2] == ["0", "0"]


async def test_a_static_program_of_uid_1000_needs_no_capability(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work")
        Rights(target).assert_are("1000:1000")
        await goes_through_everything(client, "spin.c", "work")
        await continues(client, target)
        await client.disconnect()
        await assert_whole(target)


async def test_a_threaded_program_of_uid_1000_needs_no_capability(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        Rights(target).assert_are("1000:1000")
        await goes_through_everything(client, "threads.cpp", "worker")
        assert set(target.states().values()) == {"t"}
        await continues(client, target)
        await client.disconnect()
        await assert_whole(target)


async def test_stacks_through_a_libc_of_another_release(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "main")
        stopped = await client.event("stopped", reason="breakpoint")
        assert (await stack(client, stopped["threadId"]))[0]["name"] == "main"
        await client.set_breakpoints(client_path("threads.cpp"))
        await client.request("continue", {"threadId": stopped["threadId"]})
        await client.request("pause", {"threadId": stopped["threadId"]})
        await client.event("stopped", reason="pause")
        listed = (await client.request("threads"))["threads"]
        # "in-poll (8)": with the thread's number in the target.
        threads = {each["name"].partition(" ")[0]: each["id"] for each in listed}
        frames = {name: await stack(client, thread) for name, thread in threads.items()}
        await client.disconnect()
        await assert_whole(target)

    assert len(threads) == 16
    for thread, function in {
        "in-condition": "wait_on_condition",
        "in-poll": "wait_in_poll",
        "in-recv": "wait_in_recv",
        "in-sleep": "wait_in_sleep",
        "thrower": "throw_now_and_then",
        "threads": "main",
    }.items():
        names = [frame["name"] for frame in frames[thread]]
        assert any(function in name for name in names), names
        # The main thread may not have come to its sleep again.
        assert names[0].endswith("(libc.so.6)") or (thread, names[0]) == ("threads", "main"), names
        if thread != "threads":
            # Through libstdc++, to which an absolute symlink leads, to the thread's very beginning.
            assert names[-3].endswith("(libstdc++.so.6)"), names
            # The C library has two names for it; debuggers choose differently.
            assert names[-1] in ("clone (libc.so.6)", "__clone (libc.so.6)"), names


async def test_a_root_target_needs_sys_ptrace_alone(client: DapClient) -> None:
    async with running("threads", user="0:0") as target:
        await attach(client, target, "threads.cpp", "worker")
        Rights(target).assert_are("0:0", "SYS_PTRACE")
        await goes_through_everything(client, "threads.cpp", "worker")
        await client.disconnect()
        await assert_whole(target)


async def run_beside_as_root(target: DockerTarget) -> int:
    """Run the program once more in the container, as `docker exec -u 0` does; return its pid on this host."""
    command = procfs.command(target.pid)
    await asyncio.to_thread(target.container.exec_run, command, user="0:0", detach=True)
    async with asyncio.timeout(LIMIT_S):
        while not (others := [pid for pid in target.pids() if pid != target.pid and procfs.command(pid) == command]):
            await asyncio.sleep(0.01)
    (other,) = others
    assert status_of(other)["Uid"].split()[0] == "0"
    return other


async def test_users_that_differ_need_all_three_capabilities(client: DapClient) -> None:
    async with running("threads") as target:
        await run_beside_as_root(target)
        await attach(client, target, "threads.cpp", "worker")
        assert target.pid in traced(target)
        Rights(target).assert_are("0:0", "SYS_PTRACE", "DAC_OVERRIDE", "KILL")
        await goes_through_everything(client, "threads.cpp", "worker")
        await client.disconnect()
        await assert_whole(target)


async def test_a_root_process_beside_the_main_one_can_be_chosen(client: DapClient) -> None:
    async with running("threads") as target:
        other = await run_beside_as_root(target)
        await attach(client, target, "threads.cpp", "worker", process=inner_pid(other))
        assert traced(target) == {other}
        await goes_through_everything(client, "threads.cpp", "worker")
        # The main process is not touched.
        await target.assert_runs_on()
        await client.disconnect()
        await assert_whole(target)


async def test_a_process_that_is_not_dumpable_gets_the_wider_sidecar(client: DapClient) -> None:
    undumpable = (
        "import ctypes, threading, time\n"
        "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)\n"
        "threading.Thread(target=time.sleep, args=(3600,)).start()\n"
        "while True: print('tick ', flush=True); time.sleep(0.1)\n"
    )
    command = ("python3", "-c", undumpable)
    async with running_image(image_tag(), *command, user="1000:1000") as target:
        await client.attach({"target": target.name})
        Rights(target).assert_are("0:0", "SYS_PTRACE", "DAC_OVERRIDE", "KILL")
        await client.output("was built without debug information")
        for _ in range(2):
            await client.request("pause", {"threadId": 1})
            stopped = await client.event("stopped", reason="pause")
            assert await stack(client, stopped["threadId"])
            await client.request("continue", {"threadId": stopped["threadId"]})
        await client.disconnect()
        await assert_whole(target)


# Which process


@pytest.mark.parametrize(
    ("wanted", "role"),
    [(None, "parent"), ("pair child", "child"), ("^/pair parent$", "parent"), ("chi.d", "child")],
)
async def test_a_process_chosen_by_its_command_line(client: DapClient, wanted: str | None, role: str) -> None:
    async with running("pair") as target:
        await attach(client, target, "pair.c", role, **({"process": wanted} if wanted else {}))
        await client.event("stopped", reason="breakpoint")
        (pid,) = traced(target)
        assert procfs.command(pid) == ["/pair", role]
        other = "child" if role == "parent" else "parent"
        async with asyncio.timeout(LIMIT_S):
            await target.lines.wait_for(f"tick {other}", count=2)
        await client.disconnect()
        await assert_whole(target)


async def test_a_process_chosen_by_its_pid_in_the_target(client: DapClient) -> None:
    async with running("pair") as target:
        (child,) = (pid for pid in target.pids() if procfs.command(pid)[1] == "child")
        await attach(client, target, "pair.c", "beat", process=inner_pid(child))
        await goes_through_everything(client, "pair.c", "beat")
        assert traced(target) == {child}
        await client.disconnect()
        await assert_whole(target)


# Shared PID namespaces


async def test_the_main_process_in_the_hosts_pid_namespace(client: DapClient) -> None:
    async with running("threads", pid_mode="host") as decoy, running("threads", pid_mode="host") as target:
        await attach(client, target, "threads.cpp", "worker")
        assert traced(target) == {target.pid}
        assert traced(decoy) == set()
        Rights(target).assert_are("1000:1000")
        await goes_through_everything(client, "threads.cpp", "worker")
        await client.disconnect()
        await assert_whole(target)
        await assert_whole(decoy)


async def test_two_containers_in_one_pid_namespace_at_once() -> None:
    async with (
        running("spin") as first,
        running("spin", pid_mode=f"container:{first.id}") as second,
        serving() as first_client,
        serving() as second_client,
    ):
        await attach(second_client, second, "spin.c", "work")
        assert (traced(first), traced(second)) == (set(), {second.pid})
        await attach(first_client, first, "spin.c", "work")
        assert (traced(first), traced(second)) == ({first.pid}, {second.pid})
        await goes_through_everything(second_client, "spin.c", "work")
        await second_client.disconnect()
        await second.wait_until_alone()
        await second.assert_runs_on()
        await goes_through_everything(first_client, "spin.c", "work")
        await first_client.disconnect()
        await assert_whole(first)
        await assert_whole(second)


# Processes of this host


@pytest.fixture(params=[True, False], ids=["own-namespaces", "shared-namespaces"])
async def process(request: pytest.FixtureRequest, compiled: Callable[[str], Path]) -> AsyncIterator[Target]:
    async with running_process(compiled("threads.cpp"), own_namespaces=request.param, user=1000) as target:
        yield target


async def test_a_process_of_this_host(client: DapClient, process: Target) -> None:
    await attach(client, process, "threads.cpp", "worker")
    assert traced(process) == {process.pid}
    sidecar = sidecar_of(process, client)
    await goes_through_everything(client, "threads.cpp", "worker")
    await continues(client, process)
    await client.disconnect()
    await assert_whole(process)
    assert not sidecar & set(procfs.pids())


async def test_a_killed_bridge_lets_a_process_of_this_host_go(client: DapClient, process: Target) -> None:
    await attach(client, process, "threads.cpp", "worker")
    await client.event("stopped", reason="breakpoint")
    sidecar = sidecar_of(process, client)
    assert client.process
    client.process.kill()
    async with asyncio.timeout(LIMIT_S):
        for pid in sidecar:
            await procfs.wait_ended(pid)
    await assert_whole(process)


def traced(target: Target) -> set[int]:
    """Return the target's processes that somebody traces."""
    return {pid for pid in target.pids() if procfs.tracers(pid)}


def sidecar_of(target: Target, client: DapClient) -> set[int]:
    """Return the local processes between the bridge and a process of this host: agent and debugger."""
    assert client.process
    (pid,) = target.tracer_pids()
    found = set()
    while pid != client.process.pid:
        found.add(pid)
        pid = int(status_of(pid)["PPid"])
    assert {procfs.name(each) for each in found} == {"gdb", "python3"}
    return found


def inner_pid(pid: int) -> int:
    """Return a process's pid inside its own PID namespace."""
    return int(status_of(pid)["NSpid"].split()[-1])


def status_of(pid: int) -> dict[str, str]:
    return dict(line.split(":", 1) for line in procfs.read(pid, "status").splitlines())
