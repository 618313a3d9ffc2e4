"""DAP `readMemory` and `writeMemory`, also while the target runs."""

import binascii
from base64 import b64decode, b64encode

import msgspec
from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.values import refresh
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command

MAX_BYTES = 8 * 1024 * 1024
"""The most that is read or written at once."""

_PAGE_BYTES = 4096
_PIECE_BYTES = 128 * 1024
_END_OF_MEMORY = 1 << 64


class ReadMemoryArguments(Arguments, frozen=True):
    """DAP "ReadMemoryArguments"."""

    memory_reference: str
    count: int
    offset: int = 0


class WriteMemoryArguments(Arguments, frozen=True):
    """DAP "WriteMemoryArguments"."""

    memory_reference: str
    data: str
    offset: int = 0
    allow_partial: bool = False


class Region(Struct, frozen=True):
    """A mapping of the target's memory; permissions as proc(5) has them: "rw-p"."""

    begin: int
    end: int
    permissions: str

    @property
    def can_be_written(self) -> bool:
        """Whether a debugger can write there: it has its own way into private pages, code and constants included."""
        return "w" in self.permissions or "p" in self.permissions


def parse_reference(reference: str, offset: int = 0) -> int:
    """Return the address that a memoryReference and an offset to it name. Raises UserError."""
    try:
        address = int(reference.strip(), 0) + offset
    except ValueError:
        raise UserError(f"{reference!r} is no memory reference: an address like 0x7ffe10 is one") from None
    if not 0 <= address < _END_OF_MEMORY:
        raise UserError(f"there is no memory at {address:#x}")
    return address


@request("readMemory", capabilities=("supportsReadMemoryRequest",))
async def read_memory(context: Context, arguments: ReadMemoryArguments) -> JsonObject:
    """DAP "ReadMemory": what can be read from the address on, and how much behind it can't."""
    address = parse_reference(arguments.memory_reference, arguments.offset)
    if arguments.count > MAX_BYTES:
        raise UserError(f"{arguments.count} bytes are too many: at most {MAX_BYTES} are read at once")
    data = await read_bytes(context, address, arguments.count)
    body: JsonObject = {"address": f"{address:#x}", "data": b64encode(data).decode()}
    if len(data) < arguments.count:
        body["unreadableBytes"] = await _count_unreadable(context, address + len(data), address + arguments.count)
    return body


@request("writeMemory", capabilities=("supportsWriteMemoryRequest",))
async def write_memory(context: Context, arguments: WriteMemoryArguments) -> JsonObject:
    """DAP "WriteMemory": all of the data or, unless `allowPartial`, nothing."""
    address = parse_reference(arguments.memory_reference, arguments.offset)
    if context.config.read_only:
        raise UserError("memory was not written: this session is read-only (readOnly)")
    data = _decode(arguments.data)
    end = await _writable_end(context, address, address + len(data))
    if end < address + len(data) and not arguments.allow_partial:
        raise UserError(f"nothing was written: memory at {end:#x} can't be")
    data = data[: end - address]
    for start in range(0, len(data), _PIECE_BYTES):
        piece = data[start : start + _PIECE_BYTES].hex()
        await context.debugger.send(command("data-write-memory-bytes", f"{address + start:#x}", piece))
    if data:
        await _tell_written(context, arguments, len(data))
    return {"offset": arguments.offset, "bytesWritten": len(data)}


async def read_bytes(context: Context, address: int, count: int) -> bytes:
    """Return the bytes at an address, up to the first that can't be read."""
    end = min(address + count, _END_OF_MEMORY)
    with context.debugger.burst():
        asked = [
            context.debugger.send(
                command("data-read-memory-bytes", f"{start:#x}", min(_PIECE_BYTES, end - start)),
            )
            for start in range(address, end, _PIECE_BYTES)
        ]
    found = bytearray()
    for each in asked:
        try:
            blocks = (await each).get("memory") or []
        except EngineError as error:
            if "Unable to read memory" in str(error):
                break
            raise
        wanted = min(_PIECE_BYTES, end - address - len(found))
        first = next((bytes.fromhex(block["contents"]) for block in blocks if int(block["offset"], 0) == 0), b"")
        found += first
        if len(first) < wanted:
            # What can be read ends with a page; gdb itself may take a byte more for readable.
            return bytes(found[: -((address + len(found)) % _PAGE_BYTES) or None])
    return bytes(found)


async def find_regions(context: Context, begin: int, end: int) -> list[Region]:
    """Return the mappings that overlap a range, in order. Raises EngineError where this debugger can't tell."""
    answer = await context.debugger.send(command("x-regions", f"{begin:#x}", f"{end:#x}"))
    return msgspec.convert(answer.get("regions", []), list[Region])


async def _count_unreadable(context: Context, begin: int, end: int) -> int:
    """Return how far it is to the next mapping; one that holds `begin` is mapped, and still can't be read."""
    regions = await find_regions(context, begin, end)
    return next((each.begin for each in regions if each.begin > begin), end) - begin


async def _writable_end(context: Context, begin: int, end: int) -> int:
    """Return the end of what can be written from `begin` on, at most `end`."""
    if begin == end:
        return end
    reached = begin
    for region in await find_regions(context, begin, end):
        if region.begin > reached or not region.can_be_written:
            break
        reached = region.end
    return min(reached, end)


async def _tell_written(context: Context, arguments: WriteMemoryArguments, count: int) -> None:
    if context.stop is not None:
        await refresh(context)
    reference = {"memoryReference": arguments.memory_reference, "offset": arguments.offset, "count": count}
    context.tell_behind_answer("memory", reference)
    context.tell_behind_answer("invalidated", {"areas": ["variables"]})


def _decode(data: str) -> bytes:
    try:
        decoded = b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise UserError("nothing was written: the data is not base64") from None
    if len(decoded) > MAX_BYTES:
        raise UserError(f"{len(decoded)} bytes are too many: at most {MAX_BYTES} are written at once")
    return decoded
