import sys
from typing import Any

import pytest
from support.dap_client import DapClient
from support.marks import mark
from support.targets import running


@pytest.mark.docker
async def test_a_null_pointer_in_a_struct_is_nothing_to_open() -> None:
    async with running("spin") as target, await DapClient.spawn(sys.executable, "-m", "dapbridge", "serve") as client:
        await client.attach({"target": target.name}, {"/build/src/spin.c": [mark("spin.c", "work")]})
        stopped = await client.event("stopped")
        stack = await client.request("stackTrace", {"threadId": stopped["threadId"]})
        scopes = await client.request("scopes", {"frameId": stack["stackFrames"][0]["id"]})
        (reference,) = (each["variablesReference"] for each in scopes["scopes"] if each["name"] == "Locals")
        local = await members(client, reference)
        last = await members(client, local["last"]["variablesReference"])
        second = await members(client, local["second"]["variablesReference"])
        assert (last["next"]["value"], last["next"]["variablesReference"]) == ("0x0", 0)
        assert (await members(client, second["next"]["variablesReference"]))["value"]["value"] == "30"
        await client.disconnect()
        await target.assert_let_go()


async def members(client: DapClient, reference: int) -> dict[str, Any]:
    body = await client.request("variables", {"variablesReference": reference})
    return {each["name"]: each for each in body["variables"]}
