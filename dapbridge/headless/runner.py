"""A run: attaches to all targets, runs COMMAND, ends at its end, a limit or a signal, and says with which exit code.

Theory of operation. The first that decides wins (`_decide`): COMMAND's end, the time limit, a signal, a target that
can't be attached to, or, without COMMAND, the end of all targets. Then all targets are let go, and what the probes'
expectations say counts only where nothing else was wrong.
"""

import asyncio
import logging
import shlex
import signal
import time
from contextlib import suppress

from msgspec import Struct

from dapbridge import __version__
from dapbridge.errors import UserError
from dapbridge.headless import exit_codes
from dapbridge.headless.attachment import AttachFailedError
from dapbridge.headless.clock import now
from dapbridge.headless.command import Command, NotStartedError
from dapbridge.headless.following import make_starts
from dapbridge.headless.happenings import (
    CommandEnded,
    CommandStarted,
    Ended,
    Happening,
    ProbeStart,
    Report,
    Started,
    Warned,
)
from dapbridge.headless.plan import Plan
from dapbridge.headless.silence import Silence
from dapbridge.headless.tally import Tally
from dapbridge.headless.watching import TargetWatch
from dapbridge.prepared import Prepare

COMMAND_LIMIT_S = 10
"""How long COMMAND may take to end after a signal or the time limit; then it is killed."""

log = logging.getLogger(__name__)


class Outcome(Struct, frozen=True):
    """Why a run ends. `signal_number`: what COMMAND is sent where it still runs."""

    exit_code: int
    reason: str
    signal_number: int = signal.SIGTERM


