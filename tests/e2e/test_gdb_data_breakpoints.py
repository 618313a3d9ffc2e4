"""gdb: data breakpoints, by the processor's debug registers: what can be watched, what a hit tells, how they end."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import frames, opened, place, references
from support.marks import mark
from support.serving import assert_whole, attach, attach_arguments, client_path, serving
from support.targets import Target, running, running_process

WATCHED = client_path("watched.c")


async def info(client: DapClient, name: str, **more: object) -> JsonObject:
    return await client.request("dataBreakpointInfo", {"name": name, **more})


async def watch(client: DapClient, *wishes: JsonObject) -> list[JsonObject]:
    """Set these data breakpoints and no others: {"dataId": ..., "accessType": ...}, or infos."""
    known = ("dataId", "accessType", "condition", "hitCondition")
    wanted = [{key: wish[key] for key in known if key in wish} for wish in wishes]
    found: list[JsonObject] = (await client.request("setDataBreakpoints", {"breakpoints": wanted}))["breakpoints"]
    return found


async def go_on(client: DapClient) -> JsonObject:
    """Let the target go on to the next stop."""
    await client.request("continue", {"threadId": 1})
    return await client.event("stopped")


async def stop_at(client: DapClient, target: Target, name: str) -> int:
    """Attach, stop at a mark and remove the breakpoint; return the frame's id."""
    await attach(client, target, "watched.c", name)
    stopped = await client.event("stopped")
    await client.set_breakpoints(WATCHED)
    (top,) = await frames(client, stopped["threadId"], levels=1)
    return int(top["id"])


async def leave(client: DapClient, target: Target) -> None:
    """Disconnect; a debug register that is left would kill the target at its next write."""
    await client.disconnect()
    await assert_whole(target)
    await target.assert_runs_on()


