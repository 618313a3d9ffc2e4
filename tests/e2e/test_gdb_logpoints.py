"""gdb: log points: their lines, what they show, when, and that the target goes on by itself."""

import asyncio
import re
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from support.dap_client import LIMIT_S, DapClient, JsonObject
from support.looking import frames, place
from support.marks import mark
from support.serving import assert_whole, attach, client_path, listening
from support.targets import DockerTarget, running, running_process

pytestmark = pytest.mark.docker

LOGGED = client_path("logged.cpp")


def log_point(name: str, message: str, **more: Any) -> JsonObject:
    return {"line": mark("logged.cpp", name), "logMessage": message, **more}


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


def logged(client: DapClient, pattern: str) -> list[str]:
    """Return what the pattern's group holds in every logged line, in order."""
    bodies: Iterable[JsonObject] = (
        message["body"] for message in client.transcript if message.get("event") == "output"
    )
    lines = (line for body in bodies if "line" in body for line in body["output"].splitlines())
    return [match[1] for line in lines if (match := re.fullmatch(pattern, line))]


async def line_of(client: DapClient, message: str) -> str:
    """Set the one log point `message` where there are many values; return its next line."""
    begin = f"{len(client.transcript)}: "
    await client.set_breakpoints(LOGGED, log_point("values", begin + message))
    body = await client.output(begin)
    line = next(line for line in body["output"].splitlines() if line.startswith(begin))
    return line.removeprefix(begin)


@pytest.mark.shows("supportsLogPoints")
async def test_a_log_point_tells_lines_and_the_target_goes_on(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        (placed,) = await client.set_breakpoints(LOGGED, log_point("report", "round {number} of \\{many\\}"))
        assert placed["verified"]
        body = await client.output("round ")
        assert re.fullmatch(r"(round \d+ of \{many\}\n)+", body["output"])
        assert (body["source"]["path"], body["line"]) == (LOGGED, mark("logged.cpp", "report"))
        await target.assert_runs_on()
        assert client.received("stopped", "continued") == []
        await client.set_breakpoints(LOGGED)
        await leave(client, target)


async def test_what_it_costs_is_said_once(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("report", "one"))
        await client.output("Log points: ")
        await client.set_breakpoints(LOGGED, log_point("report", "two"))
        await client.output("two")
        outputs = [message["body"]["output"] for message in client.transcript if message.get("event") == "output"]
        assert sum("Log points: " in output for output in outputs) == 1
        await leave(client, target)


async def test_the_last_line_is_told_though_none_follows_it(client: DapClient) -> None:
    # Its lines come a tenth of a second apart: the debugger was asked for more shortly before, and had none.
    async with running("watched") as target:
        await attach(client, target, "watched.c")
        wish = {"line": mark("watched.c", "total-write"), "logMessage": "round {round}", "hitCondition": "<= 3"}
        await client.set_breakpoints(client_path("watched.c"), wish)
        while len(logged(client, r"round (\d+)")) < 3:
            await client.output("round ")
        await leave(client, target)


@pytest.mark.parametrize("threads", ["1", "23"])
async def test_a_hot_one_loses_no_line_and_does_not_flood(client: DapClient, threads: str) -> None:
    async with running("logged", threads) as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("hot", "hot {number}"))
        for _ in range(20):
            await client.output("hot ")
        await client.set_breakpoints(LOGGED)
        await client.disconnect()
        numbers = [int(each) for each in logged(client, r"hot (\d+)")]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        events = sum("hot " in message["body"]["output"] for message in client.transcript if is_output(message))
        assert len(numbers) > 10 * events
        await target.assert_let_go()


def is_output(message: JsonObject) -> bool:
    return message.get("event") == "output"


async def test_all_lines_come_before_the_stop_behind_them(client: DapClient) -> None:
    async with running("logged", "3", "2000") as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("hot", "hot {number}"), mark("logged.cpp", "done"))
        target.trigger()
        await client.event("stopped", reason="breakpoint")
        assert [int(each) for each in logged(client, r"hot (\d+)")] == list(range(1, 2001))
        await client.disconnect()


