"""Rust through gdb: values as a Rust programmer expects them."""

import pytest
from support.dap_client import DapClient
from support.looking import frames, opened, references, values
from support.serving import assert_whole, attach, client_path
from support.targets import running

pytestmark = pytest.mark.docker


async def test_rust_values_are_readable(client: DapClient) -> None:
    async with running("shapes") as target:
        await attach(client, target, "shapes.rs", "measure")
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        by_name = await opened(client, (await references(client, top["id"]))["Locals"])
        numbers = await values(client, by_name["numbers"]["variablesReference"], start=1, count=1)
        circle = await values(client, by_name["circle"]["variablesReference"])
        await client.disconnect()
        await assert_whole(target)

    shown = {name: variable["value"] for name, variable in by_name.items()}
    assert top["name"] == "shapes::measure"
    assert top["source"]["path"] == client_path("shapes.rs")
    assert shown["greeting"] == '"hello"'
    assert shown["name"] == '"ada"'
    assert shown["prices"] == '{"one": 1}'
    assert shown["some"] == "Some(5)"
    assert shown["square"] == "Square(7)"
    assert by_name["numbers"]["indexedVariables"] == 3
    assert numbers == {"[1]": "2"}
    assert circle == {"radius": "1.5"}
