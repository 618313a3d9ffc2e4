"""A message as one short line for the wire log."""

import msgspec

from dapbridge.dap.connection import BadMessage
from dapbridge.dap.messages import Event, JsonObject, Message, Request, Response
from dapbridge.log import shorten


def describe(message: Message | BadMessage) -> str:
    """Return e.g. `setBreakpoints #7 {"source":…}`; long bodies are cut."""
    match message:
        case Request():
            return f"{message.command} #{message.seq} {_body(message.arguments)}"
        case Response(success=True):
            return f"{message.command} #{message.request_seq} ok {_body(message.body)}"
        case Response():
            reason = shorten(message.message or "no reason given")
            return f"{message.command} #{message.request_seq} failed: {reason} {_body(message.body)}"
        case Event():
            return f"{message.event} {_body(message.body)}"
        case BadMessage():
            return f"bad message: {shorten(message.error)}"


def _body(body: JsonObject | None) -> str:
    if not body:
        return "{}"
    try:
        return shorten(msgspec.json.encode(body).decode())
    except (TypeError, UnicodeEncodeError):
        return shorten(repr(body))
