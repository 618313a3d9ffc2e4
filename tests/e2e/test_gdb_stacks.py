"""gdb: stacks that are deep, inlined, interrupted by signals or in libraries, and how their frames are named."""

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import frames, opened, references, values
from support.marks import mark
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

DEPTH = 10_000


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def stop_at(client: DapClient, target: DockerTarget, program: str, name: str) -> int:
    """Attach and wait for the breakpoint at a mark; return the thread."""
    await attach(client, target, program, name)
    thread: int = (await client.event("stopped", reason="breakpoint"))["threadId"]
    return thread


async def page_of(client: DapClient, thread: int, start: int, levels: int, **format_: bool) -> JsonObject:
    arguments = {"threadId": thread, "startFrame": start, "levels": levels}
    return await client.request("stackTrace", arguments | ({"format": format_} if format_ else {}))


async def test_a_recursion_of_10000_frames_in_one_request(client: DapClient) -> None:
    async with running("deep") as target:
        thread = await stop_at(client, target, "deep.c", "bottom")
        whole = await page_of(client, thread, 0, 0)
        found = whole["stackFrames"]
        assert (len(found), whole["totalFrames"]) == (DEPTH, DEPTH)
        assert [each["name"] for each in found] == ["descend"] * (DEPTH - 1) + ["main"]
        assert len({each["id"] for each in found}) == DEPTH
        # A frame far out is as good as any.
        scopes = await references(client, found[9000]["id"])
        assert (await values(client, scopes["Arguments"]))["left"] == "9000"
        await leave(client, target)


@pytest.mark.shows("stackTrace", "supportsDelayedStackTraceLoading")
async def test_a_recursion_of_10000_frames_page_by_page(client: DapClient) -> None:
    async with running("deep") as target:
        thread = await stop_at(client, target, "deep.c", "bottom")
        first = await page_of(client, thread, 0, 1)
        assert (len(first["stackFrames"]), first["totalFrames"] > 1) == (1, True)
        paged, totals = [], []
        while not totals or len(paged) < totals[-1]:
            page = await page_of(client, thread, len(paged), 500)
            paged += page["stackFrames"]
            totals.append(page["totalFrames"])
        # Growing until the end is seen, and right from then on.
        assert totals == sorted(totals)
        assert totals[-1] == len(paged) == DEPTH
        assert (await page_of(client, thread, 0, 20))["totalFrames"] == DEPTH
        assert (await page_of(client, thread, DEPTH, 20)) == {"stackFrames": [], "totalFrames": DEPTH}
        assert (await page_of(client, thread, 0, 0))["stackFrames"] == paged
        await leave(client, target)


async def test_pages_are_of_this_stop_and_this_thread(client: DapClient) -> None:
    async with running("deep") as target:
        thread = await stop_at(client, target, "deep.c", "bottom")
        far = (await page_of(client, thread, 9990, 20))["stackFrames"]
        assert [each["name"] for each in far] == ["descend"] * 9 + ["main"]
        await client.set_breakpoints(client_path("deep.c"), mark("deep.c", "report"))
        await client.request("continue", {"threadId": thread})
        await client.event("stopped", reason="breakpoint")
        assert (await page_of(client, thread, 9990, 20)) == {"stackFrames": [], "totalFrames": 1}
        assert [each["name"] for each in await frames(client, thread)] == ["main"]
        await leave(client, target)


async def test_a_page_far_behind_the_end_is_empty(client: DapClient) -> None:
    async with running("spin") as target:
        thread = await stop_at(client, target, "spin.c", "leaf")
        assert (await page_of(client, thread, 1000, 20))["stackFrames"] == []
        page = await page_of(client, thread, 0, 3)
        assert [each["name"] for each in page["stackFrames"]] == ["leaf", "middle", "work"]
        assert page["totalFrames"] == 4
        await leave(client, target)


async def test_a_signal_handler_is_set_apart_by_a_label(client: DapClient) -> None:
    async with running("deep") as target:
        thread = await stop_at(client, target, "deep.c", "handler")
        found = await frames(client, thread)
        handler, label, *outer = found
        assert (handler["name"], handler["line"]) == ("on_signal", mark("deep.c", "handler"))
        assert (label["name"], label["presentationHint"]) == ("<signal handler called>", "label")
        assert outer[-1]["name"] == "main"
        assert {each["presentationHint"] for each in outer[:-1]} == {"subtle"}
        await leave(client, target)


async def test_inlined_functions_are_frames_of_their_own(client: DapClient) -> None:
    async with running("inlined") as target:
        thread = await stop_at(client, target, "inlined.cpp", "inner")
        found = await frames(client, thread)
        assert [each["name"] for each in found] == ["inner", "outer", "work", "main"]
        lines = [mark("inlined.cpp", name) for name in ("inner", "outer", "work")]
        assert [each["line"] for each in found[:3]] == lines
        # Those inlined into one function stand at one place.
        assert len({each["instructionPointerReference"] for each in found[:3]}) == 1
        (_, doubled), (_, squared) = [
            await _int_local(client, found[at], name) for at, name in ((0, "doubled"), (1, "squared"))
        ]
        assert doubled == 2 * squared
        await leave(client, target)


