"""DAP `variables` and `setVariable`: scopes, and what they hold, opened level by level.

Simple values come with the list of a frame's variables. Whatever can be opened is a variable object (GDB manual,
"GDB/MI Variable Objects"), made once per stop and frame when the client first looks at it; pointers only when they are
opened.
"""

import re
from typing import Literal

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.varobjs import (
    MAX_CHILDREN,
    AskedVarObj,
    VarObj,
    ask_varobj,
    create_varobj,
    get_varobj,
    list_children,
    refresh_varobjs,
)
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

ScopeKind = Literal["arguments", "locals", "registers"]

_NO_SYMBOLS = "No symbol table"
_POINTER_VALUE = re.compile(r"(?:\([^()]*\) )?0x[0-9a-f]*[1-9a-f][0-9a-f]*(?: <[^>]*>)?\Z")
_NULL = re.compile(r"(?:\([^()]*\) )?0x0\Z")
_NOT_WORTH_OPENING = re.compile(r"(?:\b(?:void|char|signed char|unsigned char) \*(?: const)?|\(\*\)\(.*\))\Z")


class Scope(Struct, frozen=True):
    """A container of DAP variables: one scope of a frame."""

    frame: Frame
    kind: ScopeKind


class Children(Struct, frozen=True):
    """A container of DAP variables: the children of a variable object, from `start` on."""

    varobj: VarObj
    start: int = 0


class Pointer(Struct, frozen=True):
    """A container of DAP variables: what an expression points to, looked at when it is opened."""

    expression: str
    frame: Frame | None


class FrameVariable(Struct, frozen=True):
    """One variable of a frame; `value` is None where it has to be opened, `summary` is its value on one line."""

    name: str
    type_name: str
    value: str | None
    summary: str
    is_argument: bool


class VariablesArguments(Arguments, frozen=True):
    """DAP "VariablesArguments"."""

    variables_reference: int
    filter: Literal["indexed", "named"] | None = None
    start: int | None = None
    count: int | None = None


class SetVariableArguments(Arguments, frozen=True):
    """DAP "SetVariableArguments"."""

    variables_reference: int
    name: str
    value: str


def variables_commands(frame: Frame) -> tuple[str, str]:
    """Return the MI commands for a frame's variables: types with simple values, and all values on a line each."""
    thread, level = frame.thread_id, frame.level
    return (
        command("stack-list-variables", "--simple-values", thread=thread, frame=level),
        command("stack-list-variables", "--all-values", thread=thread, frame=level),
    )


async def typed_variables(context: Context, frame: Frame) -> list[Payload]:
    """Return MI's list of a frame's arguments and locals with their types; none without debug information.

    What has to be opened has no value in it. It is there earlier than `frame_variables`, which wait for all values.
    """
    types, _ = variables_commands(frame)
    try:
        return (await context.debugger.ask(types)).get("variables") or []
    except EngineError as error:
        if _NO_SYMBOLS in str(error):
            return []
        raise


async def frame_variables(context: Context, frame: Frame) -> list[FrameVariable]:
    """Return a frame's arguments and locals; none where it has no debug information."""
    _, values = (context.debugger.ask(each) for each in variables_commands(frame))
    typed = await typed_variables(context, frame)
    if not typed:
        return []
    valued = (await values).get("variables") or []
    return [_frame_variable(*each) for each in zip(typed, valued, strict=True)]


def guess(context: Context, frame: Frame, function: str) -> None:
    """Ask for the variable objects that this function had at its last stop: after a step most likely the same ones.

    For one that isn't there any more the debugger has an error, which nobody reads.
    """
    for name in context.openable.get(function, ()):
        ask_varobj(context, name, frame)


async def prefetch(context: Context, frame: Frame, function: str) -> None:
    """Ask for the variable objects that the client will want when it opens the frame, but those guessed already."""
    openable = [str(each["name"]) for each in await typed_variables(context, frame) if "value" not in each]
    context.openable[function] = openable
    for name in openable:
        ask_varobj(context, name, frame)


@request("variables", needs_stop=True)
async def variables(context: Context, arguments: VariablesArguments) -> JsonObject:
    """DAP "Variables"."""
    container = context.stopped.container(arguments.variables_reference)
    start, count = arguments.start or 0, arguments.count or None
    match container:
        case Scope(kind="registers"):
            found = await _registers(context, container.frame)
        case Scope():
            found = await _scope(context, container)
        case Pointer():
            varobj = await create_varobj(context, container.expression, container.frame)
            return await _children(context, Children(varobj), start, count)
        case Children():
            if arguments.filter == "named" and container.varobj.indexed_children:
                return {"variables": []}
            return await _children(context, container, start, count)
        case _:
            raise AssertionError(container)
    return {"variables": found[start : start + count] if count else found[start:]}


@request("setVariable", capabilities=("supportsSetVariable",), needs_stop=True)
async def set_variable(context: Context, arguments: SetVariableArguments) -> JsonObject:
    """DAP "SetVariable"."""
    if context.config.read_only:
        raise UserError(f"{arguments.name} was not changed: this session is read-only (readOnly)")
    varobj = await _variable(context, arguments.variables_reference, arguments.name)
    answer = await context.debugger.send(command("var-assign", varobj.name, arguments.value))
    await refresh_varobjs(context)
    value = str(answer.get("value", arguments.value))
    return {"value": value, "type": varobj.type_name} if varobj.type_name else {"value": value}


