"""gdb: what is seen of variables, how they are changed, and what expressions give."""

from collections.abc import AsyncIterator

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import frames, opened, references, values
from support.serving import attach
from support.targets import running

pytestmark = pytest.mark.docker


@pytest.fixture
async def top(client: DapClient) -> AsyncIterator[JsonObject]:
    """The innermost frame of spin, which stands in `work`."""
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work")
        stopped = await client.event("stopped", reason="breakpoint")
        yield (await frames(client, stopped["threadId"], levels=1))[0]
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()


async def evaluate(client: DapClient, expression: str, **arguments: object) -> str:
    return str((await client.request("evaluate", {"expression": expression, **arguments}))["result"])


async def test_locals_of_every_shape(client: DapClient, top: JsonObject) -> None:
    scopes = await references(client, top["id"])
    locals_ = await opened(client, scopes["Locals"])
    job = await opened(client, locals_["job"]["variablesReference"])
    assert locals_["even"]["type"] == "_Bool"
    assert locals_["home"]["value"] == "{x = 3, y = 4}"
    assert job["name"]["value"].endswith('"spin"')
    assert job["color"]["value"] == "BLUE"
    assert "<leaf>" in job["weigh"]["value"]
    assert job["where"]["evaluateName"] == "job.where"
    assert set(await values(client, job["where"]["variablesReference"])) == {"x", "y"}
    assert set(await values(client, job["word"]["variablesReference"])) == {"bits", "real"}
    # Pointers are followed one by one: a linked list.
    first = await opened(client, job["list"]["variablesReference"])
    second = await opened(client, first["next"]["variablesReference"])
    assert (first["value"]["value"], second["value"]["value"]) == ("10", "20")
    assert await evaluate(client, second["value"]["evaluateName"], frameId=top["id"]) == "20"


async def test_an_array_is_paged(client: DapClient, top: JsonObject) -> None:
    locals_ = await opened(client, (await references(client, top["id"]))["Locals"])
    samples = (await opened(client, locals_["job"]["variablesReference"]))["samples"]
    assert samples["indexedVariables"] == 8
    page = await values(client, samples["variablesReference"], start=6, count=2)
    assert list(page) == ["[6]", "[7]"]


async def test_a_big_array_is_paged_without_an_object_for_each_element(client: DapClient, top: JsonObject) -> None:
    squares = await client.request("evaluate", {"expression": "squares", "frameId": top["id"]})
    assert squares["indexedVariables"] == 1000
    page = await opened(client, squares["variablesReference"], start=900, count=3)
    assert list(page) == ["[900]", "[901]", "[902]"]
    assert page["[901]"]["evaluateName"] == "squares[901]"


async def test_registers(client: DapClient, top: JsonObject) -> None:
    registers = await values(client, (await references(client, top["id"]))["Registers"])
    assert int(registers["rip"].partition(" ")[0], 16) == int(top["instructionPointerReference"], 16)


async def test_a_local_a_member_and_an_element_are_set(client: DapClient, top: JsonObject) -> None:
    async def change(reference: int, name: str, value: str) -> str:
        arguments = {"variablesReference": reference, "name": name, "value": value}
        return str((await client.request("setVariable", arguments))["value"])

    locals_reference = (await references(client, top["id"]))["Locals"]
    job = (await opened(client, locals_reference))["job"]["variablesReference"]
    samples = (await opened(client, job))["samples"]["variablesReference"]
    assert await change(locals_reference, "change", "0x10 + 1") == "17"
    assert await change(job, "id", "99") == "99"
    assert await change(samples, "[3]", "-5") == "-5"
    assert await evaluate(client, "change + job.id + job.samples[3]", frameId=top["id"]) == "111"
    assert (await values(client, samples))["[3]"] == "-5"
    assert (await values(client, locals_reference))["change"] == "17"
    bad = {"variablesReference": locals_reference, "name": "change", "value": "nonsense"}
    assert 'No symbol "nonsense"' in str(await client.refused("setVariable", bad))


