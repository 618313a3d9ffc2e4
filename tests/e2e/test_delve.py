"""A Go program in an empty image, debugged by delve through the relay, the way that the Go world's tutorials take."""

import pytest
from support.dap_client import DapClient
from support.go_server import get
from support.marks import PROGRAMS, mark
from support.serving import assert_whole, client_path
from support.targets import running

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def test_a_request_stops_in_the_handler_of_a_server_in_a_scratch_container(client: DapClient) -> None:
    async with running("go_server") as target:
        await client.initialize()
        seq = client.send("attach", {"target": target.name, "substitutePath": "auto"})
        await client.event("initialized")
        path = client_path("server.go")
        (by_line,) = await client.set_breakpoints(path, mark("server.go", "handler"))
        named = await client.request("setFunctionBreakpoints", {"breakpoints": [{"name": "main.handler"}]})
        (by_name,) = named["breakpoints"]
        assert not by_line["verified"]
        assert not by_name["verified"]
        assert target.tracer_pids() == set()
        await client.request("configurationDone")
        await client.response(seq)
        places = [(await client.event("breakpoint"))["breakpoint"] for _ in range(2)]
        assert {each["id"]: each["verified"] for each in places} == {by_line["id"]: True, by_name["id"]: True}
        assert {each["source"]["path"] for each in places} == {path}
        assert "stood still for" in (await client.output("read its symbols"))["output"]

        async with get(target, "/gopher") as answer:
            stopped = await client.event("stopped", reason="function breakpoint")
            assert stopped["hitBreakpointIds"] == [by_name["id"]]
            thread = stopped["threadId"]
            frames = (await client.request("stackTrace", {"threadId": thread, "levels": 20}))["stackFrames"]
            assert frames[0]["name"] == "main.handler"
            assert "http.(*conn).serve" in [frame["name"] for frame in frames]
            shown = (frames[0]["source"]["path"], frames[0]["line"])
            assert shown[0] == path
            # The editor shows its own copy of the source: the container has none.
            lines = (PROGRAMS / "server.go").read_text().splitlines()
            assert lines[shown[1] - 1] == "func handler(rw http.ResponseWriter, req *http.Request) {"

            await client.request("continue", {"threadId": thread})
            stopped = await client.event("stopped", reason="breakpoint")
            assert stopped["hitBreakpointIds"] == [by_line["id"]]
            frame = (await client.request("stackTrace", {"threadId": thread, "levels": 1}))["stackFrames"][0]
            (scope, *_) = (await client.request("scopes", {"frameId": frame["id"]}))["scopes"]
            reference = {"variablesReference": scope["variablesReference"]}
            variables = (await client.request("variables", reference))["variables"]
            assert {each["name"]: each["value"] for each in variables}["name"] == '"/gopher"'
            await client.request("continue", {"threadId": thread})
            assert await answer() == "Hello, /gopher (7)!\n"
        await client.disconnect()
        await assert_whole(target)
