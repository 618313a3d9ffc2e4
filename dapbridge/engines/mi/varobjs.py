"""Variable objects: the debugger's handles of values that can be opened (GDB manual, "GDB/MI Variable Objects").

They belong to a stop: made for one frame, shared by all who look, deleted when the target has moved on.
"""

import asyncio
import re

from msgspec import Struct

from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Answer
from dapbridge.engines.mi.stops import Frame
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

MAX_CHILDREN = 1000
"""The most children listed at once; the client asks for the rest."""

MAX_LEFTOVER_VAROBJS = 100
"""How many variable objects of earlier stops may wait for the next `continue` to be deleted."""

_ACCESS = frozenset({"public", "protected", "private"})
_IDENTIFIER = re.compile(r"[A-Za-z_$][\w$]*\Z")
_SIMPLE_EXPRESSION = re.compile(r"(?:[\w$.\[\]]|->)+\Z|\(\*\w+\)\Z")
# As libstdc++'s and Rust's printers say it.
_LENGTH = re.compile(r"\bof length (\d+)|\bwith (\d+) elements?|\(size=(\d+)\)")
_BIG_ARRAY = 256
"""Above that many elements an array is looked at in slices: the debugger would make an object for each element."""


class VarObj(Struct, frozen=True):
    """One variable object. `expression` is how to name it in the target's language, None where it has no name there."""

    name: str
    type_name: str
    value: str
    child_count: int
    is_dynamic: bool
    display_hint: str
    has_more: bool
    expression: str | None
    frame: Frame | None

    @property
    def has_children(self) -> bool:
        return self.child_count > 0 or self.has_more

    @property
    def is_array(self) -> bool:
        return not self.is_dynamic and self.type_name.endswith("]")

    @property
    def indexed_children(self) -> int:
        """The number of elements of an array-like value; 0 for all others and where it isn't known."""
        if self.is_array:
            return self.child_count
        if self.is_dynamic and self.display_hint == "array" and (found := _LENGTH.search(self.value)):
            return int(next(number for number in found.groups() if number))
        return 0


class AskedVarObj(Struct, frozen=True):
    """A variable object on its way."""

    name: str
    expression: str
    frame: Frame | None
    answer: Answer


def ask_varobj(context: Context, expression: str, frame: Frame | None) -> AskedVarObj:
    """Ask for the variable object of an expression, in a frame or (None) of the whole program; made once a stop."""
    stop = context.stopped
    key = (expression, frame)
    if (known := stop.varobjs.get(key)) is None:
        name = f"v{next(context.ids)}"
        if frame is None:
            asked = command("var-create", name, "@", expression)
        else:
            asked = command("var-create", name, "*", expression, thread=frame.thread_id, frame=frame.level)
        known = stop.varobjs[key] = AskedVarObj(name, expression, frame, context.debugger.send(asked))
    return known


async def get_varobj(asked: AskedVarObj) -> VarObj:
    """Wait for a variable object. Raises EngineError with the debugger's words for what it can't evaluate."""
    return _varobj(await asyncio.shield(asked.answer), asked.name, asked.expression, asked.frame)


async def create_varobj(context: Context, expression: str, frame: Frame | None) -> VarObj:
    """Return the variable object of an expression. Raises EngineError."""
    return await get_varobj(ask_varobj(context, expression, frame))


async def list_children(
    context: Context, varobj: VarObj, start: int, count: int
) -> tuple[list[tuple[str, VarObj]], bool]:
    """Return up to `count` children from `start` on, with their labels, and whether there are more."""
    if varobj.is_array and varobj.child_count > _BIG_ARRAY:
        return await _list_slice(context, varobj, start, count)
    # A map's printer gives key, value, key, value, …
    factor = 2 if varobj.display_hint == "map" else 1
    span = (start * factor, (start + count) * factor)
    answer = await context.debugger.ask(command("var-list-children", "--all-values", varobj.name, *span))
    children = [_parse(child, varobj) for child in answer.get("children") or [] if not _is_discriminant(child)]
    has_more = answer.get("has_more") == "1" if varobj.is_dynamic else start + count < varobj.child_count
    if factor == 2:
        return _pairs(children, start), has_more
    return await _without_access_groups(context, children), has_more


