"""What delve can do works through the relay: goroutines, all kinds of breakpoints, values, calls, panics, assembly."""

import pytest
from support.dap_client import DapClient, JsonObject
from support.marks import mark
from support.serving import assert_whole, attach, client_path
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]

SOURCE = "gophers.go"


async def go_on(client: DapClient, reason: str = "breakpoint") -> JsonObject:
    """Continue to the next stop."""
    await client.request("continue", {"threadId": 1})
    return await client.event("stopped", reason=reason)


async def top_frame(client: DapClient, thread: int) -> JsonObject:
    stack = await client.request("stackTrace", {"threadId": thread, "startFrame": 0, "levels": 1})
    frame: JsonObject = stack["stackFrames"][0]
    return frame


async def evaluate(client: DapClient, frame: JsonObject, expression: str) -> str:
    body = await client.request("evaluate", {"expression": expression, "context": "repl", "frameId": frame["id"]})
    return str(body["result"])


async def test_goroutines_with_their_labels_and_values(client: DapClient) -> None:
    async with running("go_gophers") as target:
        await attach(client, target, SOURCE, "work", showPprofLabels=["gopher"], hideSystemGoroutines=True)
        assert client.capabilities
        stopped = await client.event("stopped", reason="breakpoint")
        thread = stopped["threadId"]
        names = {each["id"]: each["name"] for each in (await client.request("threads"))["threads"]}
        assert names[thread].startswith("* [Go ")
        assert {label for label in ("Ada", "Bob", "Eve") if any(label in name for name in names.values())} == {
            *("Ada", "Bob", "Eve")
        }
        frame = await top_frame(client, thread)
        (scope, *_) = (await client.request("scopes", {"frameId": frame["id"]}))["scopes"]
        reference = scope["variablesReference"]
        variables = (await client.request("variables", {"variablesReference": reference}))["variables"]
        by_name = {each["name"]: each for each in variables}
        assert by_name["gopher"]["type"] == "*main.Gopher"
        (pointed,) = await children(client, by_name["gopher"])
        fields = {each["name"]: each["value"] for each in await children(client, pointed)}
        assert fields["Name"] in ('"Ada"', '"Bob"', '"Eve"')

        changed = await client.request(
            "setVariable", {"variablesReference": reference, "name": "share", "value": "4242"}
        )
        assert changed["value"] == "4242"
        assert await evaluate(client, frame, "share + 1") == "4243"
        refused = await client.refused("evaluate", {"expression": "nothing", "frameId": frame["id"]})
        assert "could not find symbol value for nothing" in refused.text

        memory = frame["instructionPointerReference"]
        code = await client.request("disassemble", {"memoryReference": memory, "instructionCount": 5})
        assert code["instructions"][0]["address"] == memory
        assert code["instructions"][0]["location"]["path"] == client_path(SOURCE)

        await client.set_breakpoints(client_path(SOURCE))
        await client.request("next", {"threadId": thread})
        await client.event("stopped", reason="step")
        assert (await top_frame(client, thread))["line"] == mark(SOURCE, "work") + 1
        await client.request("continue", {"threadId": thread})
        await client.request("pause", {"threadId": thread})
        await client.event("stopped", reason="pause")
        await client.disconnect()
        await assert_whole(target)


async def children(client: DapClient, variable: JsonObject) -> list[JsonObject]:
    body = await client.request("variables", {"variablesReference": variable["variablesReference"]})
    found: list[JsonObject] = body["variables"]
    return found


