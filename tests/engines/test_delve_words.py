"""What dapbridge makes of delve's words."""

from typing import Any

import pytest

from dapbridge.dap.messages import Event, Request, Response
from dapbridge.engines.delve import Words, explain, is_call, note_on


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        ("Version of Go is too new for this version of Delve (maximum supported version 1.24)", "sidecar"),
        ("could not attach to pid 1: could not open debug info", "-ldflags"),
        ("could not attach to pid 1: operation not permitted", ""),
    ],
)
def test_an_error_is_explained(error: str, advice: str) -> None:
    assert explain(error).count(advice) >= 1
    assert bool(explain(error)) == bool(advice)


@pytest.mark.parametrize(
    ("expression", "calls"), [("call f(1)", True), ("  call x = 1", True), ("caller", False), ("f(1)", False)]
)
def test_calls_are_told_from_looks(expression: str, calls: bool) -> None:
    assert is_call(Request(1, "evaluate", {"expression": expression})) == calls


def test_a_note_comes_with_an_optimised_function_only() -> None:
    def scopes(name: str) -> Response:
        return Response(1, "scopes", body={"scopes": [{"name": name}]})

    assert "-gcflags='all=-N -l'" in str(note_on(scopes("Locals (warning: optimized function)")))
    assert note_on(scopes("Locals")) is None


def test_a_stop_without_a_goroutine_names_the_thread_that_dlv_takes_for_it() -> None:
    words = Words()
    stopped = words.to_client(Event("stopped", {"reason": "breakpoint"}))
    assert stopped.body == {"reason": "breakpoint", "threadId": -1}

    def threads(*found: dict[str, Any]) -> list[Any]:
        body = words.to_client(Response(1, "threads", body={"threads": list(found)})).body
        return [] if body is None else list(body["threads"])

    own = {"id": -1, "name": "the thread that stopped"}
    assert threads({"id": 1, "name": "Dummy"}) == [own]
    assert threads({"id": 1, "name": "[Go 1] main.main"}) == [own, {"id": 1, "name": "[Go 1] main.main"}]
    words.to_client(Event("stopped", {"reason": "breakpoint", "threadId": 1}))
    assert threads({"id": 1, "name": "[Go 1] main.main"}) == [{"id": 1, "name": "[Go 1] main.main"}]