async def test_expressions(client: DapClient, top: JsonObject, engine: str) -> None:
    frame = {"frameId": top["id"]}
    home = await client.request("evaluate", {"expression": "job.home", "context": "hover", **frame})
    assert await values(client, home["variablesReference"]) == {"x": "3", "y": "4"}
    assert await evaluate(client, "home.x + limit", context="watch", **frame) == "1003"
    wrong = await client.refused("evaluate", {"expression": "no_such_thing", "context": "watch", **frame})
    assert 'No symbol "no_such_thing" in current context' in str(wrong)
    # Behind a backtick the debugger's own command line, in its own language.
    command, words = {
        "gdb": ("`info registers rip", "Undefined command"),
        "lldb": ("`register read rip", "not a valid command"),
    }[engine]
    assert "$rip" not in await evaluate(client, command, context="repl")
    assert "rip" in await evaluate(client, command, context="repl")
    refused = await client.refused("evaluate", {"expression": "`no-such-command", "context": "repl"})
    assert words in str(refused)


async def test_only_the_repl_runs_the_targets_code(client: DapClient, top: JsonObject) -> None:
    for context in ("watch", "hover"):
        refused = await client.refused(
            "evaluate", {"expression": "leaf(2, 1.5)", "context": context, "frameId": top["id"]}
        )
        assert "may-call-functions is off" in str(refused)
    assert await evaluate(client, "leaf(2, 1.5)", context="repl", frameId=top["id"]) == "114"


async def test_globals_are_seen_while_the_target_runs(client: DapClient, top: JsonObject) -> None:
    await client.set_breakpoints(top["source"]["path"])
    await client.request("continue", {"threadId": 1})
    assert await evaluate(client, "limit", context="watch") == "1000"
    assert "notStopped" in str(await client.refused("evaluate", {"expression": "job", "frameId": top["id"]}))


async def test_what_was_seen_of_an_earlier_stop_is_refused(client: DapClient, top: JsonObject) -> None:
    locals_reference = (await references(client, top["id"]))["Locals"]
    await client.request("next", {"threadId": 1})
    await client.event("stopped", reason="step")
    assert "the target has moved on" in str(await client.refused("variables", {"variablesReference": locals_reference}))
    assert "the target has moved on" in str(await client.refused("scopes", {"frameId": top["id"]}))


@pytest.mark.shows("cancel", "supportsCancelRequest")
async def test_a_slow_request_is_cancelled(client: DapClient, top: JsonObject) -> None:
    slow = client.send("evaluate", {"expression": "`python import time; time.sleep(600)", "context": "repl"})
    waiting = client.send("evaluate", {"expression": "limit", "frameId": top["id"]})
    await client.request("cancel", {"requestId": slow})
    with pytest.raises(Exception, match="cancelled"):
        await client.response(slow)
    assert (await client.response(waiting))["result"] == "1000"


async def test_cpp_containers_are_readable_and_paged(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        (top, *_) = await frames(client, thread, levels=1)
        locals_ = await opened(client, (await references(client, top["id"]))["Locals"])
        numbers = await values(client, locals_["numbers"]["variablesReference"], start=1, count=2)
        prices = await values(client, locals_["prices"]["variablesReference"])
        orders = await opened(client, locals_["orders"]["variablesReference"])
        order = await values(client, orders["[0]"]["variablesReference"])
        pointer = await opened(client, locals_["order"]["variablesReference"])
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()

    shown = {name: variable["value"] for name, variable in locals_.items()}
    assert shown["numbers"].startswith("std::vector of length 4, capacity 4 = {1, 2, 3, ")
    assert shown["prices"] == 'std::map with 2 elements = {["ada"] = 1.5, ["bob"] = 2.5}'
    assert shown["greeting"].startswith('"hello from worker ')
    assert shown["missing"] == "std::optional [no contained value]"
    assert locals_["numbers"]["indexedVariables"] == 4
    assert numbers == {"[1]": "2", "[2]": "3"}
    assert prices == {'["ada"]': "1.5", '["bob"]': "2.5"}
    assert order["customer"] == '"ada"'
    assert pointer["get()"]["value"].startswith("0x")
