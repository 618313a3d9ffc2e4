"""DAP `variables`, `setVariable` and `setExpression`: scopes, and what they hold, opened level by level, in pages.

One answer of the debugger holds all variables of a frame as they are shown; nothing is made for what isn't opened.
"""

from contextlib import suppress
from typing import Any, Literal

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import values
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.registers import Registers, list_registers, set_register
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.values import Opened, ValueFormat, to_result, to_variable
from dapbridge.errors import EngineError, UserError

MAX_CHILDREN = 1000
"""The most children listed at once for a client that doesn't say how many it wants; the rest is behind an ellipsis."""

MAX_PAGE = 10_000
"""The most for one that says so."""

ScopeKind = Literal["arguments", "locals"]
RETURN_VALUE = "(return value)"


class Scope(Struct, frozen=True):
    """A container of DAP variables: one scope of a frame."""

    frame: Frame
    kind: ScopeKind


class Globals(Struct, frozen=True):
    """A container of DAP variables: the globals of a frame's file, looked for when it is opened."""

    frame: Frame


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
    found: list[JsonObject] = (await frame_content(context, frame, format_))["variables"]
    return found


async def frame_content(context: Context, frame: Frame, format_: str = "") -> JsonObject:
    """Return the debugger's answer on a frame: its "variables", and its "file" if it has debug information."""
    return await values.ask(context, "variables", format_, frame=frame)


@request("variables", capabilities=("supportsValueFormattingOptions",), needs_stop=True)
async def variables(context: Context, arguments: VariablesArguments) -> JsonObject:
    """DAP "Variables"."""
    container = context.stopped.container(arguments.variables_reference)
    format_ = arguments.format.letter
    start, count = arguments.start or 0, arguments.count or None
    match container:
        case Registers():
            found = await list_registers(context, container, format_)
        case Scope(frame, kind):
            listed = await frame_variables(context, frame, format_)
            wanted = [each for each in listed if ("argument" in each) == (kind == "arguments")]
            returned = await _returned(context, frame, format_) if kind == "locals" else []
            found = [to_variable(context, each, frame) for each in returned + wanted]
        case Globals() | Pointer() | Opened():
            return {"variables": await _children(context, container, arguments)}
        case _:
            raise UserError(f"{arguments.variables_reference} is no reference of variables")
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
        case Scope(frame, _):
            if arguments.name == RETURN_VALUE:
                raise UserError("the function has returned already: its value can't be changed any more")
            name = await expression_of(context, frame, arguments.name)
            changed = await values.send(context, "assign", name, arguments.value, format_, frame=frame)
        case Registers():
            changed = await set_register(context, container, arguments.name, arguments.value, format_)
        case Globals() | Pointer() | Opened():
            node = await opened(context, container)
            place = (node.node, node.start, arguments.name, arguments.value, format_)
            changed = await values.send(context, "assign-child", *place, frame=node.frame)
        case _:
            raise UserError(f"{arguments.variables_reference} is no reference of variables")
    if isinstance(container, Registers):
        # Where the thread stands, and on which stack, are registers too.
        context.stopped.depths.clear()
        context.tell_behind_answer("invalidated", {"areas": ["stacks"]})
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


async def expression_of(context: Context, frame: Frame, name: str) -> str:
    """Return what names a variable of a frame: one that is hidden by another of its name is found by its address."""
    listed = await frame_variables(context, frame)
    return next((str(each.get("expression", name)) for each in listed if each["name"] == name), name)


async def _returned(context: Context, frame: Frame, format_: str) -> list[JsonObject]:
    """Return what a function returned that was just stepped out of, if this is the frame that it returned to."""
    value = context.stopped.return_value
    if value is None or frame != Frame(context.stopped.thread_id, 0):
        return []
    shown = {"name": RETURN_VALUE, "value": value.text, "type": value.type}
    with suppress(EngineError):
        shown = await values.ask(context, "evaluate", value.expression, 200, format_, frame=frame)
    return [shown | {"name": RETURN_VALUE, "attributes": ["readOnly"]}]


async def opened(context: Context, container: Globals | Pointer | Opened) -> Opened:
    """Return the node of a container."""
    if isinstance(container, Opened):
        return container
    if isinstance(container, Globals):
        found = await values.ask(context, "globals", frame=container.frame)
        return Opened(found["node"], container.frame)
    shown = await values.ask(context, "evaluate", container.expression, 200, frame=container.frame)
    if "node" not in shown:
        raise UserError(f"there is nothing in {container.expression} to open")
    return Opened(shown["node"], container.frame)


async def _children(
    context: Context, container: Globals | Pointer | Opened, arguments: VariablesArguments
) -> list[JsonObject]:
    node = await opened(context, container)
    format_ = arguments.format.letter or node.format
    first = node.start + (arguments.start or 0)
    count = min(arguments.count or MAX_CHILDREN, MAX_PAGE)
    page: dict[str, Any] = await values.ask(
        context, "children", node.node, first, count, format_, arguments.filter or "", frame=node.frame
    )
    found = [to_variable(context, each, node.frame, node.format) for each in page["children"]]
    if page["more"] and not arguments.count:
        rest = Opened(node.node, node.frame, node.format, first + count)
        found.append({"name": "…", "value": "more", "variablesReference": context.stopped.reference(rest)})
    return found
