"""When dlv's breakpoints are out of the code, as a transcript; the agent's child is played by the test (a fake)."""

import pytest

from dapbridge.agent.client import Channel, Child
from dapbridge.dap.messages import Event
from dapbridge.engines.delve_lifting import LiftedBreakpoints

STOPPED = Event("stopped", {"reason": "breakpoint", "threadId": 1})


class FakeChild(Child):
    """Notes what is asked of the agent."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def lift_breakpoints_at(self, channel: Channel, cue: bytes) -> None:
        self.asked.append(f"lift at {cue.decode()}")

    def lift_breakpoints(self, *, stands: bool) -> None:
        self.asked.append("lift" if stands else "lift at stops")

    def put_breakpoints_back(self, *, until_stop: bool) -> None:
        self.asked.append("put back until a stop" if until_stop else "put back")

    def take(self) -> list[str]:
        taken, self.asked = self.asked, []
        return taken


@pytest.fixture
def child() -> FakeChild:
    return FakeChild()


@pytest.fixture
def lifted(child: FakeChild) -> LiftedBreakpoints:
    """At a stop."""
    lifted = LiftedBreakpoints()
    lifted.open(child, child)
    lifted.note_event(STOPPED)
    assert child.take() == ['lift at "event":"stopped"', "lift"]
    return lifted


def test_who_looks_changes_nothing(lifted: LiftedBreakpoints, child: FakeChild) -> None:
    for number, command in enumerate(("threads", "stackTrace", "scopes", "variables", "evaluate")):
        lifted.note_sending(number, command, False)
        lifted.note_answered(number, command, True)
    lifted.note_event(Event("output", {"output": "x"}))
    assert child.take() == []


def test_they_are_back_before_the_target_runs(lifted: LiftedBreakpoints, child: FakeChild) -> None:
    lifted.note_sending(1, "next", False)
    assert child.take() == ["put back until a stop"]
    lifted.note_event(Event("continued", {"threadId": 1}))
    lifted.note_answered(1, "next", True)
    assert child.take() == []
    lifted.note_event(STOPPED)
    # The agent has done that.
    assert child.take() == []
    lifted.note_sending(2, "setBreakpoints", False)
    assert child.take() == ["put back"]


def test_a_step_that_is_refused_has_let_nothing_run(lifted: LiftedBreakpoints, child: FakeChild) -> None:
    lifted.note_sending(1, "next", False)
    lifted.note_answered(1, "next", False)
    assert child.take() == ["put back until a stop", "lift"]


def test_they_are_back_for_as_long_as_any_request_may_touch_them(lifted: LiftedBreakpoints, child: FakeChild) -> None:
    lifted.note_sending(1, "setBreakpoints", False)
    lifted.note_sending(2, "setFunctionBreakpoints", False)
    lifted.note_answered(1, "setBreakpoints", True)
    assert child.take() == ["put back"]
    lifted.note_answered(2, "setFunctionBreakpoints", False)
    assert child.take() == ["lift"]


def test_a_call_into_the_target_meets_them(lifted: LiftedBreakpoints, child: FakeChild) -> None:
    lifted.note_sending(1, "evaluate", True)
    assert child.take() == ["put back"]
    lifted.note_event(STOPPED)
    assert child.take() == []
    lifted.note_answered(1, "evaluate", False)
    assert child.take() == ["lift"]


def test_nothing_is_lifted_while_the_target_runs(lifted: LiftedBreakpoints, child: FakeChild) -> None:
    lifted.note_sending(1, "continue", False)
    lifted.note_answered(1, "continue", True)
    lifted.note_sending(2, "setBreakpoints", False)
    lifted.note_answered(2, "setBreakpoints", True)
    assert child.take() == ["put back until a stop", "put back", "lift at stops"]