@pytest.mark.shows(
    *("dataBreakpointInfo", "setDataBreakpoints", "supportsDataBreakpoints", "supportsDataBreakpointBytes"),
)
@pytest.mark.docker
async def test_a_write_stops_with_the_old_and_the_new_value(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        found = await info(client, "total", frameId=frame)
        assert found["description"] == "total (8 bytes)"
        assert found["accessTypes"] == ["write", "read", "readWrite"]
        assert found["canPersist"]
        (placed,) = await watch(client, found)
        assert placed["verified"]
        for _ in range(2):
            stopped = await go_on(client)
            assert stopped["reason"] == "data breakpoint"
            assert stopped["hitBreakpointIds"] == [placed["id"]]
            change = re.fullmatch(r"total: (\d+) → (\d+)", stopped["description"])
            assert change
            assert int(change[2]) > int(change[1])
            assert stopped["text"] == stopped["description"]
            assert await place(client, stopped["threadId"]) == ("main", mark("watched.c", "total-write") + 1)
        await leave(client, target)


@pytest.mark.docker
async def test_reads_are_seen_where_asked_for(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        settings = await info(client, "settings", frameId=frame)
        assert (await watch(client, settings))[0]["verified"]
        await client.request("continue", {"threadId": 1})
        # It is read all the time and never written.
        await target.assert_runs_on()
        await watch(client, settings | {"accessType": "read"})
        assert (await client.event("stopped", reason="data breakpoint"))["description"] == "settings was read: 7"
        await watch(client, settings | {"accessType": "readWrite"})
        assert (await go_on(client))["description"] == "settings was read or written: 7"
        await client.request("continue", {"threadId": 1})
        await leave(client, target)


@pytest.mark.docker
async def test_a_member_an_element_and_what_a_pointer_points_to(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        evaluated = await client.request("evaluate", {"expression": "origin", "frameId": frame})
        reference = evaluated["variablesReference"]
        assert "x" in await opened(client, reference)
        member = await info(client, "x", variablesReference=reference)
        assert member["description"] == "x (4 bytes)"
        history = (await client.request("evaluate", {"expression": "history", "frameId": frame}))["variablesReference"]
        element = await info(client, "[3]", variablesReference=history)
        pointed = await info(client, "heap_like->y", frameId=frame)
        assert pointed["description"] == "heap_like->y (4 bytes)"
        placed = await watch(client, member, element | {"accessType": "readWrite"}, pointed)
        assert [each["verified"] for each in placed] == [True] * 3
        seen = {(await go_on(client))["description"].split(":")[0] for _ in range(10)}
        assert seen == {"x", "[3] was read or written"}
        await leave(client, target)


@pytest.mark.docker
async def test_an_address_with_a_size(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        address = (await client.request("evaluate", {"expression": "&origin.x", "frameId": frame}))["memoryReference"]
        found = await info(client, address, asAddress=True, bytes=4)
        assert found["description"] == f"{address} (4 bytes)"
        await watch(client, found)
        stopped = await go_on(client)
        assert re.fullmatch(rf"{address}: \d+ → \d+", stopped["description"])
        part = await info(client, "total", bytes=2)
        assert part["description"] == "total (2 bytes)"
        nowhere = await info(client, "0x10", asAddress=True, bytes=4)
        assert nowhere == {"dataId": None, "description": "there is no memory at 0x10"}
        await leave(client, target)


@pytest.mark.docker
async def test_conditions_and_hit_conditions(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        now = int((await client.request("evaluate", {"expression": "origin.x", "frameId": frame}))["result"])
        found = await info(client, "origin.x", frameId=frame)
        await watch(client, found | {"condition": f"origin.x > {now + 4}"})
        assert (await go_on(client))["description"] == f"origin.x: {now + 4} → {now + 5}"
        await watch(client, found | {"hitCondition": "3"})
        assert (await go_on(client))["description"] == f"origin.x: {now + 7} → {now + 8}"
        (wrong,) = await watch(client, found | {"condition": "no_such_thing > 1"})
        assert not wrong["verified"]
        assert "no_such_thing" in wrong["message"]
        await client.request("continue", {"threadId": 1})
        await target.assert_runs_on()
        assert client.received("stopped") == ["stopped"] * 3
        await leave(client, target)


@pytest.mark.docker
async def test_set_and_removed_while_the_target_runs(client: DapClient) -> None:
    async with running("watched") as target:
        await attach(client, target, "watched.c")
        found = await info(client, "from_thread")
        assert (await watch(client, found))[0]["verified"]
        stopped = await client.event("stopped", reason="data breakpoint")
        change = re.fullmatch(r"from_thread: (\d+) → (\d+)", stopped["text"])
        assert change
        assert int(change[2]) - int(change[1]) == 3
        # By the other thread than the main one, which alone was there at the beginning.
        name, _ = await place(client, stopped["threadId"])
        assert name == "worker"
        await client.request("continue", {"threadId": stopped["threadId"]})
        await client.event("stopped", reason="data breakpoint")
        assert await watch(client) == []
        await client.request("continue", {"threadId": stopped["threadId"]})
        await target.assert_runs_on()
        assert client.received("stopped") == ["stopped"] * 2
        await leave(client, target)


@pytest.mark.docker
async def test_the_end_of_a_locals_scope_is_told_and_the_target_goes_on(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        scope = (await references(client, frame))["Locals"]
        found = await info(client, "sum", variablesReference=scope)
        assert found["description"] == "sum (8 bytes, until local_work is left)"
        assert not found["canPersist"]
        (placed,) = await watch(client, found)
        stopped = await go_on(client)
        change = re.fullmatch(r"sum: (\d+) → (\d+)", stopped["description"])
        assert change
        assert int(change[2]) == int(change[1]) + 5
        await client.request("continue", {"threadId": stopped["threadId"]})
        assert "sum" in (await client.output("removed"))["output"]
        removed = await client.event("breakpoint", reason="removed")
        assert removed["breakpoint"]["id"] == placed["id"]
        await target.assert_runs_on()
        assert client.received("stopped") == ["stopped"] * 2
        # Of another call it would be another variable.
        (late,) = await watch(client, found | {"accessType": "readWrite"})
        assert not late["verified"]
        assert "earlier call of local_work" in late["message"]
        await leave(client, target)


@pytest.mark.docker
async def test_a_step_out_of_the_scope_still_ends(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local-write")
        await watch(client, await info(client, "sum", frameId=frame))
        assert (await client.request("stepOut", {"threadId": 1})) == {}
        stopped = await client.event("stopped")
        if stopped["reason"] == "data breakpoint":
            await client.request("stepOut", {"threadId": 1})
            stopped = await client.event("stopped")
        assert stopped["reason"] == "step"
        assert (await place(client, 1))[0] == "main"
        await client.output("removed")
        await leave(client, target)


@pytest.mark.docker
async def test_too_wide_and_too_many_are_refused(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        wide = await info(client, "history", frameId=frame)
        (refused,) = await watch(client, wide)
        assert not refused["verified"]
        assert "history has 64 bytes, too many to watch" in refused["message"]
        names = ["total", "from_thread", "origin.y", "heap_like", *(f"history[{index}]" for index in range(1, 7))]
        many = [await info(client, name, frameId=frame) for name in names]
        placed = await watch(client, *many)
        assert [each["verified"] for each in placed] == [True] * 4 + [False] * 6
        for refused, name in zip(placed[4:], names[4:], strict=True):
            assert f"too many data breakpoints: {name} needs 1 of the processor's 4" in refused["message"]
        # They are all in the hardware, or the target could not go on.
        assert (await go_on(client))["reason"] == "data breakpoint"
        await leave(client, target)


@pytest.mark.docker
async def test_what_can_not_be_watched_says_why(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        scopes = await references(client, frame)
        registers = next(scopes[name] for name in scopes if "egister" in name)
        cases = (
            ({"name": "total + 1", "frameId": frame}, "no place in memory"),
            ({"name": "origin.visible", "frameId": frame}, "bit field"),
            ({"name": "nothing_like_it", "frameId": frame}, "nothing_like_it"),
            ({"name": "rip", "variablesReference": registers}, "register"),
        )
        for arguments, reason in cases:
            found = await client.request("dataBreakpointInfo", arguments)
            assert found["dataId"] is None
            assert reason in found["description"]
        (foreign,) = await watch(client, {"dataId": json.dumps({"x": 1})})
        assert "set it again" in foreign["message"]
        await leave(client, target)


@pytest.mark.docker
async def test_one_that_persisted_is_set_before_the_attach(client: DapClient) -> None:
    async with running("watched") as target:
        await watch_again(client, target)
        await leave(client, target)


@pytest.mark.root
async def test_a_program_that_is_loaded_anywhere_is_watched_once_attached(
    client: DapClient, compiled: Callable[[str], Path]
) -> None:
    async with running_process(compiled("watched.c"), user=1000) as target:
        await client.initialize()
        attaching = client.send("attach", attach_arguments(target, stopOnEntry=True))
        await client.event("initialized")
        found = await info(client, "total")
        (early,) = await watch(client, found)
        assert not early["verified"]
        assert "once the debugger is attached" in early["message"]
        await client.request("configurationDone")
        await client.response(attaching)
        await client.event("stopped", reason="entry")
        (placed,) = await watch(client, await info(client, "total"))
        assert placed["verified"]
        assert (await go_on(client))["reason"] == "data breakpoint"
        await leave(client, target)


async def watch_again(client: DapClient, target: Target) -> None:
    """Set a data breakpoint, found in a session that is over, before this one is attached; wait for its hit."""
    async with serving() as earlier:
        await attach(earlier, target, "watched.c")
        found = await info(earlier, "total")
        await earlier.disconnect()
    await client.initialize()
    attaching = client.send("attach", attach_arguments(target))
    await client.event("initialized")
    # Where the program was built anew the variable has another address.
    moved = json.loads(found["dataId"])
    moved["address"] += 64
    (placed,) = await watch(client, found | {"dataId": json.dumps(moved)})
    assert placed["verified"]
    await client.request("configurationDone")
    await client.response(attaching)
    stopped = await client.event("stopped", reason="data breakpoint")
    assert stopped["hitBreakpointIds"] == [placed["id"]]
    assert await place(client, stopped["threadId"]) == ("main", mark("watched.c", "total-write") + 1)


@pytest.mark.docker
async def test_two_at_one_place_stop_once(client: DapClient) -> None:
    async with running("watched") as target:
        frame = await stop_at(client, target, "local")
        found = await info(client, "total", frameId=frame)
        placed = await watch(client, found, found | {"accessType": "readWrite"})
        stopped = await go_on(client)
        assert {each["id"] for each in placed} >= set(stopped["hitBreakpointIds"])
        assert stopped["reason"] == "data breakpoint"
        await leave(client, target)


@pytest.mark.docker
async def test_rusts_locals_and_members(client: DapClient) -> None:
    async with running("panicking") as target:
        await attach(client, target, "panicking.rs", "loop")
        stopped = await client.event("stopped")
        await client.set_breakpoints(client_path("panicking.rs"))
        (top,) = await frames(client, stopped["threadId"], levels=1)
        scope = (await references(client, top["id"]))["Locals"]
        found = await info(client, "round", variablesReference=scope)
        # There is nothing behind the main function, which is left at the very end only.
        assert found["description"] == "round (8 bytes)"
        assert not found["canPersist"]
        (placed,) = await watch(client, found)
        assert placed["verified"]
        for _ in range(2):
            stopped = await go_on(client)
            change = re.fullmatch(r"round: (\d+) → (\d+)", stopped["description"])
            assert change
            assert int(change[2]) == int(change[1]) + 1
        await leave(client, target)


@pytest.mark.docker
async def test_a_call_that_a_panic_ends_ends_the_scope_too(client: DapClient) -> None:
    async with running("panicking") as target:
        await attach(client, target, "panicking.rs", "index")
        stopped = await client.event("stopped")
        await client.set_breakpoints(client_path("panicking.rs"))
        (top,) = await frames(client, stopped["threadId"], levels=1)
        found = await info(client, "round", frameId=top["id"])
        assert found["description"] == "round (8 bytes, until panicking::fail is left)"
        assert (await watch(client, found))[0]["verified"]
        await client.request("continue", {"threadId": stopped["threadId"]})
        await client.output("removed")
        await target.assert_runs_on()
        assert client.received("stopped") == ["stopped"]
        await leave(client, target)


@pytest.mark.root
async def test_the_hosts_own_gdb_watches_too(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("watched.c"), user=1000) as target:
        frame = await stop_at(client, target, "local")
        sum_, total = await info(client, "sum", frameId=frame), await info(client, "total", frameId=frame)
        assert sum_["description"] == "sum (8 bytes, until local_work is left)"
        placed = await watch(client, sum_, total)
        assert [each["verified"] for each in placed] == [True] * 2
        assert (await go_on(client))["description"].startswith("sum: ")
        assert (await go_on(client))["description"].startswith("total: ")
        await client.output("removed")
        await leave(client, target)