async def _int_local(client: DapClient, frame: JsonObject, name: str) -> tuple[str, int]:
    scopes = await references(client, frame["id"])
    return name, int((await values(client, scopes["Locals"]))[name])


@pytest.mark.parametrize(
    ("where", "name"),
    [
        ("template", "Both<char, unsigned long>::weigh"),
        ("method", "shop::Item::total"),
        ("lambda", "operator()"),
    ],
)
async def test_cpp_functions_have_their_whole_names(client: DapClient, where: str, name: str) -> None:
    async with running("nested") as target:
        thread = await stop_at(client, target, "nested.cpp", where)
        found = await frames(client, thread)
        assert found[0]["name"].endswith(name)
        if where == "lambda":
            assert found[-2]["name"] == "std::function<int(int)>::operator()"
            assert "std::__invoke_impl<int, main()::<lambda(int)>&, int>" in [each["name"] for each in found]
        assert found[-1]["name"] == "main"
        await leave(client, target)


async def test_rust_functions_have_no_hash(client: DapClient) -> None:
    async with running("shapes") as target:
        await attach(client, target, "shapes.rs", stopOnEntry=True)
        thread = (await client.event("stopped", reason="entry"))["threadId"]
        names = [each["name"] for each in await frames(client, thread)]
        assert any(name.startswith("shapes::main") for name in names)
        assert "std::thread::sleep" in names
        assert not [name for name in names if "::h" in name and len(name.rpartition("::h")[2]) == 16]
        await leave(client, target)


async def test_frames_of_libraries_are_labelled_and_belong_to_modules(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp")
        await client.event("module", reason="new")
        await target.assert_runs_on()
        await client.request("pause", {"threadId": 1})
        await client.event("stopped", reason="pause")
        threads = (await client.request("threads"))["threads"]
        waiting = next(each["id"] for each in threads if each["name"].startswith("in-poll"))
        found = await frames(client, waiting)
        modules = {each["id"]: each["name"] for each in (await client.request("modules", {}))["modules"]}
        assert found[0]["name"].endswith(" (libc.so.6)")
        assert modules[found[0]["moduleId"]] == "libc.so.6"
        own = next(each for each in found if "wait_in_poll" in each["name"])
        assert modules[own["moduleId"]] == "threads"
        assert "origin" not in own["source"]
        await leave(client, target)


async def test_a_source_of_a_library_says_whose_it_is(client: DapClient) -> None:
    async with running("host") as target:
        await attach(client, target, "plugin.c", "transform")
        target.trigger()
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        known: JsonObject = {}
        # Told as new before the debugger has read it, and where it lies behind that.
        while known.get("name") != "libplugin.so" or "addressRange" not in known:
            known = (await client.event("module"))["module"]
        inside, *_, main = await frames(client, thread)
        assert inside["source"]["origin"] == "libplugin.so"
        assert inside["moduleId"] == "/srv/lib/libplugin.so"
        assert (main["name"], "origin" in main["source"]) == ("main", False)
        await leave(client, target)


async def test_frames_are_named_as_the_format_asks(client: DapClient) -> None:
    async with running("spin") as target:
        thread = await stop_at(client, target, "spin.c", "leaf")

        async def named(**format_: bool) -> list[str]:
            page = await page_of(client, thread, 0, 2, **format_)
            return [each["name"] for each in page["stackFrames"]]

        assert await named() == ["leaf", "middle"]
        assert await named(parameters=True) == ["leaf(depth, scale)", "middle(job, step)"]
        assert await named(parameterTypes=True) == ["leaf(int, double)", "middle(struct job *, int)"]
        assert await named(parameterTypes=True, parameterNames=True, module=True) == [
            "spin!leaf(int depth, double scale)",
            "spin!middle(struct job * job, int step)",
        ]
        line = mark("spin.c", "leaf")
        (leaf, _) = await named(parameterNames=True, parameterValues=True, line=True)
        scopes = await references(client, (await frames(client, thread, 1))[0]["id"])
        depth = (await opened(client, scopes["Arguments"]))["depth"]["value"]
        assert leaf == f"leaf(depth={depth}, scale=1.5) line {line}"
        (leaf, _) = await named(parameterValues=True, hex=True)
        assert leaf == f"leaf({int(depth):#x}, 1.5)"
        await leave(client, target)


async def test_a_frame_has_the_path_of_its_source_whatever_the_format(client: DapClient) -> None:
    async with running("spin") as target:
        thread = await stop_at(client, target, "spin.c", "leaf")
        # From then on frames have modules.
        await client.event("module", reason="new")
        plain = (await page_of(client, thread, 0, 2))["stackFrames"]
        formatted = (await page_of(client, thread, 0, 2, parameters=True, includeAll=True))["stackFrames"]
        assert [each | {"name": ""} for each in plain] == [each | {"name": ""} for each in formatted]
        assert plain[0]["source"]["path"] == client_path("spin.c")
        await leave(client, target)
