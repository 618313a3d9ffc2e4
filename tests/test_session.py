"""Transcripts of sessions with a fake engine; every message is checked against DAP's schema by the client."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from support.dap_client import DapClient, DapError
from support.fake_engine import FakePreparation, FakePrepared
from support.sessions import connected_client

from dapbridge.dap.framing import format_frame
from dapbridge.dap.messages import Request, Response
from dapbridge.errors import EngineError, UserError
from dapbridge.prepared import TargetEnd
from dapbridge.session import MAX_HELD_REQUESTS, Session

RULES = [{"from": "/home/me/app", "to": "/build/src"}]
ATTACH: dict[str, Any] = {"target": "api", "substitutePath": RULES}


@pytest.fixture
async def preparation() -> FakePreparation:
    return FakePreparation()


@asynccontextmanager
async def attached(preparation: FakePreparation, **arguments: Any) -> AsyncIterator[DapClient]:
    async with connected_client(preparation) as client:
        await client.attach(ATTACH | arguments)
        yield client


async def preparing(client: DapClient, preparation: FakePreparation) -> int:
    """Bring a session to where the target is being prepared and stays so; return the seq of `attach`."""
    preparation.gate.clear()
    await client.initialize()
    seq = client.send("attach", ATTACH)
    await preparation.begun.wait()
    return seq


async def configuring(client: DapClient) -> int:
    """Bring a session to `initialized`; return the seq of `attach`."""
    await client.initialize()
    seq = client.send("attach", ATTACH)
    await client.event("initialized")
    return seq


# The order of a session


async def test_attach_is_answered_last_after_capabilities_initialized_and_configuration(
    preparation: FakePreparation,
) -> None:
    async with connected_client(preparation) as client:
        await client.attach(ATTACH, {"/home/me/app/main.c": [3]})
        order = ["initialize", "capabilities", "initialized", "setBreakpoints", "configurationDone", "attach"]
        assert client.received(*order) == order
        assert await client.event("capabilities") == {"capabilities": {"supportsStepBack": False}}
        assert preparation.engine.commands() == ["setBreakpoints", "configurationDone", "attach"]
        assert preparation.configs[0].target == "api"


async def test_initialize_is_answered_with_what_all_engines_can(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        capabilities = await client.initialize()
        assert capabilities["supportsConfigurationDoneRequest"] is True
        assert capabilities["supportsCancelRequest"] is True
        assert "supportsTerminateRequest" not in capabilities
        # VS Code takes these from nowhere else.
        assert "signals" in [each["filter"] for each in capabilities["exceptionBreakpointFilters"] if each["default"]]
        assert [each["mode"] for each in capabilities["breakpointModes"]] == ["software", "hardware"]


async def test_no_capabilities_event_when_the_engine_adds_none(preparation: FakePreparation) -> None:
    preparation.set_up = lambda prepared: prepared.engine.capabilities.clear()
    async with attached(preparation) as client:
        assert client.received("capabilities") == []


async def test_attach_is_not_answered_before_the_engine_has_attached(preparation: FakePreparation) -> None:
    preparation.set_up = lambda prepared: prepared.engine.unanswered.add("attach")
    async with connected_client(preparation) as client:
        attach = await configuring(client)
        await client.request("configurationDone")
        await client.request("threads")
        assert "attach" not in client.received()
        preparation.engine.emit(Response(attach, "attach"))
        await client.response(attach)


async def test_slips_in_the_attach_configuration_are_told_prominently(preparation: FakePreparation) -> None:
    async with attached(preparation, maxpause=2, program="${command:pick}") as client:
        assert await client.event("output", category="important") == {
            "category": "important",
            "output": "unknown attribute 'maxpause'; did you mean 'maxPause'?\n",
        }
        await client.output("'program' still contains ${command:pick}")


async def test_slips_are_told_also_where_they_make_attach_fail(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        await client.initialize()
        assert '"target" is missing' in (await client.refused("attach", {"traget": "api"})).text
        await client.output("did you mean 'target'?")


async def test_what_editors_add_to_the_attach_configuration_is_no_slip(preparation: FakePreparation) -> None:
    async with attached(preparation, name="api", type="cppdbg", debugServer=4711, __sessionId="1") as client:
        assert client.received("output") == []


async def test_large_messages_pass_both_ways(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        expression = "x" * 3_000_000
        assert (await client.request("evaluate", {"expression": expression}))["result"] == expression


async def test_responses_go_out_before_the_events_they_cause(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        engine = preparation.engine

        def answer(request: Request) -> Response:
            engine.emit(Response(request.seq, "continue", body={"allThreadsContinued": True}))
            engine.tell("continued", {"threadId": 1})
            engine.tell("stopped", {"reason": "breakpoint", "threadId": 1})
            return Response(request.seq, "continue", body={"allThreadsContinued": False})

        engine.answers["continue"] = answer
        await client.request("continue", {"threadId": 1})
        await client.event("stopped")
        await client.request("threads")
        assert client.received("continue", "continued", "stopped") == ["continue", "continued", "stopped"]


async def test_breakpoints_and_configuration_done_sent_too_early_wait_in_order(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        attach = await preparing(client, preparation)
        breakpoints = client.send(
            "setBreakpoints", {"source": {"path": "/home/me/app/main.c"}, "breakpoints": [{"line": 3}]}
        )
        done = client.send("configurationDone")
        again = client.send("configurationDone")
        with pytest.raises(DapError, match="still being prepared"):
            await client.request("stackTrace", {"threadId": 1})
        assert "setBreakpoints" not in client.received()
        preparation.gate.set()
        await client.response(breakpoints)
        await client.response(done)
        await client.response(attach)
        with pytest.raises(DapError, match="attached already"):
            await client.response(again)
        order = ["initialized", "setBreakpoints", "configurationDone"]
        assert client.received(*order)[:3] == order
        assert preparation.engine.commands() == ["setBreakpoints", "configurationDone", "attach"]


async def test_only_so_many_requests_wait(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        await preparing(client, preparation)
        for _ in range(MAX_HELD_REQUESTS):
            client.send("setExceptionBreakpoints", {"filters": []})
        error = await client.refused("setExceptionBreakpoints", {"filters": []})
        assert str(MAX_HELD_REQUESTS) in error.text


def test_a_request_reaches_the_engine_and_an_answer_the_client_within_one_call() -> None:
    class Wire:
        def __init__(self) -> None:
            self.data = b""

        def write(self, data: bytes) -> None:
            self.data += data

        def close(self) -> None:
            pass

    async def scenario() -> None:
        preparation, wire = FakePreparation(), Wire()
        session = Session(wire, preparation, "test")

        def say(seq: int, command: str, arguments: dict[str, Any] | None = None) -> None:
            body = {"seq": seq, "type": "request", "command": command, "arguments": arguments}
            session.receive_data(format_frame(json.dumps(body).encode()))

        async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
            prepared = asyncio.Event()
            preparation.set_up = lambda prepared_: prepared.set()
            tasks.create_task(session.run())
            await asyncio.sleep(0)
            say(1, "initialize")
            say(2, "attach", ATTACH)
            await prepared.wait()
            while b'"initialized"' not in wire.data:
                await asyncio.sleep(0)
            say(3, "configurationDone")
            wire.data = b""
            say(4, "threads")
            # No await between: nothing may have waited for the event loop.
            assert preparation.engine.commands()[-1] == "threads"
            assert b'"threads":[{' in wire.data
            session.client_gone()

    asyncio.run(scenario())


# Wrong things from the client


async def test_launch_says_what_to_write_instead(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        await client.initialize()
        error = await client.refused("launch", {"program": "a.out"})
        assert error.shown
        assert '"request": "attach"' in error.text
        assert '"target"' in error.text
        await client.attach(ATTACH)


async def test_requests_in_the_wrong_state_are_refused_and_the_session_lives_on(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        assert "'initialize' must be sent first" in (await client.refused("threads")).text
        assert "'initialize' must be sent first" in (await client.refused("attach", ATTACH)).text
        await client.initialize()
        assert "'attach' must be sent first" in (await client.refused("stackTrace", {"threadId": 1})).text
        assert "'attach' must be sent first" in (await client.refused("configurationDone")).text
        assert "already" in (await client.refused("initialize", {"adapterID": "x"})).text
        attach = client.send("attach", ATTACH)
        await client.event("initialized")
        assert "configurationDone" in (await client.refused("stackTrace", {"threadId": 1})).text
        assert "already" in (await client.refused("attach", ATTACH)).text
        await client.request("configurationDone")
        await client.response(attach)
        assert "already" in (await client.refused("attach", ATTACH)).text
        await client.request("threads")


async def test_unknown_commands_are_refused_in_every_state(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        client.validate = False
        assert (await client.refused("nonsense")).text == "unsupported request 'nonsense'"
        await client.initialize()
        assert (await client.refused("nonsense")).text == "unsupported request 'nonsense'"
        await client.attach(ATTACH)
        assert (await client.refused("nonsense")).text == "unsupported request 'nonsense'"
        for command in ("terminate", "restart"):
            assert f"unsupported request '{command}'" in (await client.refused(command)).text


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"seq":9,"type":"request","command":"threads","arguments":[]}', "Expected `object | null`"),
        (b'{"seq":9,"type":"request"}', "missing required field `command`"),
        (b'{"seq":9,"type":"request","command":"threads",', "not JSON"),
    ],
)
async def test_a_bad_message_is_answered_if_it_says_who_asks(
    preparation: FakePreparation, body: bytes, text: str
) -> None:
    async with attached(preparation) as client:
        client.send_body(body)
        with pytest.raises(DapError) as caught:
            await client.response(9)
        assert text in caught.value.text
        await client.request("threads")


async def test_a_bad_message_without_a_seq_is_told_as_output(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        client.send_body(b"not json")
        assert (await client.output("not JSON"))["category"] == "important"
        client.send_message({"seq": 50, "type": "event", "event": "initialized"})
        await client.request("threads")


async def test_arguments_of_wrong_types_are_refused(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        client.validate = False
        assert "linesStartAt1" in (await client.refused("initialize", {"linesStartAt1": "yes"})).text
        assert "from 1" in (await client.refused("initialize", {"linesStartAt1": False})).text
        assert "uri" in (await client.refused("initialize", {"pathFormat": "uri"})).text
        await client.initialize()
        assert "requestId" in (await client.refused("cancel", {"requestId": "x"})).text
        await client.attach(ATTACH)
        await client.disconnect(terminateDebuggee="perhaps")


async def test_a_seq_that_is_in_use_is_refused_without_spoiling_its_owner(preparation: FakePreparation) -> None:
    preparation.set_up = lambda prepared: prepared.engine.unanswered.add("pause")
    async with attached(preparation) as client:
        pause = client.send("pause", {"threadId": 1})
        client.send_message({"seq": pause, "type": "request", "command": "threads"})
        with pytest.raises(DapError, match="has not been answered yet"):
            await client.response(pause)
        preparation.engine.emit(Response(pause, "pause"))
        await client.response(pause)
        preparation.engine.emit(Response(pause, "pause"))
        await client.request("threads")
        assert client.received("pause", "threads") == ["threads", "pause", "threads"]


async def test_clients_that_number_from_zero_are_served(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        client.validate = False
        client.send_message({"seq": 0, "type": "request", "command": "initialize", "arguments": {"adapterID": "x"}})
        assert (await client.response(0))["supportsCancelRequest"]


async def test_a_bug_in_a_handler_spoils_that_request_alone(
    preparation: FakePreparation, caplog: pytest.LogCaptureFixture
) -> None:
    async with attached(preparation) as client:
        preparation.engine.answers["threads"] = lambda request: request.arguments["missing"]
        error = await client.refused("threads")
        assert "internal error of dapbridge" in error.text
        assert "KeyError" in error.text
        assert "Traceback" in caplog.text
        await client.request("continue", {"threadId": 1})


async def test_a_request_that_was_answered_before_its_handler_failed_has_one_answer(
    preparation: FakePreparation,
) -> None:
    async with attached(preparation) as client:

        def answer_and_fail(request: Request) -> Response:
            preparation.engine.emit(Response(request.seq, "threads", body={"threads": []}))
            raise EngineError("too late")

        preparation.engine.answers["threads"] = answer_and_fail
        assert await client.request("threads") == {"threads": []}
        await client.request("continue", {"threadId": 1})
        assert client.received("threads") == ["threads"]


async def test_an_answer_that_cannot_be_sent_becomes_an_error(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        preparation.engine.answers["threads"] = lambda _: {"threads": object()}
        assert "TypeError" in (await client.refused("threads")).text
        await client.request("continue", {"threadId": 1})


async def test_an_engine_error_at_once_is_the_debuggers_own_words(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:

        def fail(_: Request) -> Response:
            raise EngineError('No symbol "x" in current context.')

        preparation.engine.answers["evaluate"] = fail
        assert (await client.refused("evaluate", {"expression": "x"})).text == 'No symbol "x" in current context.'


# Attach that fails


async def test_attach_refused_by_the_preparation_can_be_tried_again(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        preparation.error = UserError("no container named 'api'")
        with pytest.raises(DapError) as caught:
            await client.attach(ATTACH)
        assert caught.value.text == "no container named 'api'"
        assert caught.value.shown
        assert client.received("initialized", "terminated") == []
        preparation.error = None
        await client.attach(ATTACH)
        await client.request("threads")


async def test_attach_with_a_bad_configuration_says_so_and_prepares_nothing(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        with pytest.raises(DapError) as caught:
            await client.attach({})
        assert "target" in caught.value.text
        assert caught.value.shown
        assert preparation.configs == []
        await client.attach(ATTACH)


async def test_a_failed_start_lets_go_before_attach_and_what_waited_are_answered(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        preparation.set_up = lambda prepared: setattr(
            prepared.engine, "start_error", EngineError("no debugging symbols")
        )
        attach = await preparing(client, preparation)
        done = client.send("configurationDone")
        await client.request("cancel", {})
        preparation.gate.set()
        with pytest.raises(DapError, match="no debugging symbols"):
            await client.response(attach)
        with pytest.raises(DapError, match="'attach' failed: no debugging symbols"):
            await client.response(done)
        assert preparation.prepared[0].closed.is_set()


async def test_a_bug_in_the_preparation_is_told_and_logged(
    preparation: FakePreparation, caplog: pytest.LogCaptureFixture
) -> None:
    async with connected_client(preparation) as client:
        preparation.error = ZeroDivisionError("division by zero")
        with pytest.raises(DapError, match=r"internal error of dapbridge.*ZeroDivisionError"):
            await client.attach(ATTACH)
        assert "Traceback" in caplog.text


async def test_a_refused_ptrace_attach_is_shown_and_ends_the_debugging(preparation: FakePreparation) -> None:
    def refuse(request: Request) -> Response:
        return Response(request.seq, "attach", False, "ptrace: Operation not permitted.")

    preparation.set_up = lambda prepared: prepared.engine.answers.update(attach=refuse)
    async with connected_client(preparation) as client:
        with pytest.raises(DapError) as caught:
            await client.attach(ATTACH)
        assert caught.value.text == "ptrace: Operation not permitted."
        assert caught.value.shown
        await client.event("terminated")
        await preparation.prepared[0].closed.wait()
        assert "debugging has ended" in (await client.refused("threads")).text
        await client.disconnect()
        assert client.received("terminated") == ["terminated"]


# Progress


async def test_progress_events_for_clients_that_show_them(preparation: FakePreparation) -> None:
    preparation.steps = ["building the sidecar image", "starting the sidecar"]
    async with attached(preparation) as client:
        start = await client.event("progressStart")
        assert start["title"] == "Attaching to api"
        assert start["message"] == "building the sidecar image"
        assert start["cancellable"] is True
        assert (await client.event("progressUpdate"))["message"] == "starting the sidecar"
        assert await client.event("progressEnd") == {"progressId": start["progressId"]}
        assert client.received("progressEnd", "initialized") == ["progressEnd", "initialized"]
        assert client.received("output") == []


async def test_lines_in_the_console_for_clients_that_do_not(preparation: FakePreparation) -> None:
    preparation.steps = ["building the sidecar image"]
    async with connected_client(preparation) as client:
        await client.initialize(supportsProgressReporting=False)
        await client.attach(ATTACH)
        assert await client.event("output") == {"category": "console", "output": "building the sidecar image\n"}
        assert client.received("progressStart", "progressUpdate", "progressEnd") == []


# Cancel


@pytest.mark.parametrize("by", ["requestId", "progressId"])
async def test_cancel_ends_a_preparation(preparation: FakePreparation, by: str) -> None:
    preparation.steps = ["building the sidecar image"]
    async with connected_client(preparation) as client:
        attach = await preparing(client, preparation)
        done = client.send("configurationDone")
        progress_id = (await client.event("progressStart"))["progressId"]
        await client.request("cancel", {"requestId": attach} if by == "requestId" else {"progressId": progress_id})
        for seq in (attach, done):
            with pytest.raises(DapError) as caught:
                await client.response(seq)
            assert caught.value.message == "cancelled"
            assert not caught.value.shown
        assert preparation.cancelled == 1
        await client.event("progressEnd")
        preparation.gate.set()
        await client.attach(ATTACH)


async def test_cancel_in_the_same_packet_as_attach(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        await client.initialize()
        attach = client.send("attach", ATTACH)
        cancel = client.send("cancel", {"requestId": attach})
        await client.response(cancel)
        with pytest.raises(DapError, match="cancelled"):
            await client.response(attach)
        await client.attach(ATTACH)


async def test_cancel_reaches_the_engine(preparation: FakePreparation) -> None:
    preparation.set_up = lambda prepared: prepared.engine.unanswered.add("evaluate")
    async with attached(preparation) as client:
        evaluate = client.send("evaluate", {"expression": "pause()"})
        await client.request("cancel", {"requestId": evaluate})
        assert preparation.engine.cancelled == [evaluate]
        with pytest.raises(DapError, match="cancelled"):
            await client.response(evaluate)


async def test_cancel_takes_back_a_request_that_waits(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        attach = await preparing(client, preparation)
        done = client.send("configurationDone")
        await client.request("cancel", {"requestId": done})
        with pytest.raises(DapError, match="cancelled"):
            await client.response(done)
        preparation.gate.set()
        await client.event("initialized")
        assert preparation.engine.commands() == []
        await client.request("configurationDone")
        await client.response(attach)


async def test_cancel_of_what_is_not_there_is_answered(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        await client.request("cancel", {"requestId": 999, "progressId": "nonsense"})
        assert preparation.engine.cancelled == []


# Paths


async def test_paths_are_rewritten_both_ways(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        found = await client.attach(ATTACH, {"/home/me/app/main.c": [3]})
        assert preparation.engine.requests[0].arguments["source"]["path"] == "/build/src/main.c"
        assert found["/home/me/app/main.c"][0]["source"]["path"] == "/home/me/app/main.c"
        frames = (await client.request("stackTrace", {"threadId": 1}))["stackFrames"]
        assert frames[0]["source"]["path"] == "/home/me/app/main.c"


async def test_auto_learns_a_rule_and_says_so_once(preparation: FakePreparation) -> None:
    preparation.set_up = lambda prepared: prepared.engine.sources.update({"main.c": ["/build/src/main.c"]})
    async with connected_client(preparation) as client:
        await client.attach({"target": "api"}, {"/home/me/app/main.c": [3], "/home/me/app/other.c": [4]})
        assert await client.event("output") == {
            "category": "console",
            "output": "substitutePath: /home/me/app <- /build/src (found by the debug info)\n",
        }
        assert preparation.engine.searches == ["main.c"]
        sources = [request.arguments["source"]["path"] for request in preparation.engine.requests[:2]]
        assert sources == ["/build/src/main.c", "/build/src/other.c"]
        await client.set_breakpoints("/home/me/app/main.c", 3)
        assert client.received("output") == ["output"]


async def test_requests_behind_a_rule_being_learned_keep_their_order(preparation: FakePreparation) -> None:
    def set_up(prepared: FakePrepared) -> None:
        prepared.engine.search_gate.clear()
        prepared.engine.sources["main.c"] = ["/build/src/main.c"]

    preparation.set_up = set_up
    async with connected_client(preparation) as client:
        await client.initialize()
        attach = client.send("attach", {"target": "api"})
        await client.event("initialized")
        first = client.send("setBreakpoints", {"source": {"path": "/app/main.c"}, "breakpoints": []})
        second = client.send("setBreakpoints", {"source": {"path": "/app/util.c"}, "breakpoints": []})
        done = client.send("configurationDone")
        await client.request("cancel", {})
        assert preparation.engine.commands() == []
        preparation.engine.search_gate.set()
        for seq in (first, second, done, attach):
            await client.response(seq)
        assert preparation.engine.commands() == ["setBreakpoints", "setBreakpoints", "configurationDone", "attach"]
        assert preparation.engine.requests[1].arguments["source"]["path"] == "/build/src/util.c"


async def test_a_search_that_fails_loses_no_request(preparation: FakePreparation) -> None:
    async with attached(preparation, substitutePath="auto") as client:

        async def fail(_: str) -> list[str]:
            raise EngineError("no info sources")

        preparation.engine.find_sources = fail  # type: ignore[assignment, method-assign]
        await client.set_breakpoints("/home/me/app/main.c", 3)
        assert preparation.engine.requests[-1].arguments["source"]["path"] == "/home/me/app/main.c"


# The end


async def test_disconnect_is_answered_after_the_target_is_let_go(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        prepared = preparation.prepared[0]
        prepared.close_gate.clear()
        disconnect = client.send("disconnect")
        assert "being disconnected" in (await client.refused("threads")).text
        assert "disconnect" not in client.received()
        prepared.close_gate.set()
        await client.response(disconnect)
        await client.event("terminated")
        await client.wait_closed()
        assert client.received("disconnect", "terminated") == ["disconnect", "terminated"]
        assert prepared.closed.is_set()


async def test_disconnect_while_preparing_cancels_it(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        attach = await preparing(client, preparation)
        await client.disconnect()
        with pytest.raises(DapError, match="cancelled"):
            await client.response(attach)
        assert preparation.cancelled == 1
        assert client.received("attach", "disconnect") == ["attach", "disconnect"]


async def test_disconnect_in_the_same_packet_as_attach(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        await client.initialize()
        attach = client.send("attach", ATTACH)
        await client.disconnect()
        with pytest.raises(DapError, match="cancelled"):
            await client.response(attach)


async def test_the_cleaning_up_of_a_cancelled_preparation_is_not_interrupted(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        attach = await preparing(client, preparation)
        preparation.cleaning_gate.clear()
        await client.request("cancel", {"requestId": attach})
        disconnect = client.send("disconnect")
        assert "being disconnected" in (await client.refused("threads")).text
        preparation.cleaning_gate.set()
        await client.response(disconnect)
        assert preparation.cancelled == 1


async def test_disconnect_before_anything(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        await client.disconnect()
        assert client.received() == ["disconnect"]


async def test_disconnect_answers_what_the_engine_has_not(preparation: FakePreparation) -> None:
    preparation.set_up = lambda prepared: prepared.engine.unanswered.add("evaluate")
    async with attached(preparation) as client:
        evaluate = client.send("evaluate", {"expression": "pause()"})
        await client.disconnect()
        with pytest.raises(DapError, match="cancelled"):
            await client.response(evaluate)


async def test_disconnect_says_if_the_target_was_not_let_go(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        preparation.prepared[0].close_error = UserError("the sidecar can't be removed")
        await client.disconnect()
        assert await client.event("output") == {"category": "important", "output": "the sidecar can't be removed\n"}


async def test_a_target_that_is_let_go_of_never_does_not_hold_the_client(
    preparation: FakePreparation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dapbridge.session.LET_GO_LIMIT_S", 0.01)
    async with attached(preparation) as client:
        preparation.prepared[0].close_gate.clear()
        await client.disconnect()
        await client.output("the target was not let go within 0.01 s")


async def test_terminate_debuggee_says_that_the_target_runs_on(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        await client.disconnect(terminateDebuggee=True)
        assert "runs on" in (await client.event("output"))["output"]
        assert preparation.prepared[0].closed.is_set()


async def test_a_client_that_goes_away_lets_go_of_the_target_and_is_told_nothing(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        prepared = preparation.prepared[0]
        prepared.close_gate.clear()
        told = len(client.transcript)
        client.close_sending()
        while not prepared.engine.closed:
            await asyncio.sleep(0)
        prepared.engine.tell("output", {"output": "[detached]"})
        prepared.close_gate.set()
        await client.wait_closed()
        assert prepared.closed.is_set()
        assert client.transcript[told:] == []


async def test_a_client_that_goes_away_while_preparing(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        await preparing(client, preparation)
        client.close()
    assert preparation.cancelled == 1


async def test_broken_framing_closes_the_connection_and_lets_go(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        told = len(client.transcript)
        client.send_raw(b"GET / HTTP/1.1\r\n\r\n")
        await client.wait_closed()
        assert client.transcript[told:] == []
        await preparation.prepared[0].closed.wait()


async def test_the_end_of_the_target_is_told_and_everything_is_let_go(preparation: FakePreparation) -> None:
    preparation.set_up = lambda prepared: prepared.engine.unanswered.add("pause")
    async with attached(preparation) as client:
        pause = client.send("pause", {"threadId": 1})
        await client.request("threads")
        preparation.prepared[0].end.set_result(TargetEnd(3, "the target's main process ended"))
        assert await client.event("exited") == {"exitCode": 3}
        await client.output("the target's main process ended")
        await client.event("terminated")
        with pytest.raises(DapError, match="main process ended"):
            await client.response(pause)
        await preparation.prepared[0].closed.wait()
        preparation.engine.tell("output", {"output": "late"})
        assert "debugging has ended" in (await client.refused("threads")).text
        await client.disconnect()
        order = ["exited", "output", "terminated", "disconnect"]
        assert client.received(*order) == order


async def test_an_end_that_the_engine_tells_is_told_once(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        preparation.engine.tell("exited", {"exitCode": 0})
        preparation.prepared[0].end.set_result(TargetEnd(0, "the container has ended"))
        await client.event("terminated")
        preparation.engine.tell("terminated")
        await client.disconnect()
        assert client.received("exited", "terminated") == ["exited", "terminated"]


async def test_terminated_from_the_engine_ends_the_debugging(preparation: FakePreparation) -> None:
    async with attached(preparation) as client:
        preparation.engine.tell("exited", {"exitCode": 7})
        preparation.engine.tell("terminated")
        await client.event("terminated")
        await preparation.prepared[0].closed.wait()
        await client.disconnect()
        assert client.received("exited", "terminated") == ["exited", "terminated"]


async def test_the_end_of_the_target_while_configuring_fails_attach(preparation: FakePreparation) -> None:
    async with connected_client(preparation) as client:
        attach = await configuring(client)
        preparation.prepared[0].end.set_result(TargetEnd(None, "the sidecar was removed"))
        with pytest.raises(DapError, match="the sidecar was removed"):
            await client.response(attach)
        await client.event("terminated")
        assert client.received("exited") == []


async def test_a_bug_in_a_task_of_the_attachment_ends_the_debugging_but_not_the_session(
    preparation: FakePreparation, caplog: pytest.LogCaptureFixture
) -> None:
    async with attached(preparation) as client:
        preparation.task_error.set_exception(ZeroDivisionError("boom"))
        assert (await client.output("ZeroDivisionError"))["category"] == "important"
        await client.event("terminated")
        assert preparation.prepared[0].closed.is_set()
        assert "boom" in caplog.text
        await client.disconnect()
