"""gdb: exception filters for C++ and Rust, and what the client learns of what was thrown."""

import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import frames
from support.marks import PROGRAMS, mark
from support.serving import assert_whole, attach, attach_arguments, client_path
from support.targets import running, running_process

THROWN = "C++ exception thrown"
OUT_OF_STOCK = "shop::OutOfStock"


async def set_filters(client: DapClient, *filters: str, **conditions: str) -> list[JsonObject]:
    """Set exception filters, those of `conditions` with one."""
    options = [{"filterId": name, "condition": condition} for name, condition in conditions.items()]
    body = await client.request("setExceptionBreakpoints", {"filters": list(filters), "filterOptions": options})
    found: list[JsonObject] = body["breakpoints"]
    return found


async def attach_with_filters(client: DapClient, target: object, conditions: Mapping[str, str]) -> list[JsonObject]:
    """Attach as an editor does that has exception filters ticked already."""
    await client.initialize()
    attaching = client.send("attach", attach_arguments(target))  # type: ignore[arg-type]
    await client.event("initialized")
    placed = await set_filters(client, **conditions)
    await client.request("configurationDone")
    await client.response(attaching)
    return placed


def compile_without_probes(folder: Path) -> Path:
    """Compile throwing.cpp with a run-time library like that of distributions that don't care for SystemTap."""
    program = folder / "throwing"
    source = PROGRAMS / "throwing.cpp"
    subprocess.run(["g++", "-std=c++20", "-g", "-O0", "-static", "-pthread", source, "-o", program], check=True)
    subprocess.run(["objcopy", "--remove-section", ".note.stapsdt", program], check=True)
    return program


async def info(client: DapClient, stopped: JsonObject) -> JsonObject:
    return await client.request("exceptionInfo", {"threadId": stopped["threadId"]})


