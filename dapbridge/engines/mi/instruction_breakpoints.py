"""DAP `setInstructionBreakpoints`: at an address, as the disassembly has it."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.breakpoint_table import exchange
from dapbridge.engines.mi.conditions import parse_when
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload


class InstructionBreakpoint(Arguments, frozen=True):
    """DAP "InstructionBreakpoint"."""

    instruction_reference: str
    offset: int = 0
    condition: str | None = None
    hit_condition: str | None = None
    mode: str | None = None


class SetInstructionBreakpointsArguments(Arguments, frozen=True):
    """DAP "SetInstructionBreakpointsArguments"."""

    breakpoints: tuple[InstructionBreakpoint, ...]


@request("setInstructionBreakpoints", capabilities=("supportsInstructionBreakpoints",), causes_events=True)
async def set_instruction_breakpoints(context: Context, arguments: SetInstructionBreakpointsArguments) -> JsonObject:
    """DAP "SetInstructionBreakpoints"."""
    placed = await exchange(context, "instruction", arguments.breakpoints, _insert)
    for wish, body in zip(arguments.breakpoints, placed, strict=True):
        if body["verified"]:
            body["instructionReference"] = hex(_address(wish))
    return {"breakpoints": placed}


async def _insert(context: Context, wish: InstructionBreakpoint) -> Payload:
    when = parse_when(context, wish.condition, wish.hit_condition)
    hardware = ["-h"] if wish.mode == "hardware" else []
    answer = await context.debugger.send(command("break-insert", *hardware, *when.options(), f"*{_address(wish):#x}"))
    breakpoint_: Payload = answer["bkpt"]
    return breakpoint_


def _address(wish: InstructionBreakpoint) -> int:
    try:
        return int(wish.instruction_reference, 0) + wish.offset
    except ValueError:
        raise UserError(f"{wish.instruction_reference!r} is no address of an instruction") from None
