"""DAP `process`: which process the client debugs."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.errors import DapbridgeError

_ELF_CLASS = 4
_POINTER_BITS = {1: 32, 2: 64}


async def tell_attached(context: Context) -> None:
    """Tell the client of the process that it has attached to, by its pid in the target's own eyes."""
    process = context.process
    body: JsonObject = {
        "name": process.exe or process.name,
        "systemProcessId": process.pid,
        # Also on this host: the pid is one of another namespace, which nobody may take for one of the host's.
        "isLocalProcess": False,
        "startMethod": "attach",
    }
    if bits := await _find_pointer_bits(context):
        body["pointerSize"] = bits
    context.tell("process", body)


async def _find_pointer_bits(context: Context) -> int | None:
    try:
        header = await context.agent.read_file(context.process.pid, None, 0, _ELF_CLASS + 1)
    except DapbridgeError:
        return None
    return _POINTER_BITS.get(header[_ELF_CLASS]) if len(header) > _ELF_CLASS else None