class Runner:
    """One run of a plan. `stdout_fd`: where COMMAND's stdout goes."""

    def __init__(self, plan: Plan, prepare: Prepare, reports: list[Report], stdout_fd: int) -> None:
        self._plan = plan
        self._prepare = prepare
        self._reports = reports
        self._stdout_fd = stdout_fd
        self._tally = Tally(plan.probes, plan.targets)
        self._began_s = time.monotonic()
        self._command: Command | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def run(self) -> int:
        """Run to the end; return the exit code. Raises UserError before anything is touched."""
        starts = [make_starts(target) if self._plan.follow else None for target in self._plan.targets]
        loop = self._loop = asyncio.get_running_loop()
        self._decided: asyncio.Future[Outcome] = loop.create_future()
        self._watches = [
            TargetWatch(target, self._plan, self._tally, self._prepare, self.tell, its)
            for target, its in zip(self._plan.targets, starts, strict=True)
        ]
        # Replaced below; what stays is for a bug, so that every report still gets its end.
        outcome = Outcome(exit_codes.INTERNAL, "internal error of dapbridge")
        try:
            self.tell(self._started())
            outcome = await self._watch_targets()
        except UserError as error:
            outcome = Outcome(exit_codes.USAGE, str(error))
            raise
        finally:
            outcome = self._with_expectations(outcome)
            seconds = round(time.monotonic() - self._began_s, 3)
            self.tell(Ended(now(), outcome.exit_code, outcome.reason, seconds, self._tally.results()))
        return outcome.exit_code

    def interrupt(self, number: signal.Signals) -> None:
        """End the run, as a signal handler: at the second time COMMAND is killed."""
        if self._loop is None:
            raise KeyboardInterrupt
        with suppress(RuntimeError):
            # The loop may be over.
            self._loop.call_soon_threadsafe(self._on_signal, number)

    def tell(self, happening: Happening) -> None:
        """Count what has happened, and tell all reports."""
        self._tally.tell(happening)
        for report in list(self._reports):
            try:
                report.tell(happening)
            except OSError as error:
                # No report may keep the others from their end.
                self._reports.remove(report)
                text = f"a report can't be written: {error}"
                if isinstance(happening, Started):
                    raise UserError(text) from None
                log.error(text)

    async def _watch_targets(self) -> Outcome:
        limit_s = self._plan.timeout_s
        timer = asyncio.get_running_loop().call_later(limit_s, self._on_timeout, limit_s) if limit_s else None
        try:
            async with asyncio.TaskGroup() as tasks:
                watching = [tasks.create_task(each.run()) for each in self._watches]
                commanding = tasks.create_task(self._run_command(watching))
                outcome = await self._decided
                await self._end_command(outcome, commanding)
                for each in self._watches:
                    each.stop()
        finally:
            if timer:
                timer.cancel()
        return outcome

    async def _run_command(self, watching: list[asyncio.Task[None]]) -> None:
        """Wait until all targets are attached, run COMMAND, and decide by it; without, wait for the targets' end."""
        attached = [each.attached for each in self._watches]
        await asyncio.wait(attached)
        for each, watch in zip(attached, self._watches, strict=True):
            if each.cancelled():
                return
            if error := each.exception():
                code = error.exit_code if isinstance(error, AttachFailedError) else exit_codes.UNAVAILABLE
                hint = "" if self._plan.command or len(attached) == 1 else " (COMMAND is written behind --)"
                self._decide(Outcome(code, f"{watch.target}: {error}{hint}"))
                return
        if self._plan.command:
            self._decide(await self._command_outcome())
        else:
            await asyncio.wait(watching)
            self._decide(Outcome(exit_codes.OK, "all targets have ended"))

    async def _command_outcome(self) -> Outcome:
        began_s = time.monotonic()
        hangs = [(id_, each.silence_s) for id_, each in self._plan.probes.items() if each.kind == "hang"]
        silence = Silence([seconds for _, seconds in hangs], lambda index: self._look(*hangs[index]))
        try:
            on_output = silence.heard if hangs else None
            self._command = await Command.start(self._plan.command, self._stdout_fd, on_output)
            self.tell(CommandStarted(now(), self._plan.command))
            silence.heard()
            code = await self._command.wait()
        except NotStartedError as error:
            return Outcome(error.exit_code, str(error))
        finally:
            silence.end()
        self.tell(CommandEnded(now(), code, round(time.monotonic() - began_s, 3)))
        return Outcome(code, f"{shlex.join(self._plan.command)} has ended with exit code {code}")

    async def _end_command(self, outcome: Outcome, commanding: asyncio.Task[None]) -> None:
        """Have a COMMAND that still runs end, by the signal that has come or the time limit's."""
        if self._command is None:
            commanding.cancel()
            return
        if not self._command.ended:
            self.tell(Warned(f"{outcome.reason}: COMMAND is told to end; a signal more kills it"))
            self._command.send_signal(outcome.signal_number)
        await asyncio.wait((commanding,), timeout=COMMAND_LIMIT_S)
        if not commanding.done():
            self._command.kill()
            await asyncio.wait((commanding,))

    def _look(self, probe: int, seconds: float) -> None:
        targets = self._plan.probes[probe].targets
        for each in self._watches:
            if (not targets or each.target in targets) and not self._tally.is_used_up(each.target, probe):
                each.look(probe, f"no output of COMMAND for {seconds:g} s")

    def _on_timeout(self, limit_s: float) -> None:
        self._decide(Outcome(exit_codes.TIMEOUT, f"the time limit of {limit_s:g} s is over"))

    def _on_signal(self, number: signal.Signals) -> None:
        if self._decided.done() and self._command:
            self._command.kill()
        self._decide(Outcome(exit_codes.of_signal(number), f"interrupted by {number.name}", number))

    def _decide(self, outcome: Outcome) -> None:
        with suppress(asyncio.InvalidStateError):
            self._decided.set_result(outcome)

    def _with_expectations(self, outcome: Outcome) -> Outcome:
        if outcome.exit_code != exit_codes.OK:
            return outcome
        wrong = [each for each in self._tally.results() if each.verdict in ("failed", "error")]
        if wrong:
            first = f"{self._plan.probes[wrong[0].id].text}: {wrong[0].message}"
            more = f" (and {len(wrong) - 1} more)" if wrong[1:] else ""
            return Outcome(exit_codes.EXPECTATION_FAILED, f"an expectation has failed: {first}{more}")
        for target, reason in self._tally.lost.items():
            return Outcome(exit_codes.UNAVAILABLE, f"{target} was not watched to the end: {reason}")
        return outcome

    def _started(self) -> Started:
        probes = tuple(ProbeStart(id_, each.kind, each.text, each.expect) for id_, each in self._plan.probes.items())
        return Started(now(), __version__, self._plan.targets, self._plan.command, probes)
