"""gdb: what the scopes of a frame hold, registers and globals too, and where things were declared."""

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import frames, opened, references, values
from support.marks import PROGRAMS
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

NESTED = client_path("nested.cpp")


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def stop_at(client: DapClient, target: DockerTarget, program: str, name: str) -> list[JsonObject]:
    """Attach and wait for the breakpoint at a mark; return the frames."""
    await attach(client, target, program, name)
    return await frames(client, (await client.event("stopped", reason="breakpoint"))["threadId"])


async def located(client: DapClient, reference: int) -> tuple[str, int]:
    found = await client.request("locations", {"locationReference": reference})
    return found["source"]["path"], found["line"]


def pointed_at(value: str) -> int:
    """Return the address that an address with a name shows."""
    return int(value.partition(" ")[0], 0)


def line_of(program: str, text: str) -> int:
    """Return the line of the first occurrence of a text in a fixture program."""
    lines = (PROGRAMS / program).read_text().splitlines()
    return next(number for number, line in enumerate(lines, start=1) if text in line)


@pytest.mark.shows("scopes")
async def test_a_frame_has_its_scopes_in_order(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "shadowed")
        scopes = (await client.request("scopes", {"frameId": top["id"]}))["scopes"]
        assert [(each["name"], each["expensive"]) for each in scopes] == [
            ("Arguments", False),
            ("Locals", False),
            ("Globals", True),
            ("Registers", True),
        ]
        by_name = {each["name"]: each for each in scopes}
        assert by_name["Globals"]["source"]["path"] == NESTED
        for name in ("Arguments", "Locals"):
            inside = await opened(client, by_name[name]["variablesReference"])
            assert len(inside) == by_name[name]["namedVariables"]
        await leave(client, target)


async def test_variables_that_hide_each_other_are_told_apart(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "shadowed")
        scopes = await references(client, top["id"])
        argument = int((await values(client, scopes["Arguments"]))["value"])
        locals_ = await opened(client, scopes["Locals"])
        middle, outer = (line_of("nested.cpp", f"int inner = {text}") for text in ("value + 1", "1"))
        assert '"hello"' in locals_["inner"]["value"]
        assert locals_[f"inner (line {middle})"]["value"] == str(argument + 1)
        assert locals_[f"inner (line {outer})"]["value"] == "1"
        # A hidden one is changed, and not the one that hides it.
        hidden = f"inner (line {outer})"
        changed = {"variablesReference": scopes["Locals"], "name": hidden, "value": "40"}
        assert (await client.request("setVariable", changed))["value"] == "40"
        after = await values(client, scopes["Locals"])
        assert (after[hidden], after[f"inner (line {middle})"]) == ("40", str(argument + 1))
        assert '"hello"' in after["inner"]
        await leave(client, target)


async def test_variables_of_inlined_functions(client: DapClient) -> None:
    async with running("inlined") as target:
        inner, outer, work, _ = await stop_at(client, target, "inlined.cpp", "inner")
        found = []
        for frame in (inner, outer, work):
            scopes = await references(client, frame["id"])
            found.append([set(await values(client, scopes[name])) for name in ("Arguments", "Locals")])
        assert found == [[{"width"}, {"doubled"}], [{"height"}, {"squared"}], [{"start"}, {"result"}]]
        await leave(client, target)


async def test_globals_of_the_file(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "method")
        globals_ = (await references(client, top["id"]))["Globals"]
        found = await opened(client, globals_)
        assert found["shop::sold"]["value"] == "7"
        assert found["größe"]["value"] == "42"
        assert found["greeting"]["value"].endswith('"hello"')
        assert int(found["shadowing::calls"]["value"]) > 0
        assert {"rounds", "chosen", "shop::discount"} <= set(found)
        first, *_ = (await opened(client, globals_, start=0, count=1)).values()
        assert first == next(iter(found.values()))
        # A static of another function has an expression too, and all can be changed.
        for name, value in (("shop::sold", "8"), ("shadowing::calls", "1000")):
            arguments = {"variablesReference": globals_, "name": name, "value": value}
            assert (await client.request("setVariable", arguments))["value"] == value
            watch = {"expression": found[name]["evaluateName"], "frameId": top["id"], "context": "watch"}
            assert (await client.request("evaluate", watch))["result"] == value
        after = await values(client, globals_)
        assert (after["shop::sold"], after["shadowing::calls"]) == ("8", "1000")
        await leave(client, target)


