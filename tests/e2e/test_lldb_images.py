"""lldb: images of users' own for the sidecar, with a newer LLDB, or without something that it takes."""

import pytest
from support.dap_client import DapClient
from support.looking import frames, references
from support.marks import mark
from support.serving import assert_whole, attach, attach_arguments, client_path
from support.sidecars import sidecar
from support.targets import running

pytestmark = [pytest.mark.docker, pytest.mark.root]


@pytest.fixture
def image(request: pytest.FixtureRequest) -> str:
    """The tag of the image that the test names."""
    return sidecar(request.param)


@pytest.mark.parametrize("image", ["lldb-21"], indirect=True)
async def test_a_newer_lldb_will_do(client: DapClient, image: str) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker", sidecar={"image": image, "pull": "never"})
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        stack = await frames(client, thread)
        assert stack[0]["name"] == "(anonymous namespace)::serve"
        assert "clone" in stack[-1]["name"]
        scopes = await references(client, stack[0]["id"])
        shown = {
            each["name"]: each["value"]
            for each in (await client.request("variables", {"variablesReference": scopes["Locals"]}))["variables"]
        }
        assert shown["greeting"].startswith('"hello from worker ')
        assert shown["prices"] == 'std::map with 2 elements = {["ada"] = 1.5, ["bob"] = 2.5}'
        log_point = {"line": mark("threads.cpp", "price"), "logMessage": "price {price} of {order.customer}"}
        source = {"source": {"path": client_path("threads.cpp")}, "breakpoints": [log_point]}
        assert (await client.request("setBreakpoints", source))["breakpoints"][0]["verified"]
        await client.request("next", {"threadId": thread})
        await client.event("stopped", reason="step")
        await client.request("continue", {"threadId": thread})
        await client.output("price 2.5 of bob")
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.parametrize(
    ("image", "words"),
    [
        ("no-module", "has no Python module 'lldb' that its python3 can import (No module named 'lldb'): add it to"),
        ("half-a-module", "is not whole: /usr/lib/python3/dist-packages/lldb has no SBDebugger, as with Debian's"),
        ("no-lldb-server", "the sidecar's image has no lldb-server, the part of LLDB that traces: add it to the image"),
        ("lldb-14", "the sidecar's image has LLDB 14.0.6, which is too old (its Python module has no SBPlatform."),
    ],
    indirect=["image"],
    ids=["no-module", "half-a-module", "no-lldb-server", "lldb-14"],
)
async def test_an_image_that_lacks_something_is_refused_with_what_that_is(
    client: DapClient, image: str, words: str
) -> None:
    async with running("spin") as target:
        await client.initialize()
        error = await client.refused("attach", attach_arguments(target, sidecar={"image": image, "pull": "never"}))
        assert error.shown
        assert words in error.text
        assert "initialized" not in client.received()
        await assert_whole(target)
