"""gdb: breakpoints with conditions and hit conditions, on functions and instructions, and where lines have code."""

import asyncio
import itertools
from typing import Any

import pytest
from support.dap_client import LIMIT_S, DapClient, JsonObject
from support.looking import frames, opened, place, references
from support.marks import mark
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

SOURCE = "overloads.cpp"
PATH = client_path(SOURCE)
STEP = mark(SOURCE, "step")


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def local(client: DapClient, stopped: JsonObject, name: str) -> str:
    """Return the value of a local of the top frame."""
    (frame,) = await frames(client, stopped["threadId"], levels=1)
    scopes = await references(client, frame["id"])
    value: str = (await opened(client, scopes["Locals"]))[name]["value"]
    return value


async def hits(client: DapClient, count: int, name: str = "step") -> list[int]:
    """Return the values of a local at the next stops at breakpoints."""
    found = []
    for _ in range(count):
        stopped = await client.event("stopped", reason="breakpoint")
        found.append(int(await local(client, stopped, name)))
        await client.request("continue", {"threadId": stopped["threadId"]})
    return found


async def set_functions(client: DapClient, *names: str, **options: Any) -> list[JsonObject]:
    wanted = [{"name": name, **options} for name in names]
    found: list[JsonObject] = (await client.request("setFunctionBreakpoints", {"breakpoints": wanted}))["breakpoints"]
    return found


