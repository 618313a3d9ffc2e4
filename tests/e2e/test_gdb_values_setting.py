"""gdb: values are changed: variables, members, elements, texts, registers, expressions; what can't be says so."""

from typing import Any

import pytest
from support.dap_client import DapClient
from support.looking import references
from support.standing import Standing, standing

pytestmark = pytest.mark.docker


async def change(here: Standing, reference: int, name: str, value: str, **arguments: Any) -> str:
    wanted = {"variablesReference": reference, "name": name, "value": value, **arguments}
    return str((await here.client.request("setVariable", wanted))["value"])


@pytest.mark.shows("setVariable", "supportsSetVariable", "invalidated", "memory")
async def test_locals_of_every_kind(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        scope = (await references(client, here.frame_id))["Locals"]
        assert await change(here, scope, "number", "41 + 1") == "42"
        event = await client.event("memory")
        assert (await client.event("invalidated"))["areas"] == ["variables"]
        assert (event["offset"], event["count"]) == (0, 4)
        assert event["memoryReference"] == (await here.evaluate("&number"))["memoryReference"]
        for name, value, shown in (
            ("flag", "false", "false"),
            ("real", "-0.5", "-0.5"),
            ("letter", "'z'", "122 'z'"),
            # As it was shown, edited.
            ("letter", "65 'q'", "65 'A'"),
            ("color", "zoo::GREEN", "zoo::GREEN"),
            ("size", "zoo::Size::Small", "zoo::Size::Small"),
            ("none", "&ring", (await here.evaluate("&ring"))["result"]),
            ("buffer", '"fünf"', '"fünf"'),
        ):
            assert await change(here, scope, name, value) == shown
            assert (await here.locals())[name]["value"] == shown
        assert await change(here, scope, "number", "-1", format={"hex": True}) == "0xffffffff"


async def test_members_elements_and_what_containers_hold(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        locals_ = await here.locals()
        bits = locals_["bits"]["variablesReference"]
        assert await change(here, bits, "low", "3") == "3"
        assert await change(here, bits, "left", "9") == "9"
        row = (await here.open(locals_["matrix"]))["[1]"]["variablesReference"]
        assert await change(here, row, "[2]", "70") == "70"
        assert (await here.variables(row))["[2]"]["value"] == "70"
        behind = locals_["animal"]["variablesReference"]
        assert await change(here, behind, "good", "false") == "false"
        assert (await here.variables(behind))["good"]["value"] == "false"
        seen = await here.evaluate("bits.low + bits.left + matrix[1][2] + dog.good")
        assert seen["result"] == str(3 + 9 + 70)
        # The same reference shows what is true now.
        assert (await here.shown({"variablesReference": bits}))["low"] == "3"


async def test_elements_and_texts_of_the_library(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "library") as here:
        locals_ = await here.locals()
        scope = (await references(client, here.frame_id))["Locals"]
        for name, element in (("numbers", "[1]"), ("queue", "[1]"), ("chain", "[1]"), ("ages", '["bob"]')):
            assert await change(here, locals_[name]["variablesReference"], element, "99") == "99"
            assert (await here.shown(locals_[name]))[element] == "99"
        assert await change(here, scope, "word", '"a\\tb"') == r'"a\tb"'
        assert (await here.evaluate("word"))["result"] == r'"a\tb"'
        assert await change(here, locals_["couple"]["variablesReference"], "second", '"uno"') == '"uno"'
        too_long = {"variablesReference": scope, "name": "word", "value": '"' + 40 * "x" + '"'}
        assert "capacity of 15" in str(await client.refused("setVariable", too_long))
        flags = {"variablesReference": locals_["flags"]["variablesReference"], "name": "[1]", "value": "true"}
        assert "can't be changed" in str(await client.refused("setVariable", flags))


@pytest.mark.shows("setExpression", "supportsSetExpression")
async def test_expressions_and_registers(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        wanted = {"expression": "ring.next->value", "value": "55", "frameId": here.frame_id}
        changed = await client.request("setExpression", wanted)
        assert (changed["value"], changed["type"]) == ("55", "int")
        assert (await client.event("invalidated"))["areas"] == ["variables"]
        assert (await here.evaluate("second.value"))["result"] == "55"
        assert (await client.request("setExpression", wanted | {"format": {"hex": True}}))["value"] == "0x37"
        registers = (await references(client, here.frame_id))["Registers"]
        old = (await here.evaluate("$r15"))["result"]
        assert await change(here, registers, "r15", "0x1230 + 4") == "0x1234"
        assert int(await change(here, registers, "r15", old), 16) == int(old)


async def test_what_cant_be_done_is_said_in_the_debuggers_words(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core") as here:
        scope = (await references(client, here.frame_id))["Locals"]

        async def refused(name: str, value: str) -> str:
            arguments = {"variablesReference": scope, "name": name, "value": value}
            return str(await client.refused("setVariable", arguments))

        assert 'No symbol "nonsense"' in await refused("number", "nonsense")
        assert "may-call-functions is off" in await refused("number", "zoo::twice(1)")
        assert 'No symbol "nobody"' in await refused("nobody", "1")
        assert "no room for 20 bytes: there are 16" in await refused("buffer", '"' + 20 * "x" + '"')
        wrong = {"expression": "number + 1", "value": "2", "frameId": here.frame_id}
        assert "not an lvalue" in str(await client.refused("setExpression", wrong))
        member = {"variablesReference": (await here.locals())["bits"]["variablesReference"], "name": "no", "value": "1"}
        assert "no variable named 'no'" in str(await client.refused("setVariable", member))
        assert "invalidated" not in client.received()


async def test_read_only_refuses_every_change(client: DapClient) -> None:
    async with standing(client, "values", "values.cpp", "core", readOnly=True) as here:
        scope = (await references(client, here.frame_id))["Locals"]
        variable = {"variablesReference": scope, "name": "number", "value": "1"}
        expression = {"expression": "number", "value": "1", "frameId": here.frame_id}
        assert "readOnly" in str(await client.refused("setVariable", variable))
        assert "readOnly" in str(await client.refused("setExpression", expression))
        assert "readOnly" in await here.refuses("number = 1", "repl")
        assert (await here.evaluate("number", "repl"))["result"] == "-5"


async def test_the_truth_values_of_c(client: DapClient) -> None:
    async with standing(client, "spin", "spin.c", "work") as here:
        scope = (await references(client, here.frame_id))["Locals"]
        for value in ("true", "false"):
            assert await change(here, scope, "even", value) == value
            assert (await here.evaluate("even"))["result"] == value
