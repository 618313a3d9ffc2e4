"""gdb: the target becomes another program by an exec; and what is told of its end."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from support.dap_client import LIMIT_S, DapClient
from support.looking import frames, place
from support.marks import mark
from support.serving import assert_whole, attach, client_path
from support.targets import DockerTarget, running, running_process

pytestmark = [pytest.mark.docker, pytest.mark.root]

OTHER = client_path("other.c")
TRIGGER = "/tmp/trigger"


async def becomes_other(target: DockerTarget) -> None:
    target.trigger()
    async with asyncio.timeout(LIMIT_S):
        await target.lines.wait_for("tick other ", count=2)


async def told_of_library(client: DapClient, reason: str) -> None:
    while not (await client.event("module", reason=reason))["module"]["id"].endswith("/libdl.so.2"):
        pass


def remove(target: DockerTarget, path: str) -> None:
    Path(f"/proc/{target.pid}/root{path}").unlink()


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await assert_whole(target)


async def test_breakpoints_symbols_and_libraries_follow_into_the_new_program(client: DapClient) -> None:
    async with running("forks", "exec", TRIGGER) as target:
        await attach(client, target, "forks.c", "child")
        assert (await client.event("process"))["name"] == "/forks"
        (pending, inner) = await client.set_breakpoints(OTHER, mark("other.c", "begin"), mark("other.c", "weigh"))
        assert not pending["verified"]
        target.trigger()
        # Its very first line: nothing of the new program has run before the breakpoints were there.
        stopped = await client.event("stopped", reason="breakpoint")
        assert stopped["hitBreakpointIds"] == [pending["id"]]
        assert await place(client, stopped["threadId"]) == ("main", mark("other.c", "begin"))
        assert (await client.event("process"))["name"] == "/other"
        await client.output("process 1 has become another program: /other")
        changed = [(await client.event("breakpoint"))["breakpoint"] for _ in range(2)]
        assert {each["id"] for each in changed if each["verified"]} == {pending["id"], inner["id"]}
        await client.request("continue", {"threadId": stopped["threadId"]})
        stopped = await client.event("stopped", reason="breakpoint")
        (top, *_) = await frames(client, stopped["threadId"])
        assert top["name"] == "weigh"
        evaluated = await client.request("evaluate", {"expression": "rounds", "frameId": top["id"]})
        assert evaluated["result"] == "1"
        wanted = {"breakpoints": [{"name": "cbrt"}]}
        (cube_root,) = (await client.request("setFunctionBreakpoints", wanted))["breakpoints"]
        assert cube_root["verified"]
        await client.request("continue", {"threadId": stopped["threadId"]})
        stopped = await client.event("stopped", reason="function breakpoint")
        (top, *_) = await frames(client, stopped["threadId"])
        assert top["moduleId"].endswith("/libm.so.6")
        await leave(client, target)


async def test_an_exec_without_breakpoints_stops_nothing(client: DapClient) -> None:
    async with running("forks", "exec", TRIGGER) as target:
        await attach(client, target, "forks.c")
        await becomes_other(target)
        assert client.received("stopped") == []
        (placed,) = await client.set_breakpoints(OTHER, mark("other.c", "other"))
        assert placed["verified"]
        stopped = await client.event("stopped", reason="breakpoint")
        assert (await place(client, stopped["threadId"]))[0] == "main"
        await leave(client, target)


async def test_a_program_at_a_path_that_the_sidecar_has_too_is_the_targets_own(client: DapClient) -> None:
    async with running("forks", "exec", TRIGGER, "/usr/bin/env") as target:
        await attach(client, target, "forks.c", "parent")
        stopped = await client.event("stopped", reason="breakpoint")
        (pending,) = await client.set_breakpoints(OTHER, mark("other.c", "begin"))
        assert not pending["verified"]
        target.trigger()
        await client.request("continue", {"threadId": stopped["threadId"]})
        stopped = await client.event("stopped", reason="breakpoint")
        while (await place(client, stopped["threadId"]))[0] != "main":
            await client.request("continue", {"threadId": stopped["threadId"]})
            stopped = await client.event("stopped", reason="breakpoint")
        await leave(client, target)


async def test_libraries_come_and_go_in_the_new_program(client: DapClient) -> None:
    async with running("forks", "exec", TRIGGER) as target:
        await attach(client, target, "forks.c")
        await becomes_other(target)
        target.trigger("/tmp/late")
        await told_of_library(client, "new")
        remove(target, "/tmp/late")
        await told_of_library(client, "removed")
        await leave(client, target)


async def test_the_hosts_own_gdb_follows_an_exec_too(
    client: DapClient, compiled: Callable[[str], Path], tmp_path: Path
) -> None:
    trigger = tmp_path / "trigger"
    program = (compiled("forks.c"), "exec", str(trigger), str(compiled("other.c")))
    async with running_process(*program) as target:
        await attach(client, target, "forks.c", "parent")
        stopped = await client.event("stopped", reason="breakpoint")
        await client.set_breakpoints(OTHER, mark("other.c", "begin"))
        await client.set_breakpoints(client_path("forks.c"))
        trigger.touch()
        await client.request("continue", {"threadId": stopped["threadId"]})
        stopped = await client.event("stopped", reason="breakpoint")
        assert await place(client, stopped["threadId"]) == ("main", mark("other.c", "begin"))
        await client.request("next", {"threadId": stopped["threadId"]})
        await client.event("stopped", reason="step")
        assert client.received("exited", "terminated") == []
        await client.disconnect()
        await assert_whole(target)


async def test_the_exit_code_of_a_target_that_a_signal_ends(client: DapClient) -> None:
    async with running("forks", "die", TRIGGER, init=True) as target:
        await attach(client, target, "forks.c", process="^/forks die")
        target.trigger()
        assert (await client.event("exited"))["exitCode"] == 128 + 15
        await client.event("terminated")
        await client.disconnect()
        assert await target.wait_exit() == 128 + 15
