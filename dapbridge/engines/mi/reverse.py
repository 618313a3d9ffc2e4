"""DAP `stepBack` and `reverseContinue`, once the user has the debugger record.

Their capability stands on no function here: it is told when recording begins and taken back when it ends
(scheduling.py), since nothing of it is true before.
"""

from dapbridge.engines.mi import scheduling
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.execution import ContinueArguments, StepArguments, operation_of
from dapbridge.engines.mi.requests import request
from dapbridge.errors import UserError
from dapbridge.mi.commands import command


@request("stepBack", needs_stop=True, resumes=True)
async def step_back(context: Context, arguments: StepArguments) -> None:
    """DAP "StepBack": to the line (or instruction) before, over calls."""
    await _go_back(context, operation_of("exec-next", arguments, "--reverse"))


@request("reverseContinue", needs_stop=True, resumes=True)
async def reverse_continue(context: Context, arguments: ContinueArguments) -> None:
    """DAP "ReverseContinue": to the breakpoint before, or the beginning of the recording."""
    await _go_back(context, command("exec-continue", "--reverse", thread=arguments.thread_id))


async def _go_back(context: Context, resuming: str) -> None:
    if context.config.read_only:
        raise UserError("going back writes the past into the target, and this session is read-only (readOnly)")
    if not context.scheduling.recording:
        raise UserError(
            "nothing is recorded to go back in: let gdb record first, by `record in the debug console at a stop; it "
            "slows the target down a lot, until `record stop"
        )
    await scheduling.resume(context, resuming, backwards=True)