async def test_globals_of_a_rust_program(client: DapClient) -> None:
    async with running("shapes") as target:
        await attach(client, target, "shapes.rs", stopOnEntry=True)
        thread = (await client.event("stopped", reason="entry"))["threadId"]
        own = next(each for each in await frames(client, thread) if each["name"].startswith("shapes::"))
        globals_ = (await references(client, own["id"]))["Globals"]
        assert not [name for name in await opened(client, globals_) if "vtable" in name]
        await leave(client, target)


async def test_a_frame_without_debug_info_has_registers_only(client: DapClient) -> None:
    async with running("deep") as target:
        _, _, raised, *_ = await stop_at(client, target, "deep.c", "handler")
        scopes = await references(client, raised["id"])
        assert set(scopes) == {"Locals", "Registers"}
        assert await opened(client, scopes["Locals"]) == {}
        registers = await values(client, scopes["Registers"])
        assert pointed_at(registers["rip"]) == int(raised["instructionPointerReference"], 0)
        await leave(client, target)


async def test_registers_by_group(client: DapClient) -> None:
    async with running("nested") as target:
        top, caller, *_ = await stop_at(client, target, "nested.cpp", "add")
        general = await opened(client, (await references(client, top["id"]))["Registers"])
        # The address with the name of the place.
        assert pointed_at(general["rip"]["value"]) == int(top["instructionPointerReference"], 0)
        assert "<add(int, int)+" in general["rip"]["value"]
        assert general["rax"]["value"].startswith("0x")
        assert general["eflags"]["value"].startswith("[")
        vector = await opened(client, general["vector"]["variablesReference"])
        assert general["vector"]["value"] == f"{len(vector)} registers"
        assert "mxcsr" in vector
        floats = await opened(client, general["float"]["variablesReference"])
        assert {"st0", "fctrl"} <= set(floats)
        # Where the vector registers are depends on the processor and on gdb.
        groups = [each for each in general.values() if " register" in each["value"]]
        grouped = [await opened(client, each["variablesReference"]) for each in groups]
        xmm0 = next(group["xmm0"] for group in grouped if "xmm0" in group)
        lanes = await opened(client, xmm0["variablesReference"])
        assert {"v4_float", "v16_int8"} <= set(lanes)
        assert len(await opened(client, lanes["v16_int8"]["variablesReference"])) == 16
        outer = await values(client, (await references(client, caller["id"]))["Registers"])
        assert pointed_at(outer["rip"]) == int(caller["instructionPointerReference"], 0)
        assert "<main" in outer["rip"]
        await leave(client, target)


async def test_registers_are_changed(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "add")
        registers = (await references(client, top["id"]))["Registers"]
        before = await opened(client, registers)
        arguments = {"variablesReference": registers, "name": "r15", "value": "0x1234"}
        assert (await client.request("setVariable", arguments))["value"] == "0x1234"
        areas = [(await client.event("invalidated"))["areas"] for _ in range(2)]
        assert sorted(areas) == [["stacks"], ["variables"]]
        assert (await values(client, registers))["r15"] == "0x1234"
        status = {"variablesReference": before["float"]["variablesReference"], "name": "fctrl", "value": "0x33f"}
        assert (await client.request("setVariable", status))["value"] == "0x33f"
        assert (await values(client, before["float"]["variablesReference"]))["fctrl"] == "0x33f"
        await client.request("setVariable", {**status, "value": "0x37f"})
        restored = {**arguments, "value": before["r15"]["value"]}
        await client.request("setVariable", restored)
        assert (await values(client, registers))["r15"] == before["r15"]["value"]
        error = await client.refused("setVariable", {**arguments, "name": "nothing"})
        assert "no register named 'nothing'" in error.text
        await leave(client, target)


@pytest.mark.shows("locations")
async def test_where_variables_were_declared(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "shadowed")
        scopes = await references(client, top["id"])
        locals_ = await opened(client, scopes["Locals"])
        where = {name: await located(client, each["declarationLocationReference"]) for name, each in locals_.items()}
        assert where["calls"] == (NESTED, line_of("nested.cpp", "static int calls"))
        assert where["inner"] == (NESTED, line_of("nested.cpp", "const char *inner"))
        outer = line_of("nested.cpp", "int inner = 1")
        assert where[f"inner (line {outer})"] == (NESTED, outer)
        globals_ = await opened(client, scopes["Globals"])
        sold = await located(client, globals_["shop::sold"]["declarationLocationReference"])
        assert sold == (NESTED, line_of("nested.cpp", "int sold"))
        await leave(client, target)


