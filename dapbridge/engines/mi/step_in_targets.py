"""DAP `stepInTargets`: the calls on the current line, and the way into one of them."""

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.scheduling_state import WayStation
from dapbridge.errors import UserError
from dapbridge.mi.commands import command


class StepInTargetsArguments(Arguments, frozen=True):
    """DAP "StepInTargetsArguments"."""

    frame_id: int


class Call(Struct, frozen=True):
    """A call: `pc` is where its thread stands. has_lines: None where whom it calls turns out only when it does."""

    thread_id: int
    pc: int
    address: int
    name: str
    has_lines: bool | None


@request("stepInTargets", capabilities=("supportsStepInTargetsRequest",), needs_stop=True)
async def step_in_targets(context: Context, arguments: StepInTargetsArguments) -> JsonObject:
    """DAP "StepInTargets"; none for a frame that is in a call already."""
    frame = context.stopped.frame(arguments.frame_id)
    if frame.level:
        return {"targets": []}
    found = await context.debugger.ask(command("x-line-calls", thread=frame.thread_id, frame=0))
    targets: list[JsonObject] = []
    seen: dict[str, int] = {}
    for each in found["calls"]:
        call = Call(frame.thread_id, int(found["pc"], 16), int(each["address"], 16), each["name"], each["has_lines"])
        seen[call.name] = seen.get(call.name, 0) + 1
        label = call.name if seen[call.name] == 1 else f"{call.name} (call {seen[call.name]})"
        targets.append({"id": context.stopped.reference(call), "label": label})
    return {"targets": targets}


def way_into(context: Context, thread_id: int, target_id: int, step: str) -> tuple[str, WayStation | None]:
    """Return the command that sets out for a call, and where `step` is to go on; None if the thread is there."""
    call = context.stopped.container(target_id)
    if not isinstance(call, Call) or call.thread_id != thread_id:
        raise UserError(f"{target_id} is no call on the line of thread {thread_id}")
    if call.has_lines is False and "-instruction" not in step:
        raise UserError(f"{call.name} has no debug info: only a step by instruction enters it")
    if call.address == call.pc:
        return step, None
    # Stops in this frame only, not in a recursion of it, and when it is left.
    return command("exec-until", f"*{call.address:#x}", thread=thread_id), WayStation(call.address, step)
