"""Values as the debugger's own side shows them (inside_gdb/values.py), and as DAP has them.

What can be opened is a node there, which lives as long as the stop that it was made for.
"""

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import locations
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.stops import Frame
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

_NO_COMMAND = "Undefined MI command: x-"


class ValueFormat(Struct, frozen=True):
    """DAP "ValueFormat"."""

    hex: bool = False

    @property
    def letter(self) -> str:
        """The debugger's letter for it; "" for its own choice."""
        return "x" if self.hex else ""


class Opened(Struct, frozen=True):
    """A container of DAP variables: the children of a node, from `start` on."""

    node: int
    frame: Frame | None
    format: str = ""
    start: int = 0


def values_command(context: Context, operation: str, *parameters: str | int, frame: Frame | None) -> str:
    """Return the MI command of an operation on values, in a frame or (None) wherever the debugger is."""
    thread, level = (None, None) if frame is None else (frame.thread_id, frame.level)
    words = [str(each) or "-" for each in parameters]
    return command(f"x-{operation}", context.stopped.number, *words, thread=thread, frame=level)


async def ask(context: Context, operation: str, *parameters: str | int, frame: Frame | None) -> Payload:
    """Return what an operation that only looks gives; asked once until something changes."""
    asked = values_command(context, operation, *parameters, frame=frame)
    try:
        return await context.debugger.ask(asked)
    except EngineError as error:
        # It may have been interrupted, and do better the next time.
        context.debugger.forget_one(asked)
        raise _translated(error) from error


async def send(context: Context, operation: str, *parameters: str | int, frame: Frame | None) -> Payload:
    """Return what an operation gives, done now."""
    try:
        return await context.debugger.send(values_command(context, operation, *parameters, frame=frame))
    except EngineError as error:
        raise _translated(error) from error


async def refresh(context: Context) -> None:
    """Make all values show what is true after a change."""
    context.debugger.forget()
    if context.stop is not None:
        context.stop.depths.clear()
    await context.debugger.send("-x-refresh")


def to_variable(context: Context, shown: JsonObject, frame: Frame | None, format_: str = "") -> JsonObject:
    """Return the DAP Variable of a value that the debugger shows."""
    body: JsonObject = {"name": shown["name"], "value": shown["value"], "variablesReference": 0}
    for key, name in (("type", "type"), ("expression", "evaluateName")):
        if key in shown:
            body[name] = shown[key]
    if "memory" in shown:
        body["memoryReference"] = f"{shown['memory']:#x}"
    if "node" in shown:
        body["variablesReference"] = context.stopped.reference(Opened(shown["node"], frame, format_))
        if "indexed" in shown:
            body["indexedVariables"] = shown["indexed"]
    if shown.get("line"):
        body["declarationLocationReference"] = locations.declaration(context, shown["file"], shown["line"])
    if "code" in shown:
        body["valueLocationReference"] = locations.code(context, shown["code"])
    if hint := {key: shown[key] for key in ("kind", "attributes", "visibility") if key in shown}:
        body["presentationHint"] = hint
    return body


def to_result(variable: JsonObject, *keys: str) -> JsonObject:
    """Return of a DAP Variable what belongs into a response that has these keys beside the common ones."""
    counts = ("indexedVariables", "namedVariables")
    common = ("type", "variablesReference", *counts, "memoryReference", "valueLocationReference")
    return {key: variable[key] for key in (*common, *keys) if key in variable}


def tell_changed(context: Context, shown: JsonObject | None = None) -> None:
    """Tell the client, after its answer, that values are others now, and where memory was changed if that is known."""
    context.tell_behind_answer("invalidated", {"areas": ["variables"]})
    if shown is not None and (changed := shown.get("changed")):
        address, size = changed
        context.tell_behind_answer("memory", {"memoryReference": f"{address:#x}", "offset": 0, "count": size})


def _translated(error: EngineError) -> EngineError | UserError:
    if _NO_COMMAND in str(error):
        return UserError("values can't be shown: this debugger was built without Python")
    return error
