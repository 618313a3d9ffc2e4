"""The host's own gdb, which may be older than the sidecar's: values of a process here."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.dap_client import DapClient
from support.looking import frames, opened, references, values
from support.serving import assert_whole, attach
from support.targets import running_process

pytestmark = pytest.mark.root


async def test_values_are_shown_paged_and_set(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("threads.cpp"), user=1000) as target:
        await attach(client, target, "threads.cpp", "worker")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        scope = (await references(client, top["id"]))["Locals"]
        locals_ = await opened(client, scope)
        assert locals_["prices"]["value"] == 'std::map with 2 elements = {["ada"] = 1.5, ["bob"] = 2.5}'
        numbers = locals_["numbers"]["variablesReference"]
        assert await values(client, numbers, filter="indexed", start=1, count=2) == {"[1]": "2", "[2]": "3"}
        change = {"variablesReference": numbers, "name": "[1]", "value": "22", "format": {"hex": True}}
        assert (await client.request("setVariable", change))["value"] == "0x16"
        watch = {"expression": "numbers,x", "frameId": top["id"]}
        assert "{0x1, 0x16, 0x3, " in (await client.request("evaluate", watch))["result"]
        await client.disconnect()
        await assert_whole(target)
