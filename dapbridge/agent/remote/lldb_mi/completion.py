"""`-x-complete-members EXPRESSION ^PREFIX` and `-x-complete-names ^PREFIX`, in the frame, and `-complete COMMAND`.

The first two return {"found": [[name, kind, detail]]}, kinds being those of DAP's completions. Prefixes have a "^"
before them, so that none is empty. Nothing is evaluated that runs the target's code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import looking
from dapbridge.agent.remote.lldb_mi.commands import mi_command
from dapbridge.agent.remote.lldb_mi.errors import MiError
from dapbridge.agent.remote.lldb_mi.gdb_api import codes, errors
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.evaluation import parse_and_eval
from dapbridge.agent.remote.lldb_mi.gdb_api.lookup import locals_of
from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import name_of
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.session import Session

LIMIT = 200
_MAX_TYPES_ENTRIES = 20_000
"""Of a unit with more entries in its line table, types are not listed: LLDB would read all of them."""

_IDENTIFIER = re.compile(r"[^\W\d]\w*\Z")
_FOREIGN = ("std::", "__", "core::", "alloc::", "<")
_INDIRECT = (codes.PTR, codes.REF, codes.RVALUE_REF)
_RECORDS = (codes.STRUCT, codes.UNION)
_TYPES = lldb.eTypeClassStruct | lldb.eTypeClassClass | lldb.eTypeClassUnion | lldb.eTypeClassEnumeration

Found = tuple[str, str, str]


@mi_command("-x-complete-members")
def complete_members(session: Session, expression: str, prefix: str) -> dict[str, Any]:
    """List the members of what an expression gives or points to; calls are not made."""
    current.bind(session)
    looking.part("values")
    try:
        type_ = parse_and_eval(expression).type
    except errors.error as error:
        raise MiError(str(error)) from None
    return _listed(_members(type_), prefix[1:])


@mi_command("-x-complete-names")
def complete_names(session: Session, prefix: str) -> dict[str, Any]:
    """List the names that the frame sees: its variables, its object's members, what its file has."""
    current.bind(session)
    names = _names(session, session.frame, prefix[1:])
    if "::" not in prefix:
        names = (each for each in names if not each[0].startswith(_FOREIGN))
    return _listed(names, prefix[1:])


def _listed(names: Iterator[Found], prefix: str) -> dict[str, Any]:
    found: dict[str, Found] = {}
    qualifier = prefix[: prefix.rfind("::") + 2] if "::" in prefix else ""
    for each in names:
        if each[0].startswith(prefix) and each[0] not in found:
            found[each[0]] = (each[0].removeprefix(qualifier), *each[1:])
        if len(found) >= LIMIT:
            break
    # What is nearer has fewer scopes in its name.
    return {"found": sorted(found.values(), key=lambda each: each[0].count("::"))}


def _members(type_: Type) -> Iterator[Found]:
    type_ = type_.strip_typedefs()
    for _ in range(3):
        if type_.code not in _INDIRECT:
            break
        type_ = type_.target().strip_typedefs()
    if type_.code not in _RECORDS:
        return
    names: set[str] = set()
    for field in type_.fields():
        name = field.name or ""
        if field.is_base_class or not name:
            if not field.artificial:
                yield from _members(field.type)
        elif _IDENTIFIER.match(name) and not name.startswith("_vptr"):
            names.add(name)
            yield name, "field", str(field.type)
    if current.language != "rust":
        yield from ((name, "method", "") for name in _methods(type_) if name not in names)


def _methods(type_: Type) -> Iterator[str]:
    own = (type_.name or "").rpartition("::")[2].partition("<")[0]
    for index in range(type_.sb.GetNumberOfMemberFunctions()):
        name = str(type_.sb.GetMemberFunctionAtIndex(index).GetName() or "")
        if _IDENTIFIER.match(name) and name != own:
            yield name


