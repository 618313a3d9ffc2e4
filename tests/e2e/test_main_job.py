"""The main job, as an editor does it: a static C program in an empty image, built elsewhere, run by uid 1000."""

import sys

import pytest
from support.dap_client import DapClient
from support.marks import mark
from support.targets import running

pytestmark = pytest.mark.docker

RULES = [{"from": "/home/me/project", "to": "/build/src"}]
SOURCE = "/home/me/project/spin.c"


async def test_an_editor_debugs_a_program_in_a_scratch_container() -> None:
    async with running("spin") as target:
        async with await DapClient.spawn(sys.executable, "-m", "dapbridge", "serve") as client:
            # What VS Code adds to a configuration must not matter.
            extra = {"name": "spin", "type": "dapbridge", "request": "attach", "__sessionId": "1", "debugServer": 1}
            placed = await client.attach(
                {"target": target.name, "substitutePath": RULES, **extra}, {SOURCE: [mark("spin.c", "work")]}
            )
            assert [each["verified"] for each in placed[SOURCE]] == [True]
            stopped = await client.event("stopped", reason="breakpoint")
            assert stopped["hitBreakpointIds"] == [placed[SOURCE][0]["id"]]
            thread = stopped["threadId"]
            assert [each["id"] for each in (await client.request("threads"))["threads"]] == [thread]

            # VS Code asks for one frame first, then for the next ones.
            first = await client.request("stackTrace", {"threadId": thread, "startFrame": 0, "levels": 1})
            rest = await client.request("stackTrace", {"threadId": thread, "startFrame": 1, "levels": 19})
            frames = first["stackFrames"] + rest["stackFrames"]
            assert [frame["name"] for frame in frames] == ["work", "main"]
            assert {frame["source"]["path"] for frame in frames} == {SOURCE}
            assert frames[0]["line"] == mark("spin.c", "work")

            scopes = (await client.request("scopes", {"frameId": frames[0]["id"]}))["scopes"]
            assert [scope["name"] for scope in scopes] == ["Arguments", "Locals", "Globals", "Registers"]
            reference = scopes[0]["variablesReference"]
            (argument,) = (await client.request("variables", {"variablesReference": reference}))["variables"]
            assert argument["name"] == "round"
            evaluated = await client.request("evaluate", {"expression": "round + 1", "frameId": frames[0]["id"]})
            assert int(evaluated["result"]) == int(argument["value"]) + 1

            await client.request("next", {"threadId": thread})
            await client.event("stopped", reason="step")
            assert await _place(client, thread) == ("work", mark("spin.c", "work-next"))

            await client.set_breakpoints(SOURCE, mark("spin.c", "middle"))
            await client.request("continue", {"threadId": thread})
            await client.event("stopped", reason="breakpoint")
            assert await _place(client, thread) == ("middle", mark("spin.c", "middle"))
            await client.request("stepIn", {"threadId": thread})
            await client.event("stopped", reason="step")
            assert (await _place(client, thread))[0] == "leaf"
            await client.request("stepOut", {"threadId": thread})
            await client.event("stopped", reason="step")
            assert (await _place(client, thread))[0] == "middle"

            await client.set_breakpoints(SOURCE)
            await client.request("continue", {"threadId": thread})
            await client.request("pause", {"threadId": thread})
            await client.event("stopped", reason="pause")
            refused = await client.refused("stackTrace", {"threadId": 4711})
            assert "4711" in str(refused)
            await client.request("continue", {"threadId": thread})
            assert "notStopped" in str(await client.refused("scopes", {"frameId": frames[0]["id"]}))
            await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()


async def _place(client: DapClient, thread: int) -> tuple[str, int]:
    frame = (await client.request("stackTrace", {"threadId": thread, "startFrame": 0, "levels": 1}))["stackFrames"][0]
    return frame["name"], frame["line"]
