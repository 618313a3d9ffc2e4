"""DAP `scopes`: what a frame has to show, the dear parts of it only when they are opened."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.registers import Registers
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.variables import Globals, Scope, frame_content


class ScopesArguments(Arguments, frozen=True):
    """DAP "ScopesArguments"."""

    frame_id: int


@request("scopes", needs_stop=True)
async def scopes(context: Context, arguments: ScopesArguments) -> JsonObject:
    """DAP "Scopes": Arguments, Locals, the Globals of the file, Registers."""
    stop = context.stopped
    frame = stop.frame(arguments.frame_id)
    content = await frame_content(context, frame)
    argument_count = sum("argument" in each for each in content["variables"])
    local_count = len(content["variables"]) - argument_count
    if stop.return_value is not None and frame == Frame(stop.thread_id, 0):
        local_count += 1
    found: list[JsonObject] = []

    def add(name: str, container: Scope | Globals | Registers, **more: object) -> None:
        found.append({"name": name, "variablesReference": stop.reference(container), "expensive": False} | more)

    if argument_count:
        add("Arguments", Scope(frame, "arguments"), presentationHint="arguments", namedVariables=argument_count)
    add("Locals", Scope(frame, "locals"), presentationHint="locals", namedVariables=local_count)
    if path := content.get("file"):
        source = {"name": path.rsplit("/", 1)[-1], "path": path}
        add("Globals", Globals(frame), expensive=True, source=source)
    add("Registers", Registers(frame), presentationHint="registers", expensive=True)
    return {"scopes": found}
