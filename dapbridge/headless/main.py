"""Runs a plan with its reports: what stands between the command line and the event loop."""

import asyncio
import logging
import signal

from dapbridge.errors import UserError
from dapbridge.headless import exit_codes
from dapbridge.headless.outputs import Outputs
from dapbridge.headless.plan import Plan
from dapbridge.headless.runner import Runner
from dapbridge.preparation import prepare

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

log = logging.getLogger(__name__)


def run_plan(plan: Plan, outputs: Outputs) -> int:
    """Run a plan; return the exit code. Raises UserError before anything is touched."""
    with outputs.open() as reports:
        runner = Runner(plan, prepare, reports, outputs.stdout_fd)
        # To the end of the process: one that comes late must not spoil the exit code.
        for number in _SIGNALS:
            if not (number is signal.SIGHUP and signal.getsignal(number) is signal.SIG_IGN):  # nohup
                signal.signal(number, lambda number, _: runner.interrupt(signal.Signals(number)))
        try:
            return asyncio.run(runner.run())
        except UserError:
            raise
        except Exception:
            log.exception("bug in a run")
            return exit_codes.INTERNAL
