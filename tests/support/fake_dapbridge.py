"""The `dapbridge` command with a fake preparation in the place of the real one: `python -m support.fake_dapbridge`.

Every attach succeeds at once, and letting go writes a line to stderr. The target's name says what happens: `refused`,
`slow` (prepared never), `stubborn` (let go of never), `noisy` (prints to stdout), `flood` (output without end).
"""

import asyncio
import sys
from types import ModuleType

from support.fake_engine import FakePreparation, FakePrepared

from dapbridge.config import AttachConfig
from dapbridge.dap.messages import Event
from dapbridge.engines.base import Emit
from dapbridge.errors import UserError
from dapbridge.runtimes.base import Progress


class _SaidPrepared(FakePrepared):
    name = ""

    async def aclose(self) -> None:
        await super().aclose()
        sys.stderr.write(f"let go of {self.name}\n")
        if self.name == "stubborn":
            await asyncio.Event().wait()


async def prepare(config: AttachConfig, emit: Emit, progress: Progress, tasks: asyncio.TaskGroup) -> FakePrepared:
    """Prepare a fake target."""
    preparation = FakePreparation()
    progress(f"preparing {config.target}")
    match config.target:
        case "refused":
            raise UserError("no container named 'refused'")
        case "slow":
            preparation.gate.clear()
        case "noisy":
            sys.stdout.write("this line must not reach the client\n")
            sys.stdout.flush()
    try:
        prepared = await preparation(config, emit, progress, tasks)
    except asyncio.CancelledError:
        sys.stderr.write(f"gave up {config.target}\n")
        raise
    said = _SaidPrepared(prepared.engine)
    said.name = config.target
    if config.target == "flood":
        tasks.create_task(_flood(prepared.engine.emit))
    return said


async def _flood(emit: Emit) -> None:
    while True:
        emit(Event("output", {"category": "stdout", "output": "x" * (1 << 20)}))
        await asyncio.sleep(0)


if __name__ == "__main__":
    module = ModuleType("dapbridge.preparation")
    module.prepare = prepare  # type: ignore[attr-defined]
    sys.modules["dapbridge.preparation"] = module
    from dapbridge.cli import main

    main(prog_name="dapbridge")
