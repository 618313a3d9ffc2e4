import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.dap_schema import check_message

from dapbridge.dap.connection import BadMessage, DapConnection, parse_message
from dapbridge.dap.framing import FrameReader, format_frame
from dapbridge.dap.messages import Event, Message, Request, Response


def sent(*messages: Message) -> list[Any]:
    connection = DapConnection()
    frames = FrameReader().receive_data(b"".join(map(connection.send, messages)))
    return [json.loads(body) for body in frames]


def test_requests_are_decoded() -> None:
    body = b'{"seq":3,"type":"request","command":"next","arguments":{"threadId":1},"extra":null}'
    assert list(DapConnection().receive_data(format_frame(body))) == [Request(3, "next", {"threadId": 1})]


@pytest.mark.parametrize("arguments", ["", ',"arguments":null', ',"arguments":{}'])
def test_absent_arguments_are_empty(arguments: str) -> None:
    body = f'{{"seq":0,"type":"request","command":"threads"{arguments}}}'
    assert parse_message(body.encode()) == Request(0, "threads", {})


def test_responses_and_events_of_an_adapter_that_numbers_nothing_are_decoded() -> None:
    error = {"error": {"id": 1, "format": "f", "showUser": True}}
    response = {"seq": 0, "type": "response", "request_seq": 1, "success": False, "command": "x", "message": "m"}
    event = b'{"seq":0,"type":"event","event":"initialized"}'
    decoded = parse_message(json.dumps(response | {"body": error}).encode())
    assert decoded == Response(1, "x", False, "m", error, show_user=True)
    assert parse_message(event) == Event("initialized")


@pytest.mark.parametrize(
    ("body", "seq", "command", "reason"),
    [
        (b'{"seq":"3","type":"request","command":"next"}', None, "next", "Expected `int`, got `str` - at `$.seq`"),
        (b'{"seq":true,"type":"request","command":"next"}', None, "next", "Expected `int`"),
        (b'{"seq":3,"type":"request"}', 3, None, "missing required field `command`"),
        (b'{"seq":3,"type":"request","command":7}', 3, None, "Expected `str`"),
        (b'{"seq":3,"type":"request","command":"next","arguments":[]}', 3, "next", "Expected `object | null`"),
        (b'{"seq":3,"command":"next"}', 3, "next", "missing required field `type`"),
        (b'{"seq":3,"type":"reqest","command":"next"}', 3, "next", "reqest"),
        (b"[1]", None, None, "not a DAP message"),
        (b"7", None, None, "not a DAP message"),
        (b"", None, None, "not JSON"),
        (b'{"seq":3,"type":"request","command":"next",}', 3, "next", "not JSON"),
        (b'{"type":"request","command":"next","seq":4,"arguments":{"a":', 4, "next", "not JSON"),
        (b'{"seq":3,"type":"request","command":"x","arguments":{"v":NaN}}', 3, "x", "not JSON"),
        (b'{"seq":3,"type":"request","command":"x","arguments":{"v":"\xff"}}', 3, "x", "not JSON"),
        (b'{"seq":3,"type":"request","command":"x","arguments":{"v":"\\ud800"}}', 3, "x", "not JSON"),
        (b"[" * 100_000, None, None, "not JSON"),
    ],
)
def test_bad_messages_tell_whom_to_answer(body: bytes, seq: int | None, command: str | None, reason: str) -> None:
    bad = parse_message(body)
    assert isinstance(bad, BadMessage)
    assert (bad.seq, bad.command) == (seq, command)
    assert reason in bad.error


def test_a_bad_message_does_not_spoil_the_next() -> None:
    stream = format_frame(b"{nonsense") + format_frame(b'{"seq":2,"type":"request","command":"threads"}')
    bad, good = DapConnection().receive_data(stream)
    assert isinstance(bad, BadMessage)
    assert good == Request(2, "threads")


def test_messages_are_numbered_from_one_and_valid() -> None:
    messages = sent(
        Response(1, "initialize", body={"supportsCancelRequest": True}),
        Event("initialized"),
        Event("output", {"output": "x"}),
        Response(2, "threads", False, "no threads here"),
        Response(3, "attach", False, "no container named 'api'", show_user=True),
        Response(4, "evaluate", False),
    )
    assert [message["seq"] for message in messages] == [1, 2, 3, 4, 5, 6]
    for message in messages:
        check_message(message, from_adapter=True)
    assert "body" not in messages[1]
    assert messages[3]["body"]["error"] == {"id": 1, "format": "no threads here", "showUser": False}
    assert messages[4]["message"] == messages[4]["body"]["error"]["format"] == "no container named 'api'"
    assert messages[4]["body"]["error"]["showUser"] is True
    assert messages[5]["body"]["error"]["format"] == "'evaluate' failed"


def test_an_error_body_that_came_with_a_response_is_kept() -> None:
    error = {"id": 2004, "format": "Unable to evaluate", "showUser": False}
    [message] = sent(Response(1, "evaluate", False, "could not", {"error": error}))
    assert message["body"] == {"error": error}


def test_text_that_is_no_unicode_is_sent_as_replacement_characters() -> None:
    [message] = sent(Event("output", {"output": "a\udcff\ud800b", "data": {"\udc80": ["\udcff"]}}))
    assert message["body"] == {"output": "a\ufffd\ufffdb", "data": {"\ufffd": ["\ufffd"]}}


def test_numbers_that_json_does_not_know_are_null() -> None:
    [message] = sent(Event("x", {"nan": math.nan, "inf": math.inf, "big": 2**80}))
    assert message["body"] == {"nan": None, "inf": None, "big": 2**80}


def test_a_message_that_cannot_be_encoded_takes_no_number() -> None:
    connection = DapConnection()
    with pytest.raises(TypeError):
        connection.send(Event("x", {"object": object()}))
    assert b'"seq":1' in connection.send(Event("y"))


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
json_value = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(text, inner, max_size=3),
    max_leaves=8,
)
json_object = st.dictionaries(text, json_value, max_size=3)
messages = st.one_of(
    st.builds(Request, st.integers(0, 2**31), text, json_object),
    st.builds(Response, st.integers(1, 2**31), text, st.just(True), st.none(), st.none() | json_object),
    st.builds(Event, text, st.none() | json_object),
)


@given(st.lists(messages, max_size=4))
def test_round_trip(messages: list[Message]) -> None:
    sender, receiver = DapConnection(), DapConnection()
    stream = b"".join(map(sender.send, messages))
    assert list(receiver.receive_data(stream)) == messages


@given(st.binary(max_size=60))
def test_any_body_is_a_message_or_a_bad_one(body: bytes) -> None:
    assert isinstance(parse_message(body), Request | Response | Event | BadMessage)