def delete_leftovers(context: Context) -> None:
    """Delete the variable objects of earlier stops; the target may run."""
    with context.debugger.burst():
        for name in context.leftover_varobjs:
            context.debugger.send(command("var-delete", name))
    context.leftover_varobjs.clear()


async def refresh_varobjs(context: Context) -> None:
    """Make all variable objects show what is true after a change."""
    context.debugger.forget()
    await context.debugger.send("-var-update *")


def _varobj(payload: Payload, name: str, expression: str | None, frame: Frame | None) -> VarObj:
    return VarObj(
        name=name,
        type_name=str(payload.get("type", "")),
        value=str(payload.get("value", "")),
        child_count=int(payload.get("numchild", 0)),
        is_dynamic=payload.get("dynamic") == "1",
        display_hint=str(payload.get("displayhint", "")),
        has_more=payload.get("has_more") == "1",
        expression=expression,
        frame=frame,
    )


def _parse(child: Payload, parent: VarObj) -> tuple[str, VarObj]:
    exp = str(child["exp"])
    varobj = _varobj(child, str(child["name"]), _child_expression(parent, exp), parent.frame)
    return (f"[{exp}]" if exp.isdecimal() else exp), varobj


def _child_expression(parent: VarObj, exp: str) -> str | None:
    if parent.expression is None or parent.is_dynamic:
        return None
    base = _as_operand(parent.expression)
    is_pointer = parent.type_name.removesuffix(" const").endswith("*")
    if exp in _ACCESS:
        return f"(*{base})" if is_pointer else parent.expression
    if exp.isdecimal():
        return f"{base}[{exp}]"
    if exp.startswith("*"):
        return f"*{base}"
    if not _IDENTIFIER.match(exp):
        return None
    return f"{base}->{exp}" if is_pointer else f"{base}.{exp}"


def _as_operand(expression: str) -> str:
    return expression if _SIMPLE_EXPRESSION.match(expression) else f"({expression})"


def _pairs(children: list[tuple[str, VarObj]], start: int) -> list[tuple[str, VarObj]]:
    keys, values = children[0::2], children[1::2]
    return [(f"[{key.value}]", value) for (_, key), (_, value) in zip(keys, values, strict=False)]


async def _without_access_groups(context: Context, children: list[tuple[str, VarObj]]) -> list[tuple[str, VarObj]]:
    """Put the members of C++'s access groups (public, …), which MI lists as children, in the groups' place."""
    groups = [
        context.debugger.ask(command("var-list-children", "--all-values", child.name))
        if _is_group(label, child)
        else None
        for label, child in children
    ]
    flat: list[tuple[str, VarObj]] = []
    for (label, child), group in zip(children, groups, strict=True):
        if group is None:
            flat.append((label, child))
        else:
            flat += [_parse(member, child) for member in (await group).get("children") or []]
    return flat


def _is_discriminant(child: Payload) -> bool:
    """Tell whether a child is the number that says which variant a Rust enum holds, which gdb lists beside it."""
    return child["exp"] == "<anonymous union>" and child.get("numchild") == "0"


def _is_group(label: str, child: VarObj) -> bool:
    return label in _ACCESS and not child.type_name


async def _list_slice(context: Context, array: VarObj, start: int, count: int) -> tuple[list[tuple[str, VarObj]], bool]:
    expression = array.expression
    if expression is None:
        answer = await context.debugger.ask(command("var-info-path-expression", array.name))
        expression = str(answer["path_expr"])
    count = min(count, array.child_count - start)
    if count <= 0:
        return [], False
    base = _as_operand(expression)
    piece = await create_varobj(context, f"{base}[{start}]@{count}", array.frame)
    answer = await context.debugger.ask(command("var-list-children", "--all-values", piece.name))
    children = [
        (f"[{start + index}]", _varobj(child, str(child["name"]), f"{base}[{start + index}]", array.frame))
        for index, child in enumerate(answer.get("children") or [])
    ]
    return children, start + count < array.child_count
