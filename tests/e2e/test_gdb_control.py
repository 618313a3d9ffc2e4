"""gdb: breakpoints, stacks, stops and ends, and what the attach configuration asks for."""

import pytest
from support.dap_client import DapClient
from support.looking import frames, place
from support.marks import mark
from support.serving import RULES, attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

SPIN = client_path("spin.c")


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


@pytest.mark.shows("initialize", "attach", "configurationDone", "initialized", "supportsConfigurationDoneRequest")
async def test_attach_is_answered_last_and_events_come_in_order(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work")
        await client.event("stopped")
        names = client.received()
        wanted = ["capabilities", "initialized", "setBreakpoints", "configurationDone", "attach", "stopped"]
        assert [name for name in names if name in wanted] == wanted
        await leave(client, target)


@pytest.mark.parametrize(
    "supported",
    [pytest.param(True, marks=pytest.mark.shows("progressStart", "progressUpdate", "progressEnd")), False],
)
async def test_the_preparation_is_reported(client: DapClient, supported: bool) -> None:
    async with running("spin") as target:
        await client.initialize(supportsProgressReporting=supported)
        await attach(client, target, "spin.c")
        if supported:
            assert client.received("progressStart", "progressEnd") == ["progressStart", "progressEnd"]
        else:
            assert client.received("progressStart") == []
            await client.output("reading symbols")
        await leave(client, target)


async def test_a_breakpoint_moves_to_the_next_line_with_code(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        # The end of an initializer has no code of its own.
        lines = (mark("spin.c", "work") - 2, mark("spin.c", "work"))
        moved, exact = await client.set_breakpoints(SPIN, *lines)
        assert moved["verified"]
        assert moved["line"] > lines[0]
        assert exact["line"] == lines[1]
        await leave(client, target)


async def test_a_breakpoint_without_code_says_so(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        (unknown,) = await client.set_breakpoints(client_path("nowhere.c"), 3)
        assert not unknown["verified"]
        assert "substitutePath" in unknown["message"]
        await leave(client, target)


@pytest.mark.shows("breakpoint")
async def test_a_pending_breakpoint_becomes_active_with_its_library(client: DapClient) -> None:
    async with running("host") as target:
        (pending,) = await attach(client, target, "plugin.c", "transform")
        assert not pending["verified"]
        target.trigger()
        changed = (await client.event("breakpoint", reason="changed"))["breakpoint"]
        assert (changed["id"], changed["verified"]) == (pending["id"], True)
        stopped = await client.event("stopped", reason="breakpoint")
        assert stopped["hitBreakpointIds"] == [pending["id"]]
        assert await place(client, stopped["threadId"]) == ("transform", mark("plugin.c", "transform"))
        await leave(client, target)


@pytest.mark.shows("stopped", "continue")
async def test_breakpoints_change_while_the_target_runs(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        await target.assert_runs_on()
        (placed,) = await client.set_breakpoints(SPIN, mark("spin.c", "report"))
        assert placed["verified"]
        stopped = await client.event("stopped", reason="breakpoint")
        await client.request("continue", {"threadId": stopped["threadId"]})
        await client.event("stopped", reason="breakpoint")
        assert await client.set_breakpoints(SPIN) == []
        await client.request("continue", {"threadId": stopped["threadId"]})
        await target.assert_runs_on()
        assert client.received("stopped") == ["stopped", "stopped"]
        await leave(client, target)


async def test_a_breakpoint_that_stays_keeps_its_id(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        lines = [mark("spin.c", name) for name in ("deep", "report")]
        (first,) = await client.set_breakpoints(client_path("spin.c"), lines[0])
        again, other = await client.set_breakpoints(client_path("spin.c"), *lines)
        assert again["id"] == first["id"] != other["id"]
        await leave(client, target)


async def test_a_deep_stack_is_paged(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "deep")
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        whole = await frames(client, thread)
        assert len(whole) > 40
        assert whole[-1]["name"] == "main"
        assert {frame["source"]["path"] for frame in whole} == {SPIN}
        pages = []
        for start in range(0, len(whole) + 15, 15):
            page = await client.request("stackTrace", {"threadId": thread, "startFrame": start, "levels": 15})
            pages += page["stackFrames"]
        assert pages == whole
        await leave(client, target)


async def test_threads_that_stand_in_libc_unwind_to_their_start(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", stopOnEntry=True)
        await client.event("stopped", reason="entry")
        threads = (await client.request("threads"))["threads"]
        stacks = {each["name"].split(" (")[0]: await frames(client, each["id"]) for each in threads}
        names = {name: [frame["name"] for frame in stack] for name, stack in stacks.items()}
        assert len(threads) == 16
        assert names["threads"][-1] == "main"
        for name in ("in-poll", "in-sleep", "in-recv", "in-condition"):
            assert "libc.so.6" in names[name][0], name
            assert any("_Invoker" in function for function in names[name]), name
        # A library's frame has no source, and is shown as less important.
        assert stacks["in-poll"][0]["presentationHint"] == "subtle"
        await leave(client, target)


@pytest.mark.shows("pause", "disconnect", "terminated")
async def test_steps_pause_and_detach_on_a_threaded_target(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "caught")
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        await client.set_breakpoints(client_path("threads.cpp"))
        await client.request("next", {"threadId": thread, "granularity": "instruction"})
        await client.event("stopped", reason="step")
        await client.request("stepIn", {"threadId": thread})
        await client.event("stopped", reason="step")
        await client.request("continue", {"threadId": thread})
        await client.request("pause", {"threadId": thread})
        await client.event("stopped", reason="pause")
        # Pausing what stands already changes nothing.
        await client.request("pause", {"threadId": thread})
        await leave(client, target)


@pytest.mark.parametrize(("kind", "signal"), [("segv", "SIGSEGV"), ("abort", "SIGABRT")])
async def test_a_crash_stops_the_target_with_its_signal(client: DapClient, kind: str, signal: str) -> None:
    async with running("crash", kind, "/tmp/trigger") as target:
        await attach(client, target, "crash.c")
        target.trigger()
        stopped = await client.event("stopped", reason="exception")
        assert stopped["description"].startswith(f"{signal}: ")
        assert stopped["text"]
        await client.request("continue", {"threadId": stopped["threadId"]})
        # The kernel keeps a signal from a PID 1 that is traced: it goes on and crashes once more.
        await client.event("stopped", reason="exception")
        await client.disconnect()
        assert await target.wait_exit() == 139


async def test_read_only_changes_nothing(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work", readOnly=True)
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        scopes = (await client.request("scopes", {"frameId": top["id"]}))["scopes"]
        locals_ = next(each["variablesReference"] for each in scopes if each["name"] == "Locals")
        refused = await client.refused("setVariable", {"variablesReference": locals_, "name": "change", "value": "1"})
        assert "readOnly" in str(refused)
        seen = await client.request("evaluate", {"expression": "(limit == 1000) + ('=' == 61)", "frameId": top["id"]})
        assert seen["result"] == "2"
        for expression in ("change = 1", "change <<= 1", "leaf(1, 1.0)", "`set var change = 1"):
            await client.refused("evaluate", {"expression": expression, "context": "repl", "frameId": top["id"]})
        await leave(client, target)


@pytest.mark.shows("continued")
async def test_max_pause_lets_the_target_go_on(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", stopOnEntry=True, maxPause=0.3)
        await client.event("stopped", reason="entry")
        await client.output("maxPause")
        await client.event("continued")
        await target.assert_runs_on()
        await leave(client, target)


@pytest.mark.shows("output")
async def test_the_users_own_commands_are_run_and_shown(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(
            client,
            target,
            "spin.c",
            initCommands=["echo from init\\n", "no-such-command"],
            attachCommands=["echo from attach\\n"],
            exitCommands=["echo from exit\\n"],
        )
        await client.output("from init")
        assert (await client.output("no-such-command"))["category"] == "important"
        await client.output("from attach")
        await client.disconnect()
        await client.output("from exit")
        await target.assert_let_go()


async def test_path_rules_are_learned_from_the_first_breakpoint(client: DapClient) -> None:
    async with running("spin") as target:
        path = "/elsewhere/checkout/spin.c"
        placed = await client.attach({"target": target.name}, {path: [mark("spin.c", "work")]})
        assert placed[path][0]["verified"]
        await client.output("/elsewhere/checkout <- /build/src")
        thread = (await client.event("stopped"))["threadId"]
        assert {frame["source"]["path"] for frame in await frames(client, thread)} == {path}
        await leave(client, target)


async def test_a_bad_request_spoils_only_itself(client: DapClient) -> None:
    async with running("spin") as target:
        await client.initialize()
        assert "launch" in str(await client.refused("launch", {"program": "/spin"}))
        await client.attach({"target": target.name, "substitutePath": RULES}, {SPIN: [mark("spin.c", "work")]})
        thread = (await client.event("stopped"))["threadId"]
        assert "noSuchRequest" in str(await refused_unchecked(client, "noSuchRequest"))
        assert "threadId" in str(await refused_unchecked(client, "stackTrace"))
        assert (await place(client, thread))[0] == "work"
        await leave(client, target)


async def refused_unchecked(client: DapClient, command: str) -> Exception:
    client.validate = False
    try:
        return await client.refused(command, {})
    finally:
        client.validate = True
