"""What can't be done is refused in the user's words, with the values, before anything is touched; nothing is left."""

import asyncio
from typing import Any

import pytest
from support import procfs
from support.dap_client import DapClient, DapError
from support.serving import assert_whole, attach, attach_arguments, serving
from support.targets import running
from support.tracer import tracer_of

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def refusal(client: DapClient, arguments: dict[str, Any]) -> str:
    """Attach, which must fail before the client is asked for its configuration; return what the user reads."""
    if not client.capabilities:
        await client.initialize()
    error = await client.refused("attach", arguments)
    assert error.shown, error
    assert "initialized" not in client.received(), "the attach went on to the configuration"
    return error.text


def steps(client: DapClient) -> list[str]:
    """Return the steps of the preparation that the client was shown."""
    events = [each for each in client.transcript if each.get("event") in ("progressStart", "progressUpdate")]
    return [each["body"]["message"] for each in events]


async def test_no_such_container(client: DapClient) -> None:
    async with running("spin") as target:
        text = await refusal(client, {"target": target.name[:-1]})
        assert text.startswith(f"no container named '{target.name[:-1]}' (docker context 'default'")
        assert "similar names" in text
        assert target.name in text
        assert steps(client) == []


async def test_a_container_that_does_not_run(client: DapClient) -> None:
    async with running("exit", "3", "/tmp/trigger") as target:
        target.trigger()
        await target.wait_exit()
        text = await refusal(client, {"target": target.name})
        expected = f"container '{target.name}' is not running: exited with exit code 3; start it first: docker start"
        assert text == f"{expected} {target.name}"
        assert steps(client) == []


async def test_a_paused_container_is_left_alone_and_can_be_attached_to_later(client: DapClient) -> None:
    async with running("threads") as target:
        await asyncio.to_thread(target.container.pause)
        text = await refusal(client, {"target": target.name})
        assert text == f"container '{target.name}' is paused; unpause it first: docker unpause {target.name}"
        assert steps(client) == []
        assert target.sidecars() == []
        await asyncio.to_thread(target.container.unpause)
        await assert_whole(target)
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        await client.disconnect()
        await assert_whole(target)


async def test_no_engine() -> None:
    async with serving(env={"DOCKER_HOST": "unix:///nonexistent/docker.sock"}) as client:
        text = await refusal(client, {"target": "api"})
        assert text.startswith("no Docker engine answers (DOCKER_HOST, unix:///nonexistent/docker.sock): No such file")


async def test_a_target_that_another_session_debugs(client: DapClient, engine: str) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        (sidecar,) = target.sidecars()
        async with serving() as second:
            text = await refusal(second, {"target": target.name})
        tracer = {"gdb": "gdb", "lldb": "lldb-server"}[engine]
        assert text.startswith(f"process 1 (threads) is already traced by {tracer} (pid ")
        assert [each.id for each in target.sidecars()] == [sidecar.id]
        # The first session has not noticed.
        thread = (await client.request("threads"))["threads"][0]["id"]
        await client.request("continue", {"threadId": thread})
        await client.event("stopped", reason="breakpoint")
        await client.disconnect()
        await assert_whole(target)


async def test_a_target_that_is_traced_from_outside_of_its_namespace(client: DapClient) -> None:
    """Its own /proc names no such tracer: only ptrace itself finds out."""
    async with running("spin") as target, tracer_of(target.pid) as tracer:
        with pytest.raises(DapError) as caught:
            await attach(client, target, "spin.c", "work")
        assert caught.value.shown
        assert "a debugger outside its PID namespace may hold the process" in caught.value.text
        assert target.tracer_pids() == {tracer.pid}
        await client.disconnect()
        await target.wait_until_alone()
        await target.assert_runs_on()


