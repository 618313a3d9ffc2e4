"""DAP `disassemble`: as many instructions as asked for, from before an address too, with their sources and symbols."""

import re

import msgspec
from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.memory import parse_reference
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import UserError
from dapbridge.mi.commands import command

MAX_INSTRUCTIONS = 20_000
"""The most that is disassembled at once, and how far from the reference that may be."""

_RESOLVED = re.compile(r"(0x[0-9a-f]+) <.+>\Z", re.DOTALL)


class DisassembleArguments(Arguments, frozen=True):
    """DAP "DisassembleArguments"."""

    memory_reference: str
    instruction_count: int
    offset: int = 0
    instruction_offset: int = 0
    resolve_symbols: bool = False


class Instruction(Struct, frozen=True):
    """One instruction as the debugger has it; `text` is None for what is none, such as memory that isn't there."""

    address: int
    size: int
    text: str | None = None
    bytes: str | None = None
    symbol: str | None = None
    path: str | None = None
    line: int | None = None


@request("disassemble", capabilities=("supportsDisassembleRequest",))
async def disassemble(context: Context, arguments: DisassembleArguments) -> JsonObject:
    """DAP "Disassemble"."""
    address = parse_reference(arguments.memory_reference, arguments.offset)
    if max(arguments.instruction_count, abs(arguments.instruction_offset)) > MAX_INSTRUCTIONS:
        raise UserError(f"at most {MAX_INSTRUCTIONS} instructions are disassembled at once")
    asked = command("x-disassemble", f"{address:#x}", arguments.instruction_offset, arguments.instruction_count)
    answer = await context.debugger.send(asked)
    instructions = msgspec.convert(answer["instructions"], list[Instruction])
    return {"instructions": to_dap(instructions, resolve_symbols=arguments.resolve_symbols)}


def to_dap(instructions: list[Instruction], *, resolve_symbols: bool) -> list[JsonObject]:
    """Return DAP's instructions; sources and symbols stand where they change."""
    found: list[JsonObject] = []
    symbol = path = None
    for each in instructions:
        body: JsonObject = {"address": f"{each.address:#x}"}
        if each.text is None:
            body |= {"instruction": "(invalid)", "presentationHint": "invalid"}
        else:
            body["instruction"] = each.text if resolve_symbols else _RESOLVED.sub(r"\1", each.text)
        if each.bytes:
            body["instructionBytes"] = each.bytes
        if each.symbol and each.symbol != symbol:
            body["symbol"] = each.symbol
        if each.path and each.path != path:
            body["location"] = {"name": each.path.rsplit("/", 1)[-1], "path": each.path}
        if each.line:
            body["line"] = each.line
        symbol, path = each.symbol, each.path
        found.append(body)
    return found
