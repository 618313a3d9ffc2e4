"""The tests' own checker: what it lets pass, it must be able to refuse."""

from typing import Any

import pytest
from support.dap_schema import SCHEMA_PRESENT, SchemaError, check_message

pytestmark = pytest.mark.skipif(not SCHEMA_PRESENT, reason="DAP's schema is not beside the repository")

STACK: dict[str, Any] = {"stackFrames": [{"id": 1, "name": "main", "line": 1, "column": 1, "source": {"path": "/a.c"}}]}


def response(body: Any, command: str = "stackTrace", **more: Any) -> dict[str, Any]:
    return {"seq": 1, "type": "response", "request_seq": 1, "success": True, "command": command, "body": body, **more}


def test_valid_messages_pass() -> None:
    check_message(response(STACK), from_adapter=True)
    check_message({"seq": 1, "type": "event", "event": "initialized"}, from_adapter=True)
    extra = {"target": "api", "__sessionId": "x"}
    check_message({"seq": 1, "type": "request", "command": "attach", "arguments": extra}, from_adapter=False)


@pytest.mark.parametrize(
    "message",
    [
        response({}),
        response({"stackFrames": [{"id": 1}]}),
        response(STACK | {"total_frames": 1}),
        response({"stackFrames": [STACK["stackFrames"][0] | {"source": {"file": "/a.c"}}]}),
        response(STACK, "nonsense"),
        response(STACK, bodi={}),
        response(STACK, seq=0),
        response({"error": {"id": 1}}, success=False),
        response(None, success=False),
        {"seq": 1, "type": "event", "event": "nonsense"},
        {"seq": 1, "type": "event", "event": "stopped", "body": {}},
        {"seq": 1, "type": "nonsense"},
    ],
)
def test_invalid_messages_do_not(message: dict[str, Any]) -> None:
    with pytest.raises(SchemaError):
        check_message(message, from_adapter=True)
