"""Breakpoints that are set before the debugger is there, and the numbers on both sides."""

from typing import Any

from dapbridge.dap.messages import Event, Request, Response
from dapbridge.engines.relay.breakpoints import BreakpointBook

SOURCE = {"path": "/build/a.go"}


def lines(*numbers: int) -> Request:
    wanted = [{"line": number} for number in numbers]
    return Request(1, "setBreakpoints", {"source": SOURCE, "breakpoints": wanted})


def placed(*ids: int, **fields: Any) -> Response:
    found = [{"id": number, "verified": True, **fields} for number in ids]
    return Response(9, "setBreakpoints", body={"breakpoints": found})


def test_a_recorded_breakpoint_is_pending_under_a_number_of_ours() -> None:
    body = BreakpointBook().record(lines(3, 5), "not yet")
    pending = {"verified": False, "reason": "pending", "message": "not yet", "source": SOURCE}
    assert body == {"breakpoints": [pending | {"id": 1, "line": 3}, pending | {"id": 2, "line": 5}]}


def test_the_last_request_for_each_source_and_kind_is_replayed_once() -> None:
    book = BreakpointBook()
    book.record(lines(3), "")
    book.record(lines(5), "")
    book.record(Request(2, "setFunctionBreakpoints", {"breakpoints": [{"name": "main.f"}]}), "")
    assert book.record(Request(3, "setExceptionBreakpoints", {"filters": ["all"]}), "") == {}
    assert [(each.command, each.numbers) for each in book.take_recorded()] == [
        ("setBreakpoints", (2,)),
        ("setFunctionBreakpoints", (3,)),
        ("setExceptionBreakpoints", ()),
    ]
    assert book.take_recorded() == []


def test_a_replayed_breakpoint_keeps_its_number_from_then_on() -> None:
    book = BreakpointBook()
    book.record(lines(3, 5), "")
    (replay,) = book.take_recorded()
    events = book.settle(replay, placed(70, 71), "")
    assert events == [
        Event("breakpoint", {"reason": "changed", "breakpoint": {"id": number, "verified": True}}) for number in (1, 2)
    ]
    stopped = book.to_client(Event("stopped", {"reason": "breakpoint", "hitBreakpointIds": [71, -1]}))
    assert stopped.body == {"reason": "breakpoint", "hitBreakpointIds": [2]}
    # One more, set while the debugger is there, gets the next number of ours.
    again = book.to_client(placed(71, 72))
    assert again.body == {"breakpoints": [{"id": 2, "verified": True}, {"id": 3, "verified": True}]}
    changed = book.to_client(Event("breakpoint", {"reason": "changed", "breakpoint": {"id": 72, "verified": False}}))
    assert changed.body == {"reason": "changed", "breakpoint": {"id": 3, "verified": False}}


def test_breakpoints_that_the_debugger_refuses_say_why() -> None:
    book = BreakpointBook()
    book.record(lines(3, 5), "")
    (replay,) = book.take_recorded()
    refused = {"breakpoints": [{"verified": False, "message": "no code"}, {"verified": True, "id": 7}]}
    first, second = book.settle(replay, Response(9, "setBreakpoints", body=refused), "")
    assert first.body is not None
    assert first.body["breakpoint"] == {"verified": False, "message": "no code", "id": 1}
    assert second.body is not None
    assert second.body["breakpoint"] == {"verified": True, "id": 2}


def test_a_replay_that_fails_whole_fails_each_breakpoint() -> None:
    book = BreakpointBook()
    book.record(lines(3, 5), "")
    (replay,) = book.take_recorded()
    events = book.settle(replay, Response(9, "setBreakpoints", False, "broken"), "broken")
    assert [each.body and each.body["breakpoint"] for each in events] == [
        {"verified": False, "message": "broken", "id": number} for number in (1, 2)
    ]


def test_what_holds_no_numbers_is_passed_on_as_it_is() -> None:
    book = BreakpointBook()
    for message in (Event("output", {"output": "x"}), Response(1, "threads", body={"threads": []}), Event("stopped")):
        assert book.to_client(message) is message
