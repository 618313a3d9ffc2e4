"""Runs inside gdb: `-x-complete-members EXPRESSION ^PREFIX` and `-x-complete-names ^PREFIX`, in the frame.

Both return {"found": [[name, kind, detail]]}, kinds being those of DAP's completions. What needs a search through the
whole program is not looked for here. Prefixes have a "^" before them, so that none is empty.
"""

import re
import time
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import gdb

from .commands import mi_command
from .views import ERRORS, RECORDS, REFERENCES

LIMIT = 200
LIMIT_S = 0.5

_IDENTIFIER = re.compile(r"[^\W\d]\w*\Z")
_FOREIGN = ("std::", "__", "core::", "alloc::")
_INDIRECT = (gdb.TYPE_CODE_PTR, *REFERENCES)

Found = tuple[str, str, str]


@mi_command("-x-complete-members")
def complete_members(expression: str, prefix: str) -> dict[str, Any]:
    """List the members of what an expression gives or points to; calls are not made."""
    return _listed(_members(gdb.parse_and_eval(expression).type, expression), prefix[1:])


@mi_command("-x-complete-names")
def complete_names(prefix: str) -> dict[str, Any]:
    """List the names that the frame sees: its variables, its object's members, what its file has."""
    frame = gdb.selected_frame()
    names = _names(frame)
    if "::" not in prefix:
        names = (each for each in names if not each[0].startswith(_FOREIGN))
    return _listed(names, prefix[1:])


def _listed(names: Iterator[Found], prefix: str) -> dict[str, Any]:
    deadline = time.monotonic() + LIMIT_S
    found: dict[str, Found] = {}
    qualifier = prefix[: prefix.rfind("::") + 2] if "::" in prefix else ""
    for count, each in enumerate(names):
        if each[0].startswith(prefix) and each[0] not in found:
            found[each[0]] = (each[0].removeprefix(qualifier), *each[1:])
        if len(found) >= LIMIT or (not count % 256 and time.monotonic() > deadline):
            break
    # What is nearer has fewer scopes in its name.
    return {"found": sorted(found.values(), key=lambda each: each[0].count("::"))}


def _members(type_: Any, expression: str | None = None) -> Iterator[Found]:
    type_ = _record(type_)
    if type_ is None:
        return
    names = set()
    for field in type_.fields():
        name = field.name or ""
        if field.is_base_class or not name:
            yield from _members(field.type)
        elif _IDENTIFIER.match(name) and not name.startswith("_vptr"):
            names.add(name)
            yield name, "field", str(field.type)
    if expression is not None and expression.isascii():
        yield from ((name, "method", "") for name in _methods(expression) if name not in names)


def _record(type_: Any) -> Any:
    """Return the struct, class or union behind a type; None if there is none."""
    type_ = type_.strip_typedefs()
    for _ in range(3):
        if type_.code not in _INDIRECT:
            break
        type_ = type_.target().strip_typedefs()
    return type_ if type_.code in RECORDS else None


def _methods(expression: str) -> Iterator[str]:
    """Yield the names that gdb itself would complete to: it knows a class's functions, its Python doesn't."""
    head = f"print {expression}."
    try:
        lines = gdb.execute(f"complete {head}", to_string=True).splitlines()
    except ERRORS:
        return
    for line in lines:
        name = line.removeprefix(head)
        if _IDENTIFIER.match(name):
            yield name


def _names(frame: Any) -> Iterator[Found]:
    try:
        block = frame.block()
    except RuntimeError:
        return
    function = ""
    while block is not None and not block.is_static and not block.is_global:
        yield from _symbols(block)
        if block.function is not None:
            function = str(block.function.name)
        block = block.superblock
    with suppress(ERRORS):
        yield from _members(frame.read_var("this").type)
    scopes = _scopes_of(function)
    while block is not None:
        for name, kind, detail in _symbols(block):
            yield name, kind, detail
            for scope in scopes:
                if name.startswith(scope):
                    yield name.removeprefix(scope), kind, detail
        block = block.superblock


def _symbols(block: Any) -> Iterator[Found]:
    for symbol in block:
        name = str(symbol.name)
        if symbol.is_function:
            name = name.partition("(")[0]
        if not all(_IDENTIFIER.match(each) for each in name.split("::")):
            continue
        if symbol.is_variable or symbol.is_argument:
            yield name, "variable", str(symbol.type)
        elif symbol.is_function:
            yield name, "function", str(symbol.type)
        elif symbol.is_constant:
            yield name, "enum", ""
        elif symbol.type is not None:
            yield name, "class", ""


def _scopes_of(function: str) -> list[str]:
    """Return the scopes that a function stands in, with their `::`, the inner one first."""
    parts = function.partition("(")[0].split("::")[:-1]
    return ["::".join(parts[:count]) + "::" for count in range(len(parts), 0, -1)]
