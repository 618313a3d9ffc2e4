"""gdb: what is proposed for half an expression or half a command, and what it replaces."""

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import frames
from support.marks import mark
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def stop_at(client: DapClient, target: DockerTarget, program: str, name: str) -> JsonObject:
    await attach(client, target, program, name)
    thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
    return (await frames(client, thread, levels=1))[0]


async def complete(client: DapClient, frame: JsonObject | None, text: str, behind: str = "") -> list[JsonObject]:
    """Return what is proposed at the end of `text`, with `behind` following the cursor."""
    column = len(text.encode("utf-16-le")) // 2 + 1
    arguments = {"text": text + behind, "column": column}
    if frame is not None:
        arguments["frameId"] = frame["id"]
    targets: list[JsonObject] = (await client.request("completions", arguments))["targets"]
    return targets


async def labels(client: DapClient, frame: JsonObject | None, text: str) -> list[str]:
    return [each["label"] for each in await complete(client, frame, text)]


@pytest.mark.shows("completions", "supportsCompletionsRequest", "completionTriggerCharacters")
async def test_variables_of_the_frame_come_first(client: DapClient) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "loop")
        capabilities = (await client.event("capabilities"))["capabilities"]
        assert capabilities["supportsCompletionsRequest"]
        assert {".", ">", ":", "`"} <= set(capabilities["completionTriggerCharacters"])
        everything = await complete(client, frame, "")
        assert {"sum", "twice", "höhe", "item", "pointer", "both"} <= {each["label"] for each in everything[:10]}
        (item,) = [each for each in everything if each["label"] == "item"]
        assert (item["type"], item["detail"]) == ("variable", "shop::Item")
        assert (item["start"], item["length"]) == (0, 0)
        assert (await labels(client, frame, "ite"))[0] == "item"
        # Behind the cursor there may be more.
        inside, *_ = await complete(client, frame, "1 + poi", behind=" + 2")
        assert (inside["label"], inside["start"], inside["length"]) == ("pointer", 4, 3)
        await leave(client, target)


async def test_names_of_the_file_and_of_the_whole_program(client: DapClient) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "add")
        found = {each["label"]: each for each in await complete(client, frame, "sha")}
        assert found["shadowing"]["type"] == "function"
        assert found["shadowing"]["detail"] == "int (int)"
        assert "rounds" in await labels(client, frame, "roun")
        # In no frame, and of libc: it has no debug info.
        assert "nanosleep" in await labels(client, None, "nanosl")
        assert await labels(client, frame, "there_is_nothing_like_this") == []
        # A short word fits much: what is near comes first, and not all is shown.
        short = await labels(client, frame, "s")
        assert "shadowing" in short[:5]
        assert 20 < len(short) <= 200
        await leave(client, target)


async def test_members(client: DapClient) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "loop")
        found = await complete(client, frame, "item.")
        assert [each["label"] for each in found] == ["name", "price", "count", "total"]
        assert [each["type"] for each in found] == ["field", "field", "field", "method"]
        assert found[1]["detail"] == "shop::Price"
        assert await labels(client, frame, "pointer->price.") == ["euros", "cents"]
        assert await labels(client, frame, "(*pointer).price.e") == ["euros"]
        assert await labels(client, frame, "1 + (&item)->pr") == ["price"]
        assert await labels(client, frame, "both.f") == ["first"]
        (cents,) = await complete(client, frame, "sum + item.price.c")
        assert (cents["start"], cents["length"]) == (len("sum + item.price."), 1)
        # These have no members.
        for text in ("sum.", "nothing.", ".", "3.", "item.price.euros.", "chosen->"):
            assert await labels(client, frame, text) == [], text
        await leave(client, target)


async def test_members_of_this_and_names_of_the_namespace(client: DapClient) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "method")
        assert {"factor", "this"} <= set(await labels(client, frame, ""))
        assert "price" in await labels(client, frame, "pri")
        assert "count" in await labels(client, frame, "co")
        # As the function itself could write it.
        assert "sold" in await labels(client, frame, "sol")
        assert {"sold", "discount", "Item", "Price"} <= set(await labels(client, frame, "shop::"))
        (sold,) = await complete(client, frame, "1 + shop::so")
        assert (sold["label"], sold["start"], sold["length"]) == ("sold", len("1 + shop::"), 2)
        await leave(client, target)