async def _variable(context: Context, reference: int, name: str) -> VarObj:
    container = context.stopped.container(reference)
    match container:
        case Scope(frame, "registers"):
            return await create_varobj(context, f"${name}", frame)
        case Scope(frame, _):
            return await create_varobj(context, name, frame)
        case Pointer(expression, frame):
            container = Children(await create_varobj(context, expression, frame))
    assert isinstance(container, Children)
    indexed = container.varobj.indexed_children
    start = int(name[1:-1]) if indexed and re.fullmatch(r"\[\d+\]", name) else container.start
    children, _ = await list_children(context, container.varobj, start, 1 if indexed else MAX_CHILDREN)
    for label, child in children:
        if label == name:
            return child
    raise UserError(f"no variable named {name!r} there")


async def _scope(context: Context, scope: Scope) -> list[JsonObject]:
    listed = await frame_variables(context, scope.frame)
    wanted = [each for each in listed if each.is_argument == (scope.kind == "arguments")]
    # All of them are asked before the first answer is waited for: one round trip.
    asked = {each: ask_varobj(context, each.name, scope.frame) for each in wanted if each.value is None}
    return [
        await _opened(context, each, asked[each]) if each in asked else _plain(context, each, scope.frame)
        for each in wanted
    ]


async def _opened(context: Context, variable: FrameVariable, asked: AskedVarObj) -> JsonObject:
    try:
        varobj = await get_varobj(asked)
    except EngineError as error:
        return {"name": variable.name, "value": f"<{error}>", "type": variable.type_name, "variablesReference": 0}
    body = describe(context, variable.name, varobj)
    if variable.summary:
        body["value"] = variable.summary
    return body


def _plain(context: Context, variable: FrameVariable, frame: Frame) -> JsonObject:
    value = variable.value or ""
    reference = 0
    if is_pointer(value, variable.type_name):
        reference = context.stopped.reference(Pointer(variable.name, frame))
    return {
        "name": variable.name,
        "value": value,
        "type": variable.type_name,
        "evaluateName": variable.name,
        "variablesReference": reference,
    }


async def _children(context: Context, container: Children, start: int, count: int | None) -> JsonObject:
    first = container.start + start
    children, has_more = await list_children(context, container.varobj, first, min(count or MAX_CHILDREN, MAX_CHILDREN))
    found = [describe(context, name, child) for name, child in children]
    if has_more and count is None:
        rest = context.stopped.reference(Children(container.varobj, first + len(children)))
        found.append({"name": "…", "value": "more", "variablesReference": rest, "presentationHint": {"lazy": False}})
    return {"variables": found}


def describe(context: Context, name: str, varobj: VarObj) -> JsonObject:
    """Return the DAP Variable of a variable object."""
    value = varobj.value or ("{...}" if varobj.has_children else "")
    body: JsonObject = {"name": name, "value": value, "variablesReference": 0}
    if varobj.type_name:
        body["type"] = varobj.type_name
    if varobj.expression:
        body["evaluateName"] = varobj.expression
    if varobj.has_children and not _NULL.match(value) and not _NOT_WORTH_OPENING.search(varobj.type_name):
        body["variablesReference"] = context.stopped.reference(Children(varobj))
        if varobj.indexed_children:
            body["indexedVariables"] = varobj.indexed_children
    return body


def is_pointer(value: str, type_name: str) -> bool:
    """Tell whether a value points to something worth opening: no null, no function, no text."""
    return bool(_POINTER_VALUE.match(value)) and "*" in type_name and not _NOT_WORTH_OPENING.search(type_name)


async def _registers(context: Context, frame: Frame) -> list[JsonObject]:
    names = (await context.debugger.ask(command("data-list-register-names"))).get("register-names") or []
    listing = command("data-list-register-values", "x", thread=frame.thread_id, frame=frame.level)
    values = (await context.debugger.ask(listing)).get("register-values") or []
    return [
        _register(context, str(names[int(each["number"])]), str(each["value"]), frame)
        for each in values
        if int(each["number"]) < len(names) and names[int(each["number"])]
    ]


def _register(context: Context, name: str, value: str, frame: Frame) -> JsonObject:
    # Vector registers are unions of every way to see them: opened when they are looked at.
    composite = value.startswith("{")
    reference = context.stopped.reference(Pointer(f"${name}", frame)) if composite else 0
    shown = "{…}" if composite else value
    return {"name": name, "value": shown, "evaluateName": f"${name}", "variablesReference": reference}


def _frame_variable(typed: Payload, valued: Payload) -> FrameVariable:
    name, value = str(typed["name"]), typed.get("value")
    return FrameVariable(
        name=name,
        type_name=str(typed.get("type", "")),
        value=None if value is None else str(value),
        summary=str(valued.get("value", "")),
        is_argument=typed.get("arg") == "1",
    )