def _names(session: Session, frame: Any, prefix: str) -> Iterator[Found]:
    for sb in locals_of(frame):
        name = str(sb.GetName() or "")
        if _is_name(name):
            yield name, "variable", str(Type(sb.GetType()))
    this = frame.FindVariable("this", lldb.eNoDynamicValues)
    if this.IsValid():
        yield from _members(Type(this.GetType()))
    unit = frame.GetCompileUnit()
    scopes = _scopes_of(str(frame.GetFunctionName() or "").removeprefix("::"))
    for name, kind, detail in _of_file(session, frame, unit, prefix):
        if _is_name(name):
            yield name, kind, detail
            for scope in scopes:
                if name.startswith(scope):
                    yield name.removeprefix(scope), kind, detail


def _of_file(session: Session, frame: Any, unit: Any, prefix: str) -> Iterator[Found]:
    for sb in frame.GetVariables(False, False, True, False, lldb.eNoDynamicValues):
        yield name_of(sb), "variable", str(Type(sb.GetType()))
    for function in _functions_of(session, unit):
        yield name_of(function).partition("(")[0], "function", _function_type(function)
    if unit.IsValid() and unit.GetNumLineEntries() <= _MAX_TYPES_ENTRIES:
        for type_ in unit.GetTypes(_TYPES):
            yield str(type_.GetName() or "").removeprefix("::"), "class", ""


def _functions_of(session: Session, unit: Any) -> Iterator[Any]:
    """Yield the functions that a unit has code of, in the order of their addresses."""
    last = 0
    for index in range(unit.GetNumLineEntries() if unit.IsValid() else 0):
        begin = unit.GetLineEntryAtIndex(index).GetStartAddress()
        if begin.GetFileAddress() < last:
            continue
        function = begin.GetFunction()
        if function.IsValid():
            end = function.GetEndAddress().GetFileAddress()
            if end > last:
                last = end
                yield function


def _function_type(function: Any) -> str:
    type_ = function.GetType()
    return str(Type(type_)) if type_.IsValid() else ""


def _is_name(name: str) -> bool:
    return all(_IDENTIFIER.match(each) for each in name.split("::"))


def _scopes_of(function: str) -> list[str]:
    """Return the scopes that a function stands in, with their `::`, the inner one first."""
    parts = function.partition("(")[0].split("::")[:-1]
    return ["::".join(parts[:count]) + "::" for count in range(len(parts), 0, -1)]


@mi_command("-complete")
def complete(session: Session, text: str) -> dict[str, Any]:
    """Complete a command of LLDB's; of `print NAME` the name of what the whole program has."""
    word = text.removeprefix("print ").strip()
    if text.startswith("print ") and re.fullmatch(r"[\w:~]+", word):
        return {"matches": [f"print {name}" for name in _in_program(session, word)]}
    return {"matches": _of_commands(session, text)}


def _in_program(session: Session, word: str) -> list[str]:
    target = session.target
    found: dict[str, None] = {}
    last = word.rpartition("::")[2]
    for context in target.FindGlobalFunctions(f"^(.*::)?{re.escape(last)}", 4 * LIMIT, lldb.eMatchTypeRegex):
        function, symbol = context.GetFunction(), context.GetSymbol()
        name = name_of(function if function.IsValid() else symbol)
        bare = name.partition("(")[0]
        if bare.startswith(word):
            found[f"{bare}("] = None
    for sb in target.FindGlobalVariables(f"^(::)?{re.escape(word)}", LIMIT, lldb.eMatchTypeRegex):
        name = name_of(sb)
        if name.startswith(word):
            found[name] = None
    return list(found)[:LIMIT]


def _of_commands(session: Session, text: str) -> list[str]:
    matches = lldb.SBStringList()
    session.debugger.GetCommandInterpreter().HandleCompletion(text, len(text), 0, LIMIT, matches)
    word = text[text.rfind(" ") + 1 :]
    head = text[: len(text) - len(word)]
    # The first is what they have in common.
    found = (str(matches.GetStringAtIndex(index)).strip() for index in range(1, matches.GetSize()))
    return [head + each for each in found if each.startswith(word) and each]
