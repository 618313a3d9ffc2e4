"""Go programs as they are built in the field: stripped, with trimmed paths, with C, as PIE, optimised, by newer Go."""

import pytest
from support.dap_client import DapClient, JsonObject
from support.go_server import assert_serves, get
from support.marks import mark
from support.serving import assert_whole, client_path
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def stop_at(client: DapClient, target: DockerTarget, path: str, line: int, **arguments: object) -> JsonObject:
    """Attach with one breakpoint; return the top frame where it stops there."""
    await client.attach({"target": target.name, **arguments}, {path: [line]})
    assert (await client.event("breakpoint"))["breakpoint"]["verified"]
    stopped = await client.event("stopped", reason="breakpoint")
    stack = await client.request("stackTrace", {"threadId": stopped["threadId"]})
    frame: JsonObject = stack["stackFrames"][0]
    assert (frame["source"]["path"], frame["line"]) == (path, line)
    return frame


async def locals_of(client: DapClient, frame: JsonObject) -> dict[str, str]:
    (scope, *_) = (await client.request("scopes", {"frameId": frame["id"]}))["scopes"]
    reference = {"variablesReference": scope["variablesReference"]}
    return {each["name"]: each["value"] for each in (await client.request("variables", reference))["variables"]}


RULES = [{"from": "/home/me/project", "to": "example.com/app"}]


@pytest.mark.parametrize("rules", [RULES, "auto"])
async def test_a_program_with_trimmed_paths(client: DapClient, rules: object) -> None:
    async with running("go_trimmed") as target:
        path, line = client_path("gophers.go"), mark("gophers.go", "work")
        frame = await stop_at(client, target, path, line, substitutePath=rules)
        assert {"gopher", "board", "share", "total"} <= set(await locals_of(client, frame))
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.parametrize(
    ("fixture", "source", "place"), [("go_cgo", "calls_c.go", "grow"), ("go_pie", "gophers.go", "work")]
)
async def test_a_program_with_c_and_one_that_is_loaded_anywhere(
    client: DapClient, fixture: str, source: str, place: str
) -> None:
    async with running(fixture) as target:
        frame = await stop_at(client, target, client_path(source), mark(source, place))
        assert frame["name"] == f"main.{place}"
        assert set(await locals_of(client, frame)) & {"grown", "gopher"}
        await client.disconnect()
        await assert_whole(target)


async def test_a_stripped_program_has_functions_and_lines(client: DapClient) -> None:
    async with running("go_stripped") as target:
        await client.initialize()
        seq = client.send("attach", {"target": target.name})
        await client.event("initialized")
        assert "linked without debug information (-ldflags=-s or -w)" in (await client.output("-ldflags"))["output"]
        await client.set_breakpoints(client_path("server.go"), 1)
        await client.request("setFunctionBreakpoints", {"breakpoints": [{"name": "main.handler"}]})
        await client.request("configurationDone")
        await client.response(seq)
        async with get(target, "/bare") as answer:
            stopped = await client.event("stopped", reason="function breakpoint")
            stack = await client.request("stackTrace", {"threadId": stopped["threadId"]})
            frame = stack["stackFrames"][0]
            assert frame["name"] == "main.handler"
            assert frame["source"]["path"] == client_path("server.go")
            await client.request("continue", {"threadId": stopped["threadId"]})
            assert await answer() == "Hello, /bare (5)!\n"
        await client.disconnect()
        await assert_whole(target)


async def test_an_optimised_program_comes_with_a_note(client: DapClient) -> None:
    async with running("go_optimized") as target:
        frame = await stop_at(client, target, client_path("server.go"), mark("server.go", "tick"))
        await locals_of(client, frame)
        await client.output("compiled with optimisation: variables may be missing")
        await client.disconnect()
        await assert_whole(target)


async def test_a_program_of_a_newer_go_than_delve_knows(client: DapClient) -> None:
    async with running("go_newer") as target:
        await stop_at(client, target, client_path("server.go"), mark("server.go", "tick"))
        await client.disconnect()
        await assert_whole(target)
        await assert_serves(target)
