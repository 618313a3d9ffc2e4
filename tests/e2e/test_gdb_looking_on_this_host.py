"""The host's own gdb, which may be older than the sidecar's: stacks, scopes and completions of a process here."""

from collections.abc import Callable
from pathlib import Path

import pytest
from support.dap_client import DapClient
from support.looking import frames, opened, references, values
from support.serving import assert_whole, attach
from support.targets import running_process

pytestmark = pytest.mark.root


async def test_a_deep_stack(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("deep.c"), user=1000) as target:
        await attach(client, target, "deep.c", "bottom")
        thread = (await client.event("stopped"))["threadId"]
        whole = await client.request("stackTrace", {"threadId": thread, "startFrame": 0, "levels": 0})
        assert (len(whole["stackFrames"]), whole["totalFrames"]) == (10_000, 10_000)
        assert whole["stackFrames"][-1]["name"] == "main"
        await client.disconnect()
        await assert_whole(target)


async def test_scopes_locations_and_completions(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("nested.cpp"), user=1000) as target:
        await attach(client, target, "nested.cpp", "loop")
        (top,) = await frames(client, (await client.event("stopped"))["threadId"], levels=1)
        scopes = await references(client, top["id"])
        globals_ = await opened(client, scopes["Globals"])
        assert (globals_["shop::sold"]["value"], int(globals_["shadowing::calls"]["value"]) > 0) == ("7", True)
        place = {"locationReference": globals_["chosen"]["valueLocationReference"]}
        assert (await client.request("locations", place))["source"]["name"] == "nested.cpp"
        general = await opened(client, scopes["Registers"])
        assert "<main" in general["rip"]["value"]
        assert "fctrl" in await values(client, general["float"]["variablesReference"])
        for text, wanted in (("item.pri", "price"), ("hö", "höhe"), ("shadow", "shadowing"), ("`info thr", "threads")):
            arguments = {"text": text, "column": len(text) + 1, "frameId": top["id"]}
            found = (await client.request("completions", arguments))["targets"]
            assert wanted in [each["label"] for each in found]
        await client.disconnect()
        await assert_whole(target)
