"""Rust through gdb: values as a Rust programmer expects them."""

import sys

import pytest
from support.dap_client import DapClient
from support.marks import mark
from support.targets import running

pytestmark = pytest.mark.docker


async def test_rust_values_are_readable() -> None:
    async with running("shapes") as target:
        async with await DapClient.spawn(sys.executable, "-m", "dapbridge", "serve") as client:
            rules = [{"from": "/ws", "to": "/build/src"}]
            await client.attach(
                {"target": target.name, "substitutePath": rules}, {"/ws/shapes.rs": [mark("shapes.rs", "measure")]}
            )
            thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
            top = (await client.request("stackTrace", {"threadId": thread, "levels": 1}))["stackFrames"][0]
            scopes = (await client.request("scopes", {"frameId": top["id"]}))["scopes"]
            locals_ = next(scope["variablesReference"] for scope in scopes if scope["name"] == "Locals")
            variables = (await client.request("variables", {"variablesReference": locals_}))["variables"]
            by_name = {variable["name"]: variable for variable in variables}
            numbers = await client.request(
                "variables", {"variablesReference": by_name["numbers"]["variablesReference"], "start": 1, "count": 1}
            )
            circle = await client.request("variables", {"variablesReference": by_name["circle"]["variablesReference"]})
            await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()

    values = {name: variable["value"] for name, variable in by_name.items()}
    assert top["name"] == "shapes::measure"
    assert top["source"]["path"] == "/ws/shapes.rs"
    assert values["greeting"] == '"hello"'
    assert values["name"] == '"ada"'
    assert values["prices"] == 'HashMap(size=1) = {["one"] = 1}'
    assert values["some"] == "core::option::Option<u32>::Some(5)"
    assert values["square"] == "shapes::Shape::Square(7)"
    assert by_name["numbers"]["indexedVariables"] == 3
    assert [(child["name"], child["value"]) for child in numbers["variables"]] == [("[1]", "2")]
    assert [child["name"] for child in circle["variables"]] == ["Circle"]