async def test_positions_count_utf16_units(client: DapClient) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "loop")
        assert await labels(client, frame, "hö") == ["höhe"]
        assert "größe" in await labels(client, frame, "grö")
        # This one takes two of UTF-16's units.
        text = "höhe + '\U0001f350' + größe + item.pri"
        (price,) = await complete(client, frame, text)
        units = len(text.encode("utf-16-le")) // 2
        assert (price["label"], price["start"], price["length"]) == ("price", units - 3, 3)
        await leave(client, target)


async def test_rust(client: DapClient) -> None:
    async with running("hiding") as target:
        frame = await stop_at(client, target, "hiding.rs", "loop")
        assert {"pear", "add", "rounds", "sum"} <= set((await labels(client, frame, ""))[:10])
        assert await labels(client, frame, "pear.") == ["width", "label"]
        (label,) = await complete(client, frame, "pear.la")
        assert (label["type"], label["detail"]) == ("field", "alloc::string::String")
        assert "ROUNDS" in await labels(client, frame, "ROU")
        assert {"LIMIT", "ROUNDS", "hide", "main"} <= set(await labels(client, frame, "hiding::"))
        await client.set_breakpoints(client_path("hiding.rs"), mark("hiding.rs", "method"))
        await client.request("continue", {"threadId": 1})
        await client.event("stopped", reason="breakpoint")
        (method,) = await frames(client, 1, levels=1)
        assert await labels(client, method, "self.") == ["width", "label"]
        await leave(client, target)


COMMANDS = {
    "gdb": {"`info thr": "threads", "`backt": "backtrace", "`print item.price.e": "euros", "`": "break"},
    "lldb": {
        "`thread lis": "list",
        "`thread backt": "backtrace",
        "`frame variable item.pr": "price",
        "`": "breakpoint",
    },
}
"""What the debugger's own command lines propose, one of several."""


async def test_registers_and_commands(client: DapClient, engine: str) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "loop")
        (rip,) = await complete(client, frame, "1 + $ri")
        assert (rip["label"], rip["start"], rip["length"]) == ("$rip", 4, 3)
        for text, proposed in COMMANDS[engine].items():
            assert proposed in await labels(client, frame, text)
        text, word = next(iter(COMMANDS[engine].items()))
        (found,) = await complete(client, frame, text)
        begin = text.rindex(" ") + 1
        assert (found["label"], found["start"], found["length"]) == (word, begin, len(text) - begin)
        assert await labels(client, frame, "`no-such-command-at-all") == []
        await leave(client, target)


async def test_completing_runs_and_changes_nothing(client: DapClient) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "loop")

        async def evaluated(expression: str) -> str:
            arguments = {"expression": expression, "frameId": frame["id"], "context": "watch"}
            return str((await client.request("evaluate", arguments))["result"])

        before = await evaluated("sum"), await evaluated("shop::sold")
        for text in ("(sum = 3).", "add(shop::sold++, 1).", "shadowing(1).", "(pointer = 0)->", "item.total()."):
            assert await labels(client, frame, text) == [], text
        assert (await evaluated("sum"), await evaluated("shop::sold")) == before
        assert await evaluated("pointer") != "0x0"
        await leave(client, target)


async def test_while_the_target_runs(client: DapClient, engine: str) -> None:
    async with running("nested") as target:
        await attach(client, target, "nested.cpp")
        assert "shadowing" in await labels(client, None, "shadow")
        (text,) = (each for each, word in COMMANDS[engine].items() if word == "backtrace")
        assert "backtrace" in await labels(client, None, text)
        assert await labels(client, None, "item.") == []
        await target.assert_runs_on()
        assert client.received("stopped") == []
        await leave(client, target)


async def test_the_last_line_of_several(client: DapClient) -> None:
    async with running("nested") as target:
        frame = await stop_at(client, target, "nested.cpp", "loop")
        arguments = {"text": "sum +\nitem.na", "line": 2, "column": 8, "frameId": frame["id"]}
        (name,) = (await client.request("completions", arguments))["targets"]
        assert (name["label"], name["length"]) == ("name", 2)
        await leave(client, target)
