"""Runs against a fake engine: what is asked of it, in which order, and that nothing keeps it standing."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.fake_engine import FakeEngine, FakePreparation, FakePrepared

from dapbridge.dap.messages import JsonObject, Request, Response
from dapbridge.errors import UnavailableError, UserError
from dapbridge.headless import attachment, exit_codes
from dapbridge.headless.happenings import Armed, Ended, Happening, Hit, Started, TargetEnded, Warned
from dapbridge.headless.plan import Plan, check
from dapbridge.headless.probes import Probe, parse_break, parse_hang
from dapbridge.headless.runner import Runner
from dapbridge.prepared import TargetEnd

LIMIT_S = 20
BREAK = parse_break("/work/api.c:3")


class Recorder:
    """A report that keeps all it is told."""

    def __init__(self) -> None:
        self.told: list[Happening] = []
        self._changed = asyncio.Event()

    def tell(self, happening: Happening) -> None:
        self.told.append(happening)
        self._changed.set()

    async def first(self, kind: type[Any], number: int = 1) -> Any:
        """Wait for the first happening of a kind, or the next ones."""
        async with asyncio.timeout(LIMIT_S):
            while len(found := [each for each in self.told if isinstance(each, kind)]) < number:
                self._changed.clear()
                await self._changed.wait()
        return found[number - 1]


class Rig:
    """A run of probes in one target, with no COMMAND: it ends with its target."""

    def __init__(self, *probes: Probe, **plan: Any) -> None:
        self.preparation = FakePreparation()
        self.preparation.set_up = self._set_up
        self.report = Recorder()
        self.plan = Plan(("api",), dict(enumerate(probes, 1)), **plan)
        self.set_up: Callable[[FakeEngine], None] = lambda _: None

    @property
    def engine(self) -> FakeEngine:
        return self.preparation.engine

    @asynccontextmanager
    async def running(self) -> AsyncIterator[asyncio.Task[int]]:
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
            run = tasks.create_task(Runner(self.plan, self.preparation, [self.report], 1).run())
            yield run
            if self.preparation.prepared and not self.preparation.prepared[-1].end.done():
                self.engine.tell("exited", {"exitCode": 0})
                self.preparation.prepared[-1].end.set_result(TargetEnd(0, "the target has ended with exit code 0"))

    def stop(self, **body: Any) -> None:
        """Have the engine stop."""
        self.engine.tell("stopped", {"reason": "breakpoint", "threadId": 1, "allThreadsStopped": True} | body)

    def _set_up(self, prepared: FakePrepared) -> None:
        engine = prepared.engine
        engine.answers["setBreakpoints"] = placed
        engine.answers["scopes"] = lambda _: {"scopes": []}
        self.set_up(engine)


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """What a COMMAND reads that ends when the test writes."""
    path = tmp_path / "fifo"
    os.mkfifo(path)
    return path


def placed(request: Request) -> JsonObject:
    return {
        "breakpoints": [
            {"id": wanted["line"], "verified": True, "line": wanted["line"], "source": request.arguments["source"]}
            for wanted in request.arguments["breakpoints"]
        ]
    }


async def test_a_hit_is_looked_at_and_gone_on_from() -> None:
    rig = Rig(BREAK)
    async with rig.running() as run:
        assert (await rig.report.first(Armed)).state == "armed"
        await rig.report.first(attachment.Attached)
        rig.stop(hitBreakpointIds=[3])
        hit = await rig.report.first(Hit)
    assert run.result() == exit_codes.OK
    assert hit.thread.frames[0].function == "main"
    commands = rig.engine.commands()
    assert commands[commands.index("stackTrace") :] == ["stackTrace", "scopes", "continue"]
    assert isinstance(rig.report.told[0], Started)
    assert isinstance(rig.report.told[-1], Ended)
    assert [each.exit_code for each in rig.report.told if isinstance(each, TargetEnded)] == [0]


async def test_a_probe_that_is_used_up_is_taken_out_before_the_target_goes_on() -> None:
    rig = Rig(Probe("break", path="/work/api.c", line=3, max_hits=1), Probe("break", path="/work/api.c", line=7))
    async with rig.running():
        await rig.report.first(attachment.Attached)
        rig.stop(hitBreakpointIds=[3])
        await rig.report.first(Hit)
    assert rig.engine.commands()[-2:] == ["setBreakpoints", "continue"]
    (left,) = rig.engine.requests[-2].arguments["breakpoints"]
    assert left["line"] == 7


async def test_a_target_goes_on_though_it_cannot_be_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attachment, "CAPTURE_LIMIT_S", 0.05)
    rig = Rig(BREAK)
    rig.set_up = lambda engine: engine.unanswered.add("stackTrace")
    async with rig.running():
        await rig.report.first(attachment.Attached)
        rig.stop(hitBreakpointIds=[3])
        hit = await rig.report.first(Hit)
        assert "not all could be read" in hit.incomplete
        monkeypatch.setattr(attachment, "CAPTURE_LIMIT_S", LIMIT_S)
        rig.engine.unanswered.clear()
        rig.engine.answers["stackTrace"] = lambda request: Response(request.seq, "stackTrace", False, "notStopped")
        rig.stop(hitBreakpointIds=[3])
        assert (await rig.report.first(Hit, 2)).incomplete == "notStopped"
    assert rig.engine.commands().count("continue") == 2


async def test_what_was_seen_stays_where_the_rest_can_not_be_read() -> None:
    rig = Rig(BREAK)
    rig.set_up = lambda engine: engine.answers.update(
        scopes=lambda request: Response(request.seq, "scopes", False, "no memory there")
    )
    async with rig.running():
        await rig.report.first(attachment.Attached)
        rig.stop(hitBreakpointIds=[3])
        hit = await rig.report.first(Hit)
    assert (hit.thread.frames[0].function, hit.incomplete) == ("main", "no memory there")


async def test_arguments_and_locals_are_shown_also_where_the_engine_gives_no_hint() -> None:
    scopes = [{"name": "Locals", "variablesReference": 5}, {"name": "Registers", "variablesReference": 6}]
    rig = Rig(BREAK)

    def set_up(engine: FakeEngine) -> None:
        engine.answers["scopes"] = lambda _: {"scopes": [{"expensive": False, **each} for each in scopes]}
        engine.answers["variables"] = lambda request: {
            "variables": [
                {"name": f"in {request.arguments['variablesReference']}", "value": "1", "variablesReference": 0}
            ]
        }

    rig.set_up = set_up
    async with rig.running():
        await rig.report.first(attachment.Attached)
        rig.stop(hitBreakpointIds=[3])
        hit = await rig.report.first(Hit)
    assert [each.name for each in hit.variables] == ["in 5"]


async def test_a_pid_1_that_crashes_again_at_its_place_is_let_go_to_end_by_it() -> None:
    rig = Rig(Probe("crash"))
    panic = {"reason": "exception", "description": "Rust panic: SIGSEGV: no", "text": "SIGSEGV: no"}
    crash = {"reason": "exception", "description": "SIGSEGV: no", "text": "SIGSEGV: no"}
    async with rig.running() as run:
        await rig.report.first(attachment.Attached)
        rig.engine.tell("process", {"name": "api", "systemProcessId": 1})
        # Panics are survived, each of them.
        for body in (panic, panic, crash, crash):
            rig.stop(**body)
        ended = await rig.report.first(TargetEnded)
    assert run.result() == exit_codes.OK
    assert (ended.lost, ended.exit_code) == (False, None)
    assert "was let go for it: SIGSEGV: no" in ended.reason
    assert sum(isinstance(each, Hit) for each in rig.report.told) == 3
    assert rig.engine.commands().count("continue") == 3


async def test_a_stop_of_another_cause_is_gone_on_from() -> None:
    rig = Rig(BREAK)
    async with rig.running():
        await rig.report.first(attachment.Attached)
        rig.stop(reason="pause")
        rig.stop(hitBreakpointIds=[99])
    assert rig.engine.commands()[-2:] == ["continue", "continue"]
    assert not any(isinstance(each, Hit) for each in rig.report.told)


async def test_silence_of_the_command_pauses_the_target_and_shows_all_threads(fifo: Path) -> None:
    rig = Rig(parse_hang(0.05), command=("cat", str(fifo)))
    rig.set_up = lambda engine: engine.answers.update(pause=lambda _: rig.stop(reason="pause") or {})
    async with rig.running() as run:
        hit = await rig.report.first(Hit)
        assert [each.frames[0].function for each in hit.threads] == ["main"]
        await asyncio.to_thread(fifo.write_text, "")
    assert run.result() == exit_codes.OK
    assert rig.engine.commands().count("continue") == 1


async def test_a_pause_that_fails_is_said(fifo: Path) -> None:
    rig = Rig(parse_hang(0.05), command=("cat", str(fifo)))
    rig.set_up = lambda engine: engine.answers.update(
        pause=lambda request: Response(request.seq, "pause", False, "it can't be")
    )
    async with rig.running():
        assert "it can't be" in (await rig.report.first(Warned)).text
        await asyncio.to_thread(fifo.write_text, "")


@pytest.mark.parametrize(
    ("error", "code"),
    [(UserError("it is paused"), exit_codes.NOT_DEBUGGABLE), (UnavailableError("no engine"), exit_codes.UNAVAILABLE)],
)
async def test_a_target_that_cannot_be_prepared(error: UserError, code: int) -> None:
    rig = Rig(BREAK, command=("false",))
    rig.preparation.error = error
    async with rig.running() as run:
        pass
    assert run.result() == code
    assert str(error) in rig.report.told[-1].reason  # type: ignore[union-attr]


async def test_a_lost_debugger_is_an_error_where_nothing_else_was() -> None:
    rig = Rig(BREAK)
    async with rig.running() as run:
        await rig.report.first(attachment.Attached)
        rig.preparation.prepared[-1].end.set_result(TargetEnd(None, "the sidecar has ended: killed"))
    assert run.result() == exit_codes.UNAVAILABLE
    assert (await rig.report.first(TargetEnded)).lost


async def test_a_report_that_fails_keeps_no_other_from_its_end() -> None:
    class Failing:
        def tell(self, happening: Happening) -> None:
            raise OSError("no space left")

    report = Recorder()
    with pytest.raises(UserError, match="no space left"):
        await Runner(Plan(("api",), {}), FakePreparation(), [Failing(), report], 1).run()
    assert report.told[-1].exit_code == exit_codes.USAGE  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("plan", "text"),
    [
        (Plan((), {}), "no target"),
        (Plan(("api", "api"), {}), "twice"),
        (Plan(("ftp://x",), {}), "is no target"),
        (Plan(("api",), {}, attach={"engine": "windbg"}), '"engine"'),
        (Plan(("api",), {1: Probe("crash", targets=("db",))}), "'db' is none of the targets api"),
        (Plan(("api",), {1: parse_hang(3)}), "write one behind --"),
        (Plan(("api",), {}, timeout_s=0), "timeout"),
    ],
)
def test_what_can_be_seen_to_be_wrong_at_once(plan: Plan, text: str) -> None:
    with pytest.raises(UserError, match=text):
        check(plan)