@pytest.mark.parametrize(
    ("process", "expected"),
    [
        (4711, "no process 4711 in the target; there are 1 (/pair parent), "),
        ("nginx", "no process like 'nginx' in the target; there are 1 (/pair parent), "),
        ("pair", "several processes are like 'pair'; set 'process' to one pid of 1 (/pair parent), "),
    ],
)
async def test_a_process_that_is_not_just_one(client: DapClient, process: int | str, expected: str) -> None:
    async with running("pair") as target:
        text = await refusal(client, {"target": target.name, "process": process})
        assert text.startswith(expected)
        assert text.endswith(" (/pair child)")
        await assert_whole(target)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"process": "("}, '"process": "(" is no regular expression: missing ), unterminated subpattern'),
        ({"process": 0}, '"process": expected a pid inside the target, or a name or regular expression'),
        ({"engine": "windbg"}, '"engine": expected "auto", "gdb", "lldb" or "delve", got "windbg"'),
        ({"target": "vm://api"}, "'vm://api' is no target: there is no scheme 'vm'; write NAME, docker://NAME"),
        ({"target": "podman://api"}, "podman:// targets are not supported yet; supported are docker://, pid://"),
        ({"target": None}, '"target" is missing: name the container, e.g. "target": "api"'),
    ],
)
async def test_a_configuration_that_makes_no_sense(client: DapClient, arguments: dict[str, Any], expected: str) -> None:
    text = await refusal(client, {"target": "api", **arguments})
    assert text.startswith(expected)
    assert not [step for step in steps(client) if "sidecar" in step]


@pytest.mark.parametrize(
    ("sidecar", "expected"),
    [
        ({"image": "no/such:image", "pull": "never"}, "the sidecar image 'no/such:image' is missing (docker context"),
        ({"image": "registry.invalid/no/such:image"}, "the sidecar image 'registry.invalid/no/such:image' can't be "),
    ],
)
async def test_a_sidecar_image_that_is_not_there(client: DapClient, sidecar: dict[str, str], expected: str) -> None:
    async with running("spin") as target:
        text = await refusal(client, {"target": target.name, "sidecar": sidecar})
        assert text.startswith(expected)
        await assert_whole(target)


async def test_a_sidecar_image_without_python(client: DapClient) -> None:
    async with running("spin") as target:
        image = target.container.attrs["Image"]
        text = await refusal(client, {"target": target.name, "sidecar": {"image": image}})
        assert text.startswith(f"the sidecar for container '{target.name}' does not start from image '{image}': ")
        assert "python3" in text
        await assert_whole(target)


async def test_a_sidecar_user_without_the_rights(client: DapClient) -> None:
    async with running("threads") as target:
        text = await refusal(client, {"target": target.name, "sidecar": {"user": "2000:2000"}})
        assert text == "process 1 of uid 1000 can't be traced by uid 2000: the capability SYS_PTRACE is missing"
        await assert_whole(target)


async def test_launch(client: DapClient) -> None:
    await client.initialize()
    error = await client.refused("launch", {"program": "/spin"})
    assert error.shown
    assert error.text.startswith("dapbridge attaches to what already runs and starts no program yet: ")
    assert '"request": "attach"' in error.text


async def test_a_second_attach_in_one_session(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work")
        await client.event("stopped", reason="breakpoint")
        error = await client.refused("attach", attach_arguments(target))
        assert error.text == "'attach' was sent already: a session has one"
        assert len(target.sidecars()) == 1
        thread = (await client.request("threads"))["threads"][0]["id"]
        await client.request("continue", {"threadId": thread})
        await client.event("stopped", reason="breakpoint")
        await client.disconnect()
        await assert_whole(target)


async def test_an_attach_after_a_refused_one(client: DapClient) -> None:
    async with running("pair") as target:
        await refusal(client, {"target": target.name, "process": "pair"})
        await assert_whole(target)
        await attach(client, target, "pair.c", "child", process="child")
        await client.event("stopped", reason="breakpoint")
        await client.disconnect()
        await assert_whole(target)


async def test_no_such_process_on_this_host(client: DapClient) -> None:
    # Above the highest pid that Linux gives (proc(5), "pid_max").
    assert await refusal(client, {"target": "pid://4194999"}) == "there is no process 4194999 on this host"


async def test_a_traced_process_of_this_host(client: DapClient) -> None:
    async with running("spin") as target, tracer_of(target.pid) as tracer:
        text = await refusal(client, {"target": f"pid://{target.pid}"})
        name = procfs.name(tracer.pid)
        expected = (
            f"process {target.pid} (spin) is already traced by {name} (pid {tracer.pid}): detach that debugger first"
        )
        assert text == expected
        await target.assert_runs_on()
