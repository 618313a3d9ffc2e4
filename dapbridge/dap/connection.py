"""One end of a DAP connection: bytes in, typed messages out, and back. Numbers what it sends.

Pure: knows no socket, no states of a session and no meaning of a command. JSON is decoded once, into the wire structs
below; only a message that does not fit is looked at again, to find out whom to answer.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from dapbridge.dap.framing import FrameReader, format_frame
from dapbridge.dap.messages import Event, JsonObject, Message, Request, Response

# Clients may show an error's number to people (DAP, "Message"); our texts stand for themselves.
ERROR_ID = 1


class BadMessage(Struct, frozen=True):
    """A well-framed body that is no DAP message: what is wrong, and as much of `seq` and `command` as can be read."""

    error: str
    seq: int | None = None
    command: str | None = None


class _WireRequest(Struct, tag_field="type", tag="request", omit_defaults=True):
    command: str
    seq: int
    arguments: JsonObject | None = None


class _WireResponse(Struct, tag_field="type", tag="response", omit_defaults=True):
    request_seq: int
    command: str
    success: bool
    seq: int
    message: str | None = None
    body: JsonObject | None = None


class _WireEvent(Struct, tag_field="type", tag="event", omit_defaults=True):
    event: str
    seq: int
    body: JsonObject | None = None


_WireMessage = _WireRequest | _WireResponse | _WireEvent
_decoder = msgspec.json.Decoder(_WireMessage)
_encoder = msgspec.json.Encoder()


class DapConnection:
    """The state of one connection: what was received of the next message, and the number of the next one sent."""

    def __init__(self) -> None:
        self._frames = FrameReader()
        self._next_seq = 1

    def receive_data(self, data: bytes) -> Iterator[Message | BadMessage]:
        """Take bytes at once; iterate to get the messages that are whole.

        Raises ProtocolError, after the last good message, where the framing breaks: the connection is of no more use.
        """
        return map(parse_message, self._frames.receive_data(data))

    def send(self, message: Message) -> bytes:
        """Return the bytes of a message under the next number. A request keeps the number that it was made with."""
        body = _encode(_to_wire(message, self._next_seq))
        self._next_seq += 1
        return format_frame(body)


def parse_message(body: bytes) -> Message | BadMessage:
    """Decode one body."""
    try:
        wire = _decoder.decode(body)
    except (ValueError, RecursionError) as error:
        return _to_bad_message(body, error)
    if isinstance(wire, _WireRequest):
        return Request(wire.seq, wire.command, wire.arguments or {})
    if isinstance(wire, _WireEvent):
        return Event(wire.event, wire.body)
    shown = _asks_to_show(wire.body)
    return Response(wire.request_seq, wire.command, wire.success, wire.message, wire.body, shown)


def _asks_to_show(body: JsonObject | None) -> bool:
    error = body.get("error") if body else None
    return isinstance(error, dict) and error.get("showUser") is True


def _to_bad_message(body: bytes, error: Exception) -> BadMessage:
    """Read what can be read of a message that is broken or of wrong types, so that its sender can be answered."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        # Not JSON at all, but `seq` and `command` often stand before the place where it breaks.
        seq = re.search(r'"seq"\s*:\s*(\d{1,9})\b', text)
        command = re.search(r'"command"\s*:\s*"(\w+)"', text)
        return BadMessage(f"not JSON: {error}", seq and int(seq[1]), command and command[1])
    if not isinstance(value, dict):
        return BadMessage("not a DAP message: not a JSON object")
    kind = "a DAP message" if isinstance(error, msgspec.ValidationError) else "JSON"
    found_seq, found_command = value.get("seq"), value.get("command")
    return BadMessage(
        f"not {kind}: {error}",
        found_seq if type(found_seq) is int else None,
        found_command if isinstance(found_command, str) else None,
    )


def _to_wire(message: Message, seq: int) -> _WireMessage:
    match message:
        case Response():
            body = message.body if message.success else _to_error_body(message)
            return _WireResponse(message.request_seq, message.command, message.success, seq, message.message, body)
        case Event():
            return _WireEvent(message.event, seq, message.body)
        case Request():
            return _WireRequest(message.command, message.seq, message.arguments or None)


def _to_error_body(response: Response) -> JsonObject:
    """Make DAP's ErrorResponse body; one that came with the response (from a debugger that speaks DAP) is kept."""
    body = response.body or {}
    if "error" in body:
        return body
    text = response.message or f"'{response.command}' failed"
    return body | {"error": {"id": ERROR_ID, "format": text, "showUser": response.show_user}}


def _encode(wire: _WireMessage) -> bytes:
    try:
        return _encoder.encode(wire)
    except UnicodeEncodeError:
        # Names and paths of a target are bytes; those that are no UTF-8 come as lone surrogates, which JSON can't hold.
        return _encoder.encode(_without_surrogates(msgspec.to_builtins(wire)))


def _without_surrogates(value: Any) -> Any:
    match value:
        case str():
            return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        case list() | tuple():
            return [_without_surrogates(item) for item in value]
        case dict():
            return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
        case _:
            return value
