"""gdb: requests while the target runs, and requests that take long and are cancelled."""

from typing import Any

import msgspec
import pytest
from support.dap_client import DapClient, DapError, JsonObject
from support.looking import frames
from support.marks import mark
from support.serving import attach, client_path
from support.stepping import stop_of
from support.targets import running

from dapbridge.engines.mi.engine import HANDLERS
from dapbridge.engines.mi.requests import Handler

pytestmark = pytest.mark.docker

STEPS = "steps.cpp"
# Those that are no question: they begin the session, or stop the target.
_OTHERS = ("attach", "configurationDone", "pause")
# What the required arguments of any request may be, by their names.
_VALUES: JsonObject = {
    "breakpoints": [],
    "count": 1,
    "data": "AAAA",
    "expression": "sink",
    "filters": [],
    "frameId": 1,
    "instructionCount": 1,
    "line": 1,
    "locationReference": 1,
    "memoryReference": "0x0",
    "name": "sink",
    "source": {"path": client_path(STEPS)},
    "sourceReference": 1,
    "targetId": 1,
    "column": 1,
    "text": "si",
    "threadId": 1,
    "value": "1",
    "variablesReference": 1,
}


def arguments_of(handler: Handler) -> JsonObject:
    required = [each.encode_name for each in msgspec.structs.fields(handler.arguments) if each.required]
    return {name: _VALUES[name] for name in required}


async def answer(client: DapClient, command: str, arguments: JsonObject) -> str:
    """Return how a request was refused, "" if it wasn't."""
    try:
        await client.request(command, arguments)
    except DapError as error:
        return error.text
    return ""


@pytest.mark.parametrize("read_only", [False, True])
async def test_every_request_is_answered_without_a_stop(client: DapClient, read_only: bool) -> None:
    async with running("steps") as target:
        await attach(client, target, STEPS, readOnly=read_only)
        client.validate = False
        answers = {
            command: await answer(client, command, arguments_of(handler))
            for command, handler in HANDLERS.items()
            if command not in _OTHERS
        }
        client.validate = True
        assert len(answers) > 25
        internal = {command: text for command, text in answers.items() if "internal error" in text}
        assert not internal
        for command, text in answers.items():
            if HANDLERS[command].needs_stop:
                assert text.endswith("notStopped"), command
        assert client.received("stopped", "continued", "terminated") == []
        await target.assert_runs_on()
        # Nothing of it has spoiled the session.
        await client.set_breakpoints(client_path(STEPS), mark(STEPS, "jump-start"))
        await client.event("stopped", reason="breakpoint")
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()


async def test_globals_are_read_while_the_target_runs(client: DapClient) -> None:
    async with running("steps") as target:
        await attach(client, target, STEPS)
        seen = (await client.request("evaluate", {"expression": "depth_wanted"}))["result"]
        assert seen == "0"
        assert len((await client.request("threads"))["threads"]) >= 2
        assert client.received("stopped") == []
        await client.disconnect()
        await target.assert_let_go()


@pytest.mark.shows("pause")
async def test_a_pause_of_one_thread_stops_all_and_a_second_one_changes_nothing(client: DapClient) -> None:
    async with running("steps") as target:
        await attach(client, target, STEPS)
        helper = (await client.request("threads"))["threads"][1]
        await client.request("pause", {"threadId": helper["id"]})
        stopped = await client.event("stopped", reason="pause")
        assert stopped["allThreadsStopped"]
        # Those that are there now: one of them comes and goes.
        threads = (await client.request("threads"))["threads"]
        for each in threads:
            assert await frames(client, each["id"])
        await client.request("pause", {"threadId": threads[0]["id"]})
        assert client.received("stopped") == ["stopped"]
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()


# Cancelling


async def cancelled(client: DapClient, command: str, arguments: JsonObject) -> str:
    """Send a request and cancel it at once; return how it was answered."""
    seq = client.send(command, arguments)
    await client.request("cancel", {"requestId": seq})
    try:
        await client.response(seq)
    except DapError as error:
        return error.text
    return ""


async def deep_stop(client: DapClient, target: Any) -> int:
    """Let the program recurse as deep as its stack allows; return the thread that stands there."""
    await attach(client, target, STEPS, "report")
    thread: int = (await client.event("stopped"))["threadId"]
    (top,) = await frames(client, thread, levels=1)
    deeper = {"expression": "depth_wanted = 100000", "context": "repl", "frameId": top["id"]}
    assert (await client.request("evaluate", deeper))["result"] == "100000"
    await client.set_breakpoints(client_path(STEPS), mark(STEPS, "deep"))
    await stop_of(client, "continue", thread)
    return thread


@pytest.mark.shows("cancel", "supportsCancelRequest")
async def test_the_stack_of_a_deep_recursion_is_cancelled(client: DapClient) -> None:
    async with running("steps") as target:
        thread = await deep_stop(client, target)
        assert "cancelled" in await cancelled(client, "stackTrace", {"threadId": thread})
        # What is asked next is answered, and right.
        top = (await frames(client, thread, levels=3))[0]
        assert top["name"] == "descend"
        await client.request("evaluate", {"expression": "depth_wanted = 0", "context": "repl", "frameId": top["id"]})
        await client.set_breakpoints(client_path(STEPS))
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()


async def test_an_endless_call_is_cancelled_and_undone(client: DapClient) -> None:
    async with running("steps") as target:
        await attach(client, target, STEPS, "jump-start")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        arguments = {"expression": "endless()", "context": "repl", "frameId": top["id"]}
        assert "cancelled" in await cancelled(client, "evaluate", arguments)
        assert (await frames(client, thread, levels=1))[0]["name"] == "jumps"
        await client.set_breakpoints(client_path(STEPS))
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()


async def test_a_request_that_is_cancelled_too_late_keeps_its_answer(client: DapClient) -> None:
    async with running("steps") as target:
        await attach(client, target, STEPS, "jump-start")
        thread = (await client.event("stopped"))["threadId"]
        seq = client.send("stackTrace", {"threadId": thread})
        assert (await client.response(seq))["stackFrames"]
        await client.request("cancel", {"requestId": seq})
        for command in ("stackTrace", "stepInTargets", "breakpointLocations", "gotoTargets"):
            (top,) = await frames(client, thread, levels=1)
            arguments: JsonObject = {
                "stackTrace": {"threadId": thread},
                "stepInTargets": {"frameId": top["id"]},
            }.get(command, {"source": {"path": client_path(STEPS)}, "line": mark(STEPS, "jump-end")})
            assert await cancelled(client, command, arguments) in ("", "cancelled")
            assert await client.request(command, arguments)
        await client.disconnect()
        await target.assert_let_go()
        await target.assert_runs_on()