@pytest.mark.shows(
    *("setExceptionBreakpoints", "exceptionInfo", "supportsExceptionInfoRequest"),
    *("exceptionBreakpointFilters", "supportsExceptionFilterOptions"),
)
@pytest.mark.parametrize("program", ["throwing", "throwing_static"])
@pytest.mark.docker
async def test_a_thrown_exception_stops_with_its_type_message_and_stack(client: DapClient, program: str) -> None:
    async with running(program) as target:
        (placed,) = await attach_with_filters(client, target, {"cpp_throw": "OutOfStock"})
        assert placed["verified"]
        stopped = await client.event("stopped")
        assert (stopped["reason"], stopped["description"]) == ("exception", f"{THROWN}: {OUT_OF_STOCK}")
        assert stopped["text"].startswith(f"{OUT_OF_STOCK}: no item ")
        assert stopped["hitBreakpointIds"] == [placed["id"]]
        found = await info(client, stopped)
        assert found["exceptionId"] == OUT_OF_STOCK
        assert found["description"].endswith(" on the shelf")
        assert found["breakMode"] == "always"
        details = found["details"]
        assert (details["typeName"], details["message"]) == (OUT_OF_STOCK, found["description"])
        assert f"throwing.cpp:{mark('throwing.cpp', 'throw')}" in details["stackTrace"]
        names = [frame["name"] for frame in await frames(client, stopped["threadId"])]
        assert any(name.startswith("shop::fail") for name in names)
        top = (await frames(client, stopped["threadId"]))[0]["id"]
        value = await client.request("evaluate", {"expression": f"({details['evaluateName']}).item", "frameId": top})
        assert value["result"].isdecimal()
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_what_is_thrown_is_read_whatever_it_is(client: DapClient) -> None:
    async with running("throwing") as target:
        await attach_with_filters(client, target, {"cpp_throw": ""})
        seen = {}
        for _ in range(6):
            stopped = await client.event("stopped", reason="exception")
            found = await info(client, stopped)
            seen[found["exceptionId"]] = found["description"]
            await client.request("continue", {"threadId": stopped["threadId"]})
        assert seen.pop(OUT_OF_STOCK).startswith("no item ")
        assert seen == {
            "int": "42",
            "char const*": "a plain text",
            "shop::Refused": "come back tomorrow",
            "shop::Disputed": "two sides to it",
            "std::string": "a string object",
        }
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_conditions_choose_by_type_and_change_while_the_target_runs(client: DapClient) -> None:
    async with running("throwing") as target:
        await attach(client, target, "throwing.cpp")
        for pattern, wanted in (("^int$", "int"), ("^std::", "std::string")):
            await set_filters(client, cpp_throw=pattern)
            for _ in range(2):
                stopped = await client.event("stopped", reason="exception")
                assert (await info(client, stopped))["exceptionId"] == wanted
                await client.request("continue", {"threadId": stopped["threadId"]})
        await set_filters(client)
        await target.assert_runs_on()
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_throw_rethrow_and_catch_are_told_apart(client: DapClient) -> None:
    async with running("throwing_static") as target:
        every = dict.fromkeys(("cpp_throw", "cpp_rethrow", "cpp_catch"), OUT_OF_STOCK)
        placed = await attach_with_filters(client, target, every)
        assert len({each["id"] for each in placed}) == 3
        words = []
        for _ in range(4):
            stopped = await client.event("stopped", reason="exception")
            assert (await info(client, stopped))["description"].startswith("no item ")
            words.append(stopped["description"])
            await client.request("continue", {"threadId": stopped["threadId"]})
        thrown, caught, again = (
            f"C++ exception {each}: {OUT_OF_STOCK}" for each in ("thrown", "caught", "thrown again")
        )
        assert words == [thrown, caught, again, caught]
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_filters_that_can_not_be_say_why(client: DapClient) -> None:
    async with running("throwing") as target:
        await attach(client, target, "throwing.cpp")
        unknown, pattern, signals = await set_filters(client, "all", cpp_throw="(", signals="SIGNOTHING")
        assert not any(each["verified"] for each in (unknown, pattern, signals))
        assert "cpp_throw" in unknown["message"]
        assert "regular expression" in pattern["message"]
        assert "'SIGNOTHING' is no signal" in signals["message"]
        await target.assert_runs_on()
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_there_is_no_exception_where_the_target_only_paused(client: DapClient) -> None:
    async with running("throwing") as target:
        await attach(client, target, "throwing.cpp", stopOnEntry=True)
        stopped = await client.event("stopped", reason="entry")
        refused = await client.refused("exceptionInfo", {"threadId": stopped["threadId"]})
        assert "did not stop at an exception" in str(refused)
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_rust_panics_stop_with_their_messages(client: DapClient) -> None:
    async with running("panicking") as target:
        (placed,) = await attach_with_filters(client, target, {"rust_panic": ""})
        assert placed["verified"]
        seen, stacks = set(), ""
        for _ in range(5):
            stopped = await client.event("stopped", reason="exception")
            assert stopped["description"] == "Rust panic"
            found = await info(client, stopped)
            assert found["exceptionId"] == "Rust panic"
            seen.add("".join(letter for letter in found["description"] if not letter.isdecimal()))
            stacks += found["details"]["stackTrace"]
            await client.request("continue", {"threadId": stopped["threadId"]})
        assert seen == {
            "no item  on the shelf",
            "a plain text",
            "index out of bounds: the len is  but the index is ",
            "nothing there",
            "the panic's value is no text",
        }
        assert f"panicking.rs:{mark('panicking.rs', 'index')}" in stacks
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_panics_are_chosen_by_their_message(client: DapClient) -> None:
    async with running("panicking") as target:
        await attach_with_filters(client, target, {"rust_panic": "out of bounds"})
        for _ in range(2):
            stopped = await client.event("stopped", reason="exception")
            assert stopped["text"].startswith("index out of bounds")
            await client.request("continue", {"threadId": stopped["threadId"]})
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_a_panic_of_a_program_that_aborts_stops_before_it_ends(client: DapClient) -> None:
    async with running("panicking_abort") as target:
        await attach_with_filters(client, target, {"rust_panic": "", "signals": ""})
        target.trigger()
        stopped = await client.event("stopped", reason="exception")
        assert stopped["text"] == 'called `Result::unwrap()` on an `Err` value: "sold out"'
        assert f"panicking.rs:{mark('panicking.rs', 'last')}" in (await info(client, stopped))["details"]["stackTrace"]
        await client.request("continue", {"threadId": stopped["threadId"]})
        stopped = await client.event("stopped", reason="exception")
        assert stopped["description"].startswith("SIGABRT")
        await client.disconnect()


@pytest.mark.root
async def test_the_hosts_own_gdb_knows_exceptions_too(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("throwing.cpp"), user=1000) as target:
        await attach_with_filters(client, target, {"cpp_throw": "Disputed"})
        stopped = await client.event("stopped", reason="exception")
        assert stopped["text"] == "shop::Disputed: two sides to it"
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.root
async def test_a_run_time_library_without_probes_will_do(client: DapClient, tmp_path: Path) -> None:
    async with running_process(compile_without_probes(tmp_path), user=1000) as target:
        await attach_with_filters(client, target, {"cpp_throw": "Disputed", "cpp_catch": "Disputed"})
        for word in ("thrown", "caught"):
            stopped = await client.event("stopped", reason="exception")
            assert stopped["description"] == f"C++ exception {word}: shop::Disputed"
            assert stopped["text"] == "shop::Disputed: two sides to it"
            await client.request("continue", {"threadId": stopped["threadId"]})
        # Nothing says what is thrown again, so all of it stops.
        await set_filters(client, cpp_rethrow="OutOfStock")
        stopped = await client.event("stopped", reason="exception")
        assert stopped["description"] == "C++ exception thrown again"
        assert "no probes" in stopped["text"]
        await client.disconnect()
        await assert_whole(target)


@pytest.mark.docker
async def test_a_program_without_panics_says_so(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        (panics,) = await set_filters(client, "rust_panic")
        assert (panics["verified"], panics["reason"]) == (False, "pending")
        assert "no Rust panics" in panics["message"]
        assert await client.set_breakpoints(client_path("spin.c")) == []
        await client.disconnect()
        await assert_whole(target)