async def test_values_are_shown_as_a_person_wants_them(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        assert await line_of(client, "{greeting}|{none}|{label}") == 'hällo "you"\\n|0x0|leaf'
        assert re.fullmatch(
            r"ada 🦀\|\{x = (\d), y = -1\}\|\{x = \1, y = -1\}", await line_of(client, "{name}|{point}|{*there}")
        )
        assert await line_of(client, "{half} {even ? 1 : 0}") in ("0.5 0", "0.5 1")
        assert await line_of(client, "{numbers}") == "std::vector of length 3, capacity 3 = {1, 2, 3}"
        assert await line_of(client, "{numbers[1]} {numbers.size()}") == "2 3"
        assert await line_of(client, "{ages}") == 'std::map with 1 element = {["ada"] = 36}'
        assert await line_of(client, "{bytes}") == "\\x1ex-log {\\xff}"
        assert await line_of(client, "{label[0] == '}'} {sizeof(\"}\")} {}") == "false 2 {}"
        await leave(client, target)


async def test_a_long_value_is_cut(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        line = await line_of(client, "{large}")
        assert re.fullmatch(r"(0123456789){50}…", line)
        assert len(await line_of(client, "y" * 20000)) < 10000
        await leave(client, target)


async def test_a_failing_expression_shows_its_error_and_the_target_goes_on(client: DapClient, engine: str) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        line = await line_of(client, "{nowhere} {bad->x} {1 +} {number}")
        # What is no expression is told in the debugger's own words.
        broken = {"gdb": "A syntax error in expression, near the end of `1 +'.", "lldb": "expected expression"}[engine]
        pattern = (
            r'<error: No symbol "nowhere" in current context\.> <error: Cannot access memory at address 0x8>'
            rf" <error: {re.escape(broken)}> \d+"
        )
        assert re.fullmatch(pattern, line), line
        assert client.received("stopped") == []
        await leave(client, target)


async def test_the_targets_code_is_never_run(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        line = await line_of(client, "{nap(1)} {nap(2)} {calls}")
        refused = "<error: Cannot call functions in the program: may-call-functions is off.>"
        assert line == f"{refused} {refused} 1"
        await leave(client, target)


@pytest.mark.parametrize(
    ("hit_condition", "numbers"),
    [("3", [6, 8, 10, 12]), ("== 2", [4]), ("<= 3", [2, 4, 6]), ("% 2", [4, 8, 12]), ("!= 1", [4, 6, 8, 10, 12])],
)
async def test_hits_are_counted_where_the_condition_is_true(
    client: DapClient, hit_condition: str, numbers: list[int]
) -> None:
    async with running("logged", "1", "12") as target:
        await attach(client, target, "logged.cpp")
        wished = log_point("hot", "hot {number}", condition="number % 2 == 0", hitCondition=hit_condition)
        (placed, _) = await client.set_breakpoints(LOGGED, wished, mark("logged.cpp", "done"))
        assert placed["verified"]
        target.trigger()
        await client.event("stopped", reason="breakpoint")
        assert [int(each) for each in logged(client, r"hot (\d+)")] == numbers
        await client.disconnect()


async def test_a_condition_that_fails_says_so_and_the_target_goes_on(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("report", "never", condition="nap(0) == nowhere"))
        await client.output("<error in the condition: ")
        await target.assert_runs_on()
        assert client.received("stopped") == []
        assert logged(client, "(never)") == []
        await leave(client, target)


@pytest.mark.parametrize(
    "more",
    [
        {"logMessage": "{number = 5}"},
        {"logMessage": "{number++}"},
        {"logMessage": "one", "condition": "number = 5"},
        {"condition": "number = 5"},
    ],
)
async def test_what_would_change_the_target_is_refused(client: DapClient, more: JsonObject) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        (placed,) = await client.set_breakpoints(LOGGED, {"line": mark("logged.cpp", "report"), **more})
        assert not placed["verified"]
        assert "would change the target" in placed["message"]
        await target.assert_runs_on()
        await leave(client, target)


@pytest.mark.parametrize("message", ["a {b", "{ {1 }", 'x {"}"'])
async def test_a_brace_without_its_pair_is_refused(client: DapClient, message: str) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        (placed,) = await client.set_breakpoints(LOGGED, log_point("report", message))
        assert not placed["verified"]
        assert "without its '}'" in placed["message"]
        await target.assert_runs_on()
        await leave(client, target)


async def test_a_log_point_in_a_library_that_comes_later(client: DapClient) -> None:
    async with running("host") as target:
        wished = {"line": mark("plugin.c", "transform"), "logMessage": "transform!"}
        await attach(client, target, "plugin.c")
        (pending,) = await client.set_breakpoints(client_path("plugin.c"), wished)
        assert not pending["verified"]
        target.trigger()
        body = await client.output("transform!")
        assert (body["source"]["path"], body["line"]) == (client_path("plugin.c"), wished["line"])
        assert client.received("stopped") == []
        await leave(client, target)


async def test_rust_values(client: DapClient) -> None:
    async with running("shapes") as target:
        await attach(client, target, "shapes.rs")
        message = "{greeting}|{name}|{some}|{circle}|{square}|{prices}|{numbers}"
        wished = {"line": mark("shapes.rs", "measure"), "logMessage": message}
        await client.set_breakpoints(client_path("shapes.rs"), wished)
        line = (await client.output("hello"))["output"].splitlines()[0]
        shown, _, last = line.rpartition("|")
        assert shown == 'hello|ada|Some(5)|Circle { radius: 1.5 }|Square(7)|{"one": 1}'
        assert re.search(r"[{\[]1, 2, \d+[}\]]$", last)
        assert client.received("stopped") == []
        await leave(client, target)


async def test_a_client_that_reads_slowly_slows_the_target_and_loses_nothing(client: DapClient) -> None:
    await check_slow(client)


async def test_so_does_one_on_tcp() -> None:
    async with listening() as server, await server.connect() as client:
        await check_slow(client)


async def check_slow(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        # Long lines, which soon fill every buffer on the way.
        await client.set_breakpoints(LOGGED, log_point("hot", "hot {number} " + "x" * 7000))
        await client.output("hot ")
        with client.not_reading():
            async with asyncio.timeout(LIMIT_S):
                await stands_still(target)
        for _ in range(20):
            await client.output("hot ")
        await client.set_breakpoints(LOGGED)
        numbers = [int(each) for each in logged(client, r"hot (\d+) x{7000}")]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        await leave(client, target)


async def stands_still(target: DockerTarget) -> None:
    """Wait until the target prints nothing for ten times as long as it else would take."""
    with suppress(TimeoutError):
        while True:
            async with asyncio.timeout(1):
                await target.lines.wait_for("tick ")


@pytest.mark.parametrize("threads", ["1", "23"])
async def test_a_target_full_of_hits_is_paused_and_let_go(client: DapClient, threads: str) -> None:
    async with running("logged", threads) as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("hot", "hot {number}"))
        await client.output("hot ")
        thread = (await client.request("threads"))["threads"][0]["id"]
        for _ in range(5):
            await client.request("pause", {"threadId": thread})
            assert (await client.event("stopped"))["reason"] == "pause"
            assert "main" in [each["name"] for each in await frames(client, thread)]
            await client.request("continue", {"threadId": thread})
            await client.output("hot ")
        await leave(client, target)


async def test_a_step_over_a_log_point_is_a_step(client: DapClient) -> None:
    async with running("logged") as target:
        await attach(client, target, "logged.cpp")
        line = mark("logged.cpp", "values")
        before = {"line": line - 1}
        await client.set_breakpoints(LOGGED, before, log_point("values", "passed {number}"))
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        for _ in range(2):
            await client.request("next", {"threadId": thread})
            await client.event("stopped", reason="step")
        await client.output("passed ")
        assert (await place(client, thread))[1] > line
        assert len(logged(client, r"passed (\d+)")) == 1
        await leave(client, target)


async def test_the_end_of_the_client_in_a_flood(client: DapClient) -> None:
    async with running("logged", "23") as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("hot", "hot {number}"))
        await client.output("hot ")
        assert client.process
        client.process.kill()
        await assert_whole(target)
        await target.assert_runs_on()


async def test_all_lines_come_before_the_targets_end(client: DapClient) -> None:
    async with running("logged", "1", "500") as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("hot", "hot {number}"))
        target.trigger()
        await client.event("terminated")
        numbers = [int(each) for each in logged(client, r"hot (\d+)")]
        assert numbers == list(range(1, 501))
        assert client.received("stopped", "continued") == []


@pytest.mark.root
async def test_the_hosts_own_gdb(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("logged.cpp"), user=1000) as target:
        await attach(client, target, "logged.cpp")
        condition = {"condition": "number % 2 == 0", "hitCondition": ">= 3"}
        await client.set_breakpoints(LOGGED, log_point("values", "{name} {numbers} {nowhere}", **condition))
        body = await client.output("ada ")
        assert body["output"].splitlines()[0].startswith("ada 🦀 ")
        assert "{1, 2, 3}" in body["output"]
        assert '<error: No symbol "nowhere" in current context.>' in body["output"]
        await client.set_breakpoints(LOGGED, log_point("hot", "hot {number}"))
        for _ in range(5):
            await client.output("hot ")
        await client.disconnect()
        numbers = [int(each) for each in logged(client, r"hot (\d+)")]
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
        await assert_whole(target)


async def test_a_log_point_in_hardware(client: DapClient) -> None:
    async with running("logged", "3") as target:
        await attach(client, target, "logged.cpp")
        await client.set_breakpoints(LOGGED, log_point("report", "hard {number}", mode="hardware"))
        await client.output("hard ")
        await target.assert_runs_on()
        assert client.received("stopped") == []
        await leave(client, target)


@pytest.mark.parametrize(
    ("mode", "follow"), [("brief", "parent"), ("spawners", "parent"), ("exits", "both"), ("brief", "both")]
)
async def test_children_end_as_they_do_without_log_points(client: DapClient, mode: str, follow: str) -> None:
    async with running("forks", mode, "/tmp/trigger") as target:
        await attach(client, target, "forks.c", followFork=follow)
        wished = {"line": mark("forks.c", "tick"), "logMessage": "logged {counter} of {who}"}
        await client.set_breakpoints(client_path("forks.c"), wished)
        await client.output("of parent")
        target.trigger()
        for _ in range(10):
            await client.output("of parent")
        assert client.received("stopped") == []
        await client.disconnect()
        await target.wait_until_alone()
        await target.lines.wait_for("tick parent ", count=3)
        assert not target.tracer_pids()