async def test_where_a_function_is_that_a_pointer_points_to(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "loop")
        place = (NESTED, line_of("nested.cpp", "static int add"))
        globals_ = await opened(client, (await references(client, top["id"]))["Globals"])
        assert await located(client, globals_["chosen"]["valueLocationReference"]) == place
        watch = {"expression": "chosen", "frameId": top["id"], "context": "watch"}
        evaluated = await client.request("evaluate", watch)
        assert await located(client, evaluated["valueLocationReference"]) == place
        assert "valueLocationReference" not in globals_["greeting"]
        await leave(client, target)


async def test_references_that_are_no_locations(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "loop")
        scopes = await references(client, top["id"])
        error = await client.refused("locations", {"locationReference": scopes["Locals"]})
        assert "no reference of a location" in error.text
        place = next(iter((await opened(client, scopes["Locals"])).values()))["declarationLocationReference"]
        error = await client.refused("variables", {"variablesReference": place})
        assert "no reference of variables" in error.text
        locals_ = await opened(client, scopes["Locals"])
        await client.request("continue", {"threadId": 1})
        await client.event("stopped", reason="breakpoint")
        gone = {"locationReference": locals_["both"]["declarationLocationReference"]}
        assert "moved on" in (await client.refused("locations", gone)).text
        await leave(client, target)


async def test_what_a_function_returned_is_shown_after_a_step_out(client: DapClient) -> None:
    async with running("nested") as target:
        top, *_ = await stop_at(client, target, "nested.cpp", "add")
        summands = [
            int(each) for each in (await values(client, (await references(client, top["id"]))["Arguments"])).values()
        ]
        assert "(return value)" not in await values(client, (await references(client, top["id"]))["Locals"])
        await client.request("stepOut", {"threadId": 1})
        await client.event("stopped", reason="step")
        top, *_ = await frames(client, 1)
        locals_ = (await references(client, top["id"]))["Locals"]
        first, *others = (await opened(client, locals_)).values()
        assert (first["name"], first["value"], first["type"]) == ("(return value)", str(sum(summands)), "int")
        assert first["presentationHint"]["attributes"] == ["readOnly"]
        assert "sum" in {each["name"] for each in others}
        setting = {"variablesReference": locals_, "name": "(return value)", "value": "3"}
        assert "returned already" in (await client.refused("setVariable", setting)).text
        await client.request("next", {"threadId": 1})
        await client.event("stopped")
        top, *_ = await frames(client, 1)
        assert "(return value)" not in await values(client, (await references(client, top["id"]))["Locals"])
        await leave(client, target)


async def test_a_returned_object_can_be_opened(client: DapClient) -> None:
    async with running("nested") as target:
        await stop_at(client, target, "nested.cpp", "price")
        await client.request("stepOut", {"threadId": 1})
        await client.event("stopped", reason="step")
        top, *_ = await frames(client, 1)
        first, *_ = (await opened(client, (await references(client, top["id"]))["Locals"])).values()
        assert first["type"] == "shop::Price"
        assert await values(client, first["variablesReference"]) == {"euros": "3", "cents": "1"}
        await leave(client, target)


async def test_rust_variables_that_hide_each_other(client: DapClient) -> None:
    async with running("hiding") as target:
        top, *_ = await stop_at(client, target, "hiding.rs", "hidden")
        scopes = await references(client, top["id"])
        locals_ = await opened(client, scopes["Locals"])
        assert '"3"' in locals_["size"]["value"]
        hidden = f"size (line {line_of('hiding.rs', 'let size = size + 1')})"
        assert locals_[hidden]["value"] == "3"
        setting = {"variablesReference": scopes["Locals"], "name": hidden, "value": "30"}
        assert (await client.request("setVariable", setting))["value"] == "30"
        globals_ = await opened(client, scopes["Globals"])
        assert globals_["hiding::LIMIT"]["value"] == "12"
        assert int(globals_["hiding::ROUNDS"]["value"]) > 0
        assert not [name for name in globals_ if "vtable" in name]
        await leave(client, target)


async def test_the_stack_follows_the_registers(client: DapClient) -> None:
    async with running("nested") as target:
        top, *outer = await stop_at(client, target, "nested.cpp", "add")
        registers = (await references(client, top["id"]))["Registers"]
        before = (await values(client, registers))["rip"].partition(" ")[0]
        place = outer[-1]["instructionPointerReference"]
        await client.request("setVariable", {"variablesReference": registers, "name": "rip", "value": place})
        moved, *_ = await frames(client, 1)
        assert (moved["name"], moved["instructionPointerReference"]) == ("main", place)
        await client.request("setVariable", {"variablesReference": registers, "name": "rip", "value": before})
        assert [each["name"] for each in await frames(client, 1)] == [top["name"], *(each["name"] for each in outer)]
        await leave(client, target)