@pytest.mark.shows("setBreakpoints", "supportsConditionalBreakpoints")
async def test_a_condition_decides_which_hits_stop(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        (placed,) = await client.set_breakpoints(PATH, {"line": STEP, "condition": "step % 4 == 3"})
        assert placed["verified"]
        assert set(await hits(client, 4)) == {3, 7}
        await leave(client, target)


@pytest.mark.shows("supportsHitConditionalBreakpoints")
@pytest.mark.parametrize(
    ("hit_condition", "distances"),
    [
        ("3", [1, 1, 1]),
        (">= 3", [1, 1, 1]),
        ("> 2", [1, 1, 1]),
        ("%4", [4, 4, 4]),
        ("!= 2", [2, 1, 1]),
    ],
)
async def test_hits_are_counted(client: DapClient, hit_condition: str, distances: list[int]) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        await client.set_breakpoints(PATH, {"line": STEP, "hitCondition": hit_condition})
        found = await hits(client, 4)
        assert [(after - before) % 10 for before, after in itertools.pairwise(found)] == distances
        await leave(client, target)


@pytest.mark.parametrize(("hit_condition", "count"), [("== 2", 1), ("< 3", 2), ("<= 3", 3)])
async def test_hits_beyond_the_count_pass(client: DapClient, hit_condition: str, count: int) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        await client.set_breakpoints(PATH, {"line": STEP, "hitCondition": hit_condition})
        await hits(client, count)
        await target.assert_runs_on()
        assert client.received("stopped") == ["stopped"] * count
        await leave(client, target)


async def test_only_hits_that_fulfil_the_condition_are_counted(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        wish = {"line": STEP, "condition": "step == 5", "hitCondition": "% 2"}
        await client.set_breakpoints(PATH, wish)
        before = client.send("evaluate", {"expression": "1"})
        await client.response(before)
        assert await hits(client, 2) == [5, 5]
        await leave(client, target)


async def test_a_condition_in_rust(client: DapClient) -> None:
    async with running("shapes") as target:
        await attach(client, target, "shapes.rs")
        line = mark("shapes.rs", "measure")
        wish = {"line": line, "condition": "1 == 1 && 2 > 1", "hitCondition": "% 3"}
        (placed,) = await client.set_breakpoints(client_path("shapes.rs"), wish)
        assert placed["verified"]
        stopped = await client.event("stopped", reason="breakpoint")
        assert (await place(client, stopped["threadId"]))[1] == line
        await leave(client, target)


@pytest.mark.parametrize(
    ("wish", "message"),
    [
        ({"condition": "nowhere > 3"}, 'No symbol "nowhere" in current context.'),
        ({"condition": "step >"}, "A syntax error in expression"),
        ({"hitCondition": "often"}, "hit condition 'often': expected a number N"),
        ({"hitCondition": "% 0"}, "hit condition '% 0'"),
        ({"hitCondition": "5 %"}, "hit condition '5 %'"),
    ],
)
async def test_a_wrong_condition_says_why_and_stops_nothing(client: DapClient, wish: JsonObject, message: str) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        (refused,) = await client.set_breakpoints(PATH, {"line": STEP} | wish)
        assert not refused["verified"]
        assert message in refused["message"]
        await target.assert_runs_on()
        await leave(client, target)


async def test_a_condition_that_fails_in_the_target_stops_it_and_says_so(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        await client.set_breakpoints(PATH, {"line": mark(SOURCE, "sum"), "condition": "item->weight == 99"})
        stopped = await client.event("stopped", reason="breakpoint")
        said = await client.output("Cannot access memory at address 0x0")
        assert said["category"] == "important"
        assert await local(client, stopped, "item") == "0x0"
        await leave(client, target)


async def test_a_changed_condition_holds_while_the_target_runs(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        await client.set_breakpoints(PATH, {"line": STEP, "condition": "step == 99"})
        await target.assert_runs_on()
        await client.set_breakpoints(PATH, {"line": STEP, "condition": "step == 6"})
        assert await hits(client, 2) == [6, 6]
        await client.set_breakpoints(PATH, {"line": STEP, "condition": "step == 99"})
        await target.assert_runs_on()
        await leave(client, target)


@pytest.mark.parametrize("mode", ["software", "hardware"])
@pytest.mark.shows("breakpointModes")
async def test_a_breakpoint_in_either_mode_is_hit(client: DapClient, mode: str) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        await client.set_breakpoints(PATH, {"line": STEP, "mode": mode, "condition": "step == 2"})
        assert await hits(client, 2) == [2, 2]
        await leave(client, target)


async def test_a_thousand_breakpoints_come_and_go(client: DapClient) -> None:
    async with running("large") as target:
        await attach(client, target, "large.cpp")
        path = client_path("lines.inc")
        for _ in range(2):
            placed = await client.set_breakpoints(path, *range(1, 1001))
            assert [each["line"] for each in placed if each["verified"]] == list(range(1, 1001))
            assert len({each["id"] for each in placed}) == 1000
            assert await client.set_breakpoints(path) == []
        await leave(client, target)


async def test_they_come_and_go_where_many_threads_meet_them(client: DapClient) -> None:
    async with running("threads") as target, asyncio.TaskGroup() as tasks:
        await attach(client, target, "threads.cpp")
        path = client_path("threads.cpp")
        lines = [mark("threads.cpp", each) for each in ("worker", "price", "worker-end")]
        going_on = tasks.create_task(go_on(client))
        for _ in range(30):
            await client.set_breakpoints(path, *lines)
            await client.set_breakpoints(path)
            async with asyncio.timeout(LIMIT_S):
                # Stops are told behind the breakpoints' end too. Then no thread may be left standing.
                while "t" in target.states().values():
                    await asyncio.sleep(0.01)
        going_on.cancel()
        await leave(client, target)


async def go_on(client: DapClient) -> None:
    """Let the target go on after each stop."""
    while True:
        stopped = await client.event("stopped", limit_s=600)
        await client.request("continue", {"threadId": stopped["threadId"]})


# Functions


@pytest.mark.shows("setFunctionBreakpoints", "supportsFunctionBreakpoints")
@pytest.mark.parametrize(
    ("name", "functions"),
    [
        ("shop::Till::add", {"shop::Till::add"}),
        ("shop::price", {"shop::price"}),
        ("price", {"shop::price", "depot::price"}),
        ("shop::price(double)", {"shop::price"}),
        ("shop::count_of", {"shop::count_of<int>", "shop::count_of<double>"}),
        ("shop::Half::operator()", {"shop::Half::operator()"}),
        ("/hidden/", {"shop::(anonymous namespace)::hidden"}),
        ("/^depot::/", {"depot::price"}),
        ("/price/", {"shop::price", "depot::price"}),
    ],
)
async def test_a_function_breakpoint_takes_all_functions_of_its_name(
    client: DapClient, name: str, functions: set[str]
) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        (placed,) = await set_functions(client, name)
        assert placed["verified"], placed
        seen = set()
        for _ in range(12):
            stopped = await client.event("stopped", reason="function breakpoint")
            assert stopped["hitBreakpointIds"] == [placed["id"]]
            seen.add((await place(client, stopped["threadId"]))[0])
            await client.request("continue", {"threadId": stopped["threadId"]})
        assert seen == functions
        assert await set_functions(client) == []
        await leave(client, target)


async def test_a_function_breakpoint_has_conditions(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        (placed,) = await set_functions(client, "shop::price(int)", condition="count == 4", hitCondition="2")
        assert placed["verified"]
        stopped = await client.event("stopped", reason="function breakpoint")
        (frame,) = await frames(client, stopped["threadId"], levels=1)
        arguments = await opened(client, (await references(client, frame["id"]))["Arguments"])
        assert arguments["count"]["value"] == "4"
        await leave(client, target)


@pytest.mark.parametrize("name", ["shapes::measure", "crate::measure", "measure"])
async def test_a_function_breakpoint_takes_rust_paths(client: DapClient, name: str) -> None:
    async with running("shapes") as target:
        await attach(client, target, "shapes.rs")
        (placed,) = await set_functions(client, name)
        assert placed["verified"], placed
        stopped = await client.event("stopped", reason="function breakpoint")
        assert "measure" in (await place(client, stopped["threadId"]))[0]
        await leave(client, target)


async def test_a_function_of_a_later_library_is_waited_for(client: DapClient) -> None:
    async with running("host") as target:
        await attach(client, target, "host.c")
        (pending,) = await set_functions(client, "transform")
        assert not pending["verified"]
        assert "when a library brings it" in pending["message"]
        target.trigger()
        changed = (await client.event("breakpoint", reason="changed"))["breakpoint"]
        assert (changed["id"], changed["verified"]) == (pending["id"], True)
        await client.event("stopped", reason="function breakpoint")
        await leave(client, target)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("/^nothing like it$/", "no function matches"),
        ("/./", "more than 100 functions match"),
        ("/[/", "Invalid regexp"),
        ("  ", "needs a function's name"),
    ],
)
async def test_a_function_breakpoint_that_cant_be_says_why(client: DapClient, name: str, message: str) -> None:
    # Its debug information has Rust's standard library: thousands of functions.
    async with running("shapes") as target:
        await attach(client, target, "shapes.rs")
        (refused,) = await set_functions(client, name)
        assert not refused["verified"]
        assert message in refused["message"]
        await leave(client, target)


# Instructions and lines


@pytest.mark.shows("setInstructionBreakpoints", "supportsInstructionBreakpoints")
async def test_an_instruction_breakpoint_stops_at_its_address(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE, "step")
        stopped = await client.event("stopped", reason="breakpoint")
        (frame,) = await frames(client, stopped["threadId"], levels=1)
        await client.set_breakpoints(PATH)
        await client.request("next", {"threadId": stopped["threadId"], "granularity": "instruction"})
        stopped = await client.event("stopped", reason="step")
        (second,) = await frames(client, stopped["threadId"], levels=1)
        start, address = (each["instructionPointerReference"] for each in (frame, second))
        wish = {"instructionReference": start, "offset": int(address, 16) - int(start, 16), "condition": "step == 8"}
        body = await client.request("setInstructionBreakpoints", {"breakpoints": [wish]})
        (placed,) = body["breakpoints"]
        assert placed["verified"]
        assert int(placed["instructionReference"], 16) == int(address, 16)
        await client.request("continue", {"threadId": stopped["threadId"]})
        stopped = await client.event("stopped", reason="instruction breakpoint")
        assert stopped["hitBreakpointIds"] == [placed["id"]]
        (hit,) = await frames(client, stopped["threadId"], levels=1)
        assert hit["instructionPointerReference"] == address
        assert await local(client, stopped, "step") == "8"
        await leave(client, target)


async def test_an_instruction_breakpoint_at_no_address_says_so(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        wishes = [{"instructionReference": "main"}]
        (refused,) = (await client.request("setInstructionBreakpoints", {"breakpoints": wishes}))["breakpoints"]
        assert not refused["verified"]
        assert "'main' is no address" in refused["message"]
        await leave(client, target)


@pytest.mark.shows("breakpointLocations", "supportsBreakpointLocationsRequest")
async def test_lines_with_code_are_told(client: DapClient) -> None:
    async with running("overloads") as target:
        await attach(client, target, SOURCE)
        source = {"path": PATH}
        body = await client.request("breakpointLocations", {"source": source, "line": STEP - 1, "endLine": STEP + 4})
        assert [each["line"] for each in body["breakpoints"]] == [STEP - 1, STEP, STEP + 1, STEP + 2, STEP + 4]
        body = await client.request("breakpointLocations", {"source": source, "line": 1, "endLine": 6})
        assert body["breakpoints"] == []
        nowhere = {"path": client_path("nowhere.c")}
        body = await client.request("breakpointLocations", {"source": nowhere, "line": 1})
        assert body["breakpoints"] == []
        await leave(client, target)
