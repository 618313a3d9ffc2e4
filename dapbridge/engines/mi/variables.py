"""DAP `variables`, `setVariable` and `setExpression`: scopes, and what they hold, opened level by level, in pages.

One answer of the debugger holds all variables of a frame as they are shown; nothing is made for what isn't opened.
"""

from typing import Any, Literal

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import values
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.values import Opened, ValueFormat, to_result, to_variable
from dapbridge.errors import UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

MAX_CHILDREN = 1000
"""The most children listed at once; the client asks for the rest."""

ScopeKind = Literal["arguments", "locals", "registers"]


class Scope(Struct, frozen=True):
    """A container of DAP variables: one scope of a frame."""

    frame: Frame
    kind: ScopeKind


class Pointer(Struct, frozen=True):
    """A container of DAP variables: what is in an expression's value, looked at when it is opened."""

    expression: str
    frame: Frame | None


class VariablesArguments(Arguments, frozen=True):
    """DAP "VariablesArguments"."""

    variables_reference: int
    filter: Literal["indexed", "named"] | None = None
    start: int | None = None
    count: int | None = None
    format: ValueFormat = ValueFormat()


class SetVariableArguments(Arguments, frozen=True):
    """DAP "SetVariableArguments"."""

    variables_reference: int
    name: str
    value: str
    format: ValueFormat = ValueFormat()


class SetExpressionArguments(Arguments, frozen=True):
    """DAP "SetExpressionArguments"."""

    expression: str
    value: str
    frame_id: int | None = None
    format: ValueFormat = ValueFormat()


def variables_command(context: Context, frame: Frame, format_: str = "") -> str:
    """Return the MI command for a frame's variables, as `frame_variables` asks for them."""
    return values.values_command(context, "variables", format_, frame=frame)


async def frame_variables(context: Context, frame: Frame, format_: str = "") -> list[JsonObject]:
    """Return a frame's arguments and locals as the debugger shows them; none without debug information."""
    found: list[JsonObject] = (await values.ask(context, "variables", format_, frame=frame))["variables"]
    return found


async def typed_variables(context: Context, frame: Frame) -> list[Payload]:
    """Return the names of a frame's arguments (`arg` is "1") and locals."""
    listed = await frame_variables(context, frame)
    return [{"name": each["name"], "arg": "1" if "argument" in each else "0"} for each in listed]


@request("variables", capabilities=("supportsValueFormattingOptions",), needs_stop=True)
async def variables(context: Context, arguments: VariablesArguments) -> JsonObject:
    """DAP "Variables"."""
    container = context.stopped.container(arguments.variables_reference)
    format_ = arguments.format.letter
    start, count = arguments.start or 0, arguments.count or None
    match container:
        case Scope(frame, "registers"):
            found = await _registers(context, frame, format_)
        case Scope(frame, kind):
            listed = await frame_variables(context, frame, format_)
            wanted = [each for each in listed if ("argument" in each) == (kind == "arguments")]
            found = [to_variable(context, each, frame) for each in wanted]
        case Pointer() | Opened():
            return {"variables": await _children(context, container, arguments)}
        case _:
            raise AssertionError(container)
    if arguments.filter == "indexed":
        return {"variables": []}
    return {"variables": found[start : start + count] if count else found[start:]}


@request("setVariable", capabilities=("supportsSetVariable",), needs_stop=True)
async def set_variable(context: Context, arguments: SetVariableArguments) -> JsonObject:
    """DAP "SetVariable"."""
    _refuse_if_read_only(context, arguments.name)
    container = context.stopped.container(arguments.variables_reference)
    format_ = arguments.format.letter
    match container:
        case Scope(frame, kind):
            name = f"${arguments.name}" if kind == "registers" else arguments.name
            changed = await values.send(context, "assign", name, arguments.value, format_, frame=frame)
        case Pointer() | Opened():
            opened = await _opened(context, container)
            place = (opened.node, opened.start, arguments.name, arguments.value, format_)
            changed = await values.send(context, "assign-child", *place, frame=opened.frame)
        case _:
            raise AssertionError(container)
    return _changed(context, changed, container.frame)


@request("setExpression", capabilities=("supportsSetExpression",), needs_stop=True)
async def set_expression(context: Context, arguments: SetExpressionArguments) -> JsonObject:
    """DAP "SetExpression"."""
    _refuse_if_read_only(context, arguments.expression)
    frame = None if arguments.frame_id is None else context.stopped.frame(arguments.frame_id)
    place = (arguments.expression, arguments.value, arguments.format.letter)
    return _changed(context, await values.send(context, "assign", *place, frame=frame), frame)


def _changed(context: Context, changed: JsonObject, frame: Frame | None) -> JsonObject:
    context.debugger.forget()
    variable = to_variable(context, changed, frame)
    values.tell_changed(context, changed)
    return to_result(variable, "value")


def _refuse_if_read_only(context: Context, name: str) -> None:
    if context.config.read_only:
        raise UserError(f"{name} was not changed: this session is read-only (readOnly)")


async def _opened(context: Context, container: Pointer | Opened) -> Opened:
    if isinstance(container, Opened):
        return container
    shown = await values.ask(context, "evaluate", container.expression, 200, frame=container.frame)
    if "node" not in shown:
        raise UserError(f"there is nothing in {container.expression} to open")
    return Opened(shown["node"], container.frame)


async def _children(context: Context, container: Pointer | Opened, arguments: VariablesArguments) -> list[JsonObject]:
    opened = await _opened(context, container)
    format_ = arguments.format.letter or opened.format
    first = opened.start + (arguments.start or 0)
    count = min(arguments.count or MAX_CHILDREN, MAX_CHILDREN)
    page: dict[str, Any] = await values.ask(
        context, "children", opened.node, first, count, format_, arguments.filter or "", frame=opened.frame
    )
    found = [to_variable(context, each, opened.frame, opened.format) for each in page["children"]]
    if page["more"] and not arguments.count:
        rest = Opened(opened.node, opened.frame, opened.format, first + count)
        found.append({"name": "…", "value": "more", "variablesReference": context.stopped.reference(rest)})
    return found


async def _registers(context: Context, frame: Frame, format_: str) -> list[JsonObject]:
    names = (await context.debugger.ask(command("data-list-register-names"))).get("register-names") or []
    listing = command("data-list-register-values", "x", thread=frame.thread_id, frame=frame.level)
    found = (await context.debugger.ask(listing)).get("register-values") or []
    return [
        _register(context, str(names[int(each["number"])]), str(each["value"]), frame)
        for each in found
        if int(each["number"]) < len(names) and names[int(each["number"])]
    ]


def _register(context: Context, name: str, value: str, frame: Frame) -> JsonObject:
    # Vector registers are unions of every way to see them: opened when they are looked at.
    composite = value.startswith("{")
    reference = context.stopped.reference(Pointer(f"${name}", frame)) if composite else 0
    shown = "{…}" if composite else value
    return {"name": name, "value": shown, "evaluateName": f"${name}", "variablesReference": reference}