async def test_breakpoints_with_conditions_counts_and_messages(client: DapClient) -> None:
    async with running("go_gophers") as target:
        path = client_path(SOURCE)
        await attach(client, target, SOURCE)
        assert (
            await client.set_breakpoints(path, {"line": mark(SOURCE, "work"), "condition": 'gopher.Name == "Bob"'})
        )[0]["verified"]
        frame = await top_frame(client, (await client.event("stopped", reason="breakpoint"))["threadId"])
        assert await evaluate(client, frame, "gopher.Name") == '"Bob"'

        (counted,) = await client.set_breakpoints(path, {"line": mark(SOURCE, "main"), "hitCondition": "% 3"})
        first = await number_at(client, (await go_on(client))["threadId"])
        second = await number_at(client, (await go_on(client))["threadId"])
        assert second - first == 3, counted

        (logged,) = await client.set_breakpoints(
            path, {"line": mark(SOURCE, "main"), "logMessage": "number {number} of {limit}"}
        )
        assert logged["verified"]
        await client.request("continue", {"threadId": 1})
        line = await client.output("number ")
        assert " of 1000" in line["output"]
        assert line["source"]["path"] == path

        await client.set_breakpoints(path)
        (named,) = (await client.request("setFunctionBreakpoints", {"breakpoints": [{"name": "main.double"}]}))[
            "breakpoints"
        ]
        assert (named["verified"], named["source"]["path"]) == (True, path)
        stopped = await client.event("stopped", reason="function breakpoint")
        assert stopped["hitBreakpointIds"] == [named["id"]]
        await client.request("setFunctionBreakpoints", {"breakpoints": []})
        pointer = (await top_frame(client, stopped["threadId"]))["instructionPointerReference"]
        wish = {"breakpoints": [{"instructionReference": pointer}]}
        (placed,) = (await client.request("setInstructionBreakpoints", wish))["breakpoints"]
        assert placed["verified"]
        assert (await go_on(client, "instruction breakpoint"))["hitBreakpointIds"] == [placed["id"]]
        await client.disconnect()
        await assert_whole(target)


async def number_at(client: DapClient, thread: int) -> int:
    return int(await evaluate(client, await top_frame(client, thread), "number"))


async def test_calls_into_the_target_unless_it_is_read_only(client: DapClient) -> None:
    async with running("go_gophers") as target:
        await attach(client, target, SOURCE, "main", stopOnEntry=True)
        await client.event("stopped", reason="entry")
        frame = await top_frame(client, (await go_on(client))["threadId"])
        assert await evaluate(client, frame, "call double(21)") == "42"
        await client.disconnect()
        await assert_whole(target)


async def test_a_session_that_is_read_only(client: DapClient) -> None:
    async with running("go_gophers") as target:
        await attach(client, target, SOURCE, "main", readOnly=True, maxPause=1)
        frame = await top_frame(client, (await client.event("stopped", reason="breakpoint"))["threadId"])
        for expression in ("call double(21)", " call number = 1"):
            refused = await client.refused("evaluate", {"expression": expression, "frameId": frame["id"]})
            assert "read-only" in refused.text
        refused = await client.refused("setVariable", {"variablesReference": 1, "name": "number", "value": "1"})
        assert "read-only" in refused.text
        assert int(await evaluate(client, frame, "number")) > 0
        await client.output("maxPause: the target stood for 1 s and goes on now")
        await client.event("continued")
        await client.disconnect()
        await assert_whole(target)


async def test_a_panic_is_an_exception(client: DapClient) -> None:
    async with running("go_gophers") as target:
        await attach(client, target, SOURCE)
        target.trigger()
        stopped = await client.event("stopped", reason="exception")
        assert (stopped["description"], stopped["text"]) == ("panic", '"board of 1000"')
        assert not stopped["hitBreakpointIds"]
        info = await client.request("exceptionInfo", {"threadId": stopped["threadId"]})
        assert info["exceptionId"] == "panic"
        assert info["breakMode"] == "unhandled"
        assert "main.explode" in info["details"]["stackTrace"]
        await ends_with_code(client, target, 2)


async def ends_with_code(client: DapClient, target: DockerTarget, code: int) -> None:
    await client.request("continue", {"threadId": 1})
    assert (await client.event("exited"))["exitCode"] == code
    await client.event("terminated")
    assert await target.wait_exit() == code
    await client.disconnect()
