"""DAP's three kinds of messages (DAP, "Base Protocol"), without their `seq`, which belongs to a connection.

Request arguments stay a JsonObject here; the handler of a request converts them to its own typed struct.
"""

from typing import Any

from msgspec import Struct

JsonObject = dict[str, Any]


class Request(Struct, frozen=True):
    """A request as its sender numbered it."""

    seq: int
    command: str
    arguments: JsonObject = {}


class Response(Struct, frozen=True):
    """The answer to request `request_seq`; `message` is set when `success` is false.

    `message` is "cancelled", "notStopped" or a text for a person (DAP, "Response"); `show_user` asks the IDE to show
    it.
    """

    request_seq: int
    command: str
    success: bool = True
    message: str | None = None
    body: JsonObject | None = None
    show_user: bool = False


class Event(Struct, frozen=True):
    """Something that the client is told unasked."""

    event: str
    body: JsonObject | None = None


Message = Request | Response | Event
