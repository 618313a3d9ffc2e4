import pytest

from dapbridge.dap.connection import BadMessage
from dapbridge.dap.describe import describe
from dapbridge.dap.messages import Event, Message, Request, Response


@pytest.mark.parametrize(
    ("message", "line"),
    [
        (Request(7, "setBreakpoints", {"lines": [1]}), 'setBreakpoints #7 {"lines":[1]}'),
        (Response(7, "threads", body={"threads": []}), 'threads #7 ok {"threads":[]}'),
        (Response(7, "attach", False, "no container"), "attach #7 failed: no container {}"),
        (Event("initialized"), "initialized {}"),
        (Event("output", {"output": "\udcff"}), "output {'output': '\\udcff'}"),
        (BadMessage("not JSON"), "bad message: not JSON"),
    ],
)
def test_one_line(message: Message | BadMessage, line: str) -> None:
    assert describe(message) == line


def test_long_bodies_are_cut() -> None:
    line = describe(Event("output", {"output": "x" * 10_000}))
    assert len(line) < 450
    assert line.endswith("… (10013 characters)")
