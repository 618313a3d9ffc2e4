"""gdb: disassembly in pages, up and down, as an editor asks for it."""

import re
from itertools import pairwise

import pytest
from support.dap_client import DapClient, DapError, JsonObject
from support.looking import frames
from support.marks import mark
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def disassemble(
    client: DapClient, reference: str, first: int, count: int, offset: int = 0, *, resolve_symbols: bool = True
) -> list[JsonObject]:
    arguments = {
        "memoryReference": reference,
        "offset": offset,
        "instructionOffset": first,
        "instructionCount": count,
        "resolveSymbols": resolve_symbols,
    }
    found: list[JsonObject] = (await client.request("disassemble", arguments))["instructions"]
    assert len(found) == count
    return found


def code(instructions: list[JsonObject]) -> list[tuple[str, str, str]]:
    """Return what must be the same in every page: sources and symbols stand where they change only."""
    return [(each["address"], each["instruction"], each.get("instructionBytes", "")) for each in instructions]


def assert_contiguous(instructions: list[JsonObject]) -> None:
    for each, following in pairwise(instructions):
        size = len(each.get("instructionBytes", "00").split())
        assert int(each["address"], 16) + size == int(following["address"], 16), (each, following)


async def assert_pages_fit(client: DapClient, reference: str, pages: int) -> list[JsonObject]:
    """Page up and down from `reference`, as VS Code does by the first and last line it has; return all there is."""
    whole = await disassemble(client, reference, -200, 400)
    assert int(whole[200]["address"], 16) == int(reference, 16)
    for _ in range(pages):
        whole = await disassemble(client, whole[0]["address"], -50, 50) + whole
        whole += await disassemble(client, whole[-1]["address"], 1, 50)
    assert_contiguous(whole)
    half = len(whole) // 2
    at = next(index for index, each in enumerate(whole) if int(each["address"], 16) == int(reference, 16))
    assert code(await disassemble(client, reference, -at, len(whole))) == code(whole)
    # From any line of it all others are where they were.
    for start in (0, half // 2, half, len(whole) - 1):
        again = await disassemble(client, whole[start]["address"], -start, len(whole))
        assert code(again) == code(whole)
    return whole


async def console(client: DapClient, command: str) -> str:
    return str((await client.request("evaluate", {"expression": f"`{command}", "context": "repl"}))["result"])


async def address_of(client: DapClient, expression: str) -> str:
    result = (await client.request("evaluate", {"expression": expression, "context": "watch"}))["result"]
    found = re.search(r"0x[0-9a-f]+", result)
    assert found, result
    return found[0]


@pytest.mark.shows("disassemble", "supportsDisassembleRequest")
async def test_a_function_is_what_the_debugger_itself_makes_of_it(client: DapClient, engine: str) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c", "churn")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        expected = await own_listing(client, engine)
        assert len(expected) > 20
        pc = int(top["instructionPointerReference"], 16)
        begin = next(index for index, row in enumerate(expected) if int(row[0], 16) == pc)
        found = await disassemble(client, top["instructionPointerReference"], -begin, len(expected))
        assert [plain(row, engine) for row in code(found)] == [plain(row, engine) for row in expected]
        assert found[0]["symbol"] == "churn"
        assert not any("symbol" in each for each in found[1:])
        await leave(client, target)


async def own_listing(client: DapClient, engine: str) -> list[tuple[str, str, str]]:
    """Return address, text and bytes of the function's instructions by the debugger's own command."""
    command, row = {
        "gdb": ("disassemble /r", r"^[=> ]+(0x0*[0-9a-f]+) <.*?>:\t(.+?)\t(.+)$"),
        "lldb": ("disassemble -f -b", r"^[-> ]+(0x[0-9a-f]+) <\+\d+>: +((?:[0-9a-f]{2} )+) *(.+)$"),
    }[engine]
    rows = re.findall(row, await console(client, command), re.M)
    return [(hex(int(address, 16)), text, bytes_.strip()) for address, bytes_, text in rows]


def plain(row: tuple[str, str, str], engine: str) -> tuple[str, str, str]:
    """Return a row with single spaces; for LLDB without names, which it has in comments of its own."""
    text = re.sub(r"\s+", " ", row[1])
    if engine == "lldb":
        text = re.split(r" (?:<|#|;)", text)[0]
    return row[0], text.strip(), row[2]


async def test_sources_stand_where_they_change_and_lines_everywhere(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c", "churn")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        found = await disassemble(client, top["instructionPointerReference"], -8, 12)
        assert found[0]["location"] == {"name": "swap.c", "path": client_path("swap.c")}
        assert not any("location" in each for each in found[1:])
        assert found[8]["line"] == mark("swap.c", "churn")
        # The body of the loop is inlined.
        inlined = mark("swap.c", "inlined")
        assert {each["line"] for each in found[:8]} & {inlined, inlined + 1}
        await leave(client, target)


@pytest.mark.parametrize("pages", [1, 12])
async def test_pages_fit_together_in_optimized_code(client: DapClient, pages: int) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c", "churn")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        whole = await assert_pages_fit(client, top["instructionPointerReference"], pages)
        symbols = [each["symbol"] for each in whole if "symbol" in each]
        assert {"main", "churn", "_init", "_fini"} <= set(symbols)
        starts = {each["address"] for each in whole if "symbol" in each}
        for function in ("main", "churn", "_fini"):
            assert await address_of(client, f"(void *) &{function}") in starts
        # The last pages are beyond the code, on one side or the other.
        assert ("invalid" in {each.get("presentationHint") for each in whole}) or pages == 1
        await leave(client, target)


async def test_pages_fit_together_in_libc_without_debug_info(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", stopOnEntry=True)
        thread = (await client.event("stopped"))["threadId"]
        stack = await frames(client, thread)
        whole = await assert_pages_fit(client, stack[0]["instructionPointerReference"], 6)
        assert not any("location" in each for each in whole)
        assert any(each.get("symbol") for each in whole)
        assert not any(each.get("presentationHint") for each in whole)
        await leave(client, target)


async def test_pages_fit_together_in_templates(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "price")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        whole = await assert_pages_fit(client, top["instructionPointerReference"], 6)
        calls = [each["instruction"] for each in whole if each["instruction"].startswith("call")]
        assert any("std::" in each for each in calls)
        assert not any("_ZN" in each for each in calls)
        await leave(client, target)


async def test_a_stripped_library_is_disassembled_while_the_target_runs(client: DapClient) -> None:
    async with running("swap", "/srv/lib/libbare.so", "/tmp/trigger") as target:
        target.trigger()
        await target.assert_runs_on()
        await attach(client, target, "swap.c")
        await client.event("module", reason="new")
        transform = await address_of(client, "(void *) &transform")
        whole = await assert_pages_fit(client, transform, 1)
        (first,) = [each for each in whole if each["address"] == transform]
        assert first["symbol"] == "transform"
        assert client.received("stopped") == []
        await leave(client, target)


async def test_a_breakpoint_is_not_part_of_the_code(client: DapClient, engine: str) -> None:
    async with running("host") as target:
        await attach(client, target, "host.c", "load")
        where = {"gdb": "info line host.c:{}", "lldb": "source info --file host.c --line {}"}[engine]
        found = re.search(r"0x[0-9a-f]+", await console(client, where.format(mark("host.c", "load"))))
        assert found
        (at,) = await disassemble(client, found[0], 0, 1)
        assert not at["instruction"].startswith("int3")
        assert not at["instructionBytes"].startswith("cc")
        assert at["line"] == mark("host.c", "load")
        await leave(client, target)


async def test_what_is_no_memory_is_invalid_and_counted(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        assert_contiguous(nothing := await disassemble(client, "0x1000", -20, 50))
        assert {each.get("presentationHint") for each in nothing} == {"invalid"}
        assert nothing[20]["address"] == "0x1000"
        assert len(await disassemble(client, "0x4", -20, 50)) == 50
        assert await disassemble(client, "0x1000", 0, 0) == []
        await leave(client, target)


async def test_an_address_inside_of_an_instruction_is_taken_at_its_word(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        churn = await address_of(client, "(void *) &churn")
        found = await disassemble(client, churn, 0, 20)
        long = next(each for each in found if len(each["instructionBytes"].split()) > 4)
        inside = await disassemble(client, long["address"], -5, 20, offset=1)
        assert int(inside[5]["address"], 16) == int(long["address"], 16) + 1
        assert inside[4]["presentationHint"] == "invalid"
        assert_contiguous(inside)
        await leave(client, target)


async def test_addresses_stay_numbers_where_symbols_are_not_wanted(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        main = await address_of(client, "(void *) &main")
        named = await disassemble(client, main, 0, 60)
        plain = await disassemble(client, main, 0, 60, resolve_symbols=False)
        assert any("<" in each["instruction"] for each in named)
        assert not any("<" in each["instruction"] for each in plain)
        assert [each["address"] for each in named] == [each["address"] for each in plain]
        await leave(client, target)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"memoryReference": "main", "instructionCount": 1}, "no memory reference"),
        ({"memoryReference": "0x1000", "instructionCount": 1_000_000}, "at most 20000"),
        ({"memoryReference": "0x1000", "instructionOffset": -(2**40), "instructionCount": 1}, "at most 20000"),
    ],
)
async def test_what_makes_no_sense_is_refused(client: DapClient, arguments: JsonObject, words: str) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        assert words in (await client.refused("disassemble", arguments)).text
        await leave(client, target)


async def test_pages_fit_together_far_from_all_that_tells_where_functions_begin(client: DapClient) -> None:
    async with running("swap", "/srv/lib/libblind.so", "/tmp/trigger") as target:
        target.trigger()
        await target.assert_runs_on()
        await attach(client, target, "swap.c")
        await client.event("module", reason="new")
        transform = await address_of(client, "(void *) &transform")
        from_start = await disassemble(client, transform, 0, 19_000)
        from_start += await disassemble(client, from_start[-1]["address"], 1, 9_000)
        assert int(from_start[-1]["address"], 16) - int(transform, 16) > 65536 + 2 * 4096
        # Going up from there meets the lines that come from the beginning of the function.
        for at in (27_999, 26_000, 25_000):
            above = await disassemble(client, from_start[at]["address"], -300, 300)
            assert code(above) == code(from_start)[at - 300 : at]
        await assert_pages_fit(client, from_start[-1]["address"], 6)
        await leave(client, target)


async def test_a_long_disassembly_is_cancelled_and_leaves_the_debugger_whole(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", stopOnEntry=True)
        thread = (await client.event("stopped"))["threadId"]
        reference = (await frames(client, thread))[0]["instructionPointerReference"]
        arguments = {"memoryReference": reference, "instructionOffset": -20_000, "instructionCount": 20_000}
        # An interrupt just before gdb reads the command does nothing, and by the next one the answer may be there.
        assert "cancelled" in [await outcome_of_cancelled(client, arguments) for _ in range(5)]
        await disassemble(client, reference, -50, 100)
        await leave(client, target)


async def outcome_of_cancelled(client: DapClient, arguments: JsonObject) -> str:
    long = client.send("disassemble", arguments)
    await client.request("cancel", {"requestId": long})
    try:
        await client.response(long)
    except DapError as error:
        return error.message
    return "done"
