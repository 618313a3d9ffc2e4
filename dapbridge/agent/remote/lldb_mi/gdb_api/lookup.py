"""What a name means in the frame: a variable, a global, a function, a register."""

from __future__ import annotations

from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error
from dapbridge.agent.remote.lldb_mi.gdb_api.symbols import name_of
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_MAX_GLOBALS = 100
_GLOBALS = (lldb.eValueTypeVariableGlobal, lldb.eValueTypeVariableStatic, lldb.eValueTypeVariableThreadLocal)


def find_variable(name: str) -> Value | None:
    """Return the variable that a name means in the frame: a local, a member of the object, a global."""
    frame = current.frame
    if frame.IsValid() and "::" not in name:
        for sb in locals_of(frame):
            if sb.GetName() == name:
                return Value.of(sb)
        found = _member_of_this(frame, name)
        if found is not None:
            return found
    if frame.IsValid():
        for scope in _scopes(frame, name):
            for type_ in _GLOBALS:
                sb = frame.FindValue(f"{scope}{name}", type_, lldb.eNoDynamicValues)
                if sb.IsValid() and name_of(sb) == f"{scope}{name}":
                    return Value.of(sb)
    found = _global(frame, name)
    return _static_of_function(name) if found is None else found


def locals_of(frame: Any) -> list[Any]:
    """List the variables of a frame's function as SBValues, inner blocks first."""
    block = frame.GetBlock()
    found = []
    while block.IsValid():
        found += list(block.GetVariables(frame, True, True, True, lldb.eNoDynamicValues))
        if block.IsInlined():
            break
        block = block.GetParent()
    return found


def _member_of_this(frame: Any, name: str) -> Value | None:
    this = frame.FindVariable("this", lldb.eNoDynamicValues)
    if not this.IsValid():
        return None
    try:
        return Value.of(this).dereference()[name]
    except error:
        return None


def _scopes(frame: Any, name: str) -> list[str]:
    """Return what may stand before a name that the frame's function uses: its scopes, the inner one first, and none."""
    parts = str(frame.GetFunctionName() or "").partition("(")[0].removeprefix("::").split("::")[:-1]
    return ["::".join(parts[:count]) + "::" for count in range(len(parts), 0, -1)] + [""]


def _global(frame: Any, name: str) -> Value | None:
    scopes = _scopes(frame, name) if frame.IsValid() else [""]
    by_name = _globals_named(name.rpartition("::")[2])
    for scope in scopes:
        if (found := by_name.get(f"{scope}{name}")) is not None:
            return found
    return next(iter(by_name.values())) if len(by_name) == 1 and "::" not in name else None


def _globals_named(name: str) -> dict[str, Value]:
    """Return the globals whose name ends so by their whole names, also while the target runs."""
    target = current.target
    if current.session.is_stopped or not current.process.IsValid():
        listed = list(target.FindGlobalVariables(name, _MAX_GLOBALS))
        return {name_of(sb): Value.of(sb) for sb in reversed(listed)}
    still = current.still_target()
    try:
        found = {}
        for sb in reversed(list(still.FindGlobalVariables(name, _MAX_GLOBALS))):
            address = sb.GetAddress().GetLoadAddress(target)
            if address != lldb.LLDB_INVALID_ADDRESS:
                found[name_of(sb)] = Value.at(address, Type(sb.GetType()))
        return found
    finally:
        still.GetDebugger().DeleteTarget(still)


def _static_of_function(name: str) -> Value | None:
    """Return the variable `function::name` that outlives its function's calls."""
    function, _, own = name.rpartition("::")
    if not function:
        return None
    for context in current.target.FindFunctions(function):
        for sb in statics_of(context.GetFunction()):
            if sb.GetName() == own:
                return Value.of(sb)
    return None


def statics_of(function: Any) -> list[Any]:
    """List the variables of an SBFunction that outlive its calls as SBValues."""
    found: list[Any] = []
    waiting = [function.GetBlock()] if function.IsValid() else []
    while waiting:
        block = waiting.pop()
        found += list(block.GetVariables(current.target, False, False, True))
        child = block.GetFirstChild()
        while child.IsValid():
            if not child.IsInlined():
                waiting.append(child)
            child = child.GetSibling()
    return found


def find_function(name: str) -> Value | None:
    """Return the function of a name, as gdb has it: a value at its first instruction."""
    target = current.target
    for context in target.FindFunctions(name):
        function = context.GetFunction()
        if function.IsValid() and (type_ := function.GetType()).IsValid():
            return Value.at(function.GetStartAddress().GetLoadAddress(target), Type(type_))
    return find_symbol_value(name)


def find_symbol_value(name: str) -> Value | None:
    """Return what a symbol without debug info stands for."""
    target = current.target
    for context in target.FindSymbols(name):
        symbol = context.GetSymbol()
        address = symbol.GetStartAddress().GetLoadAddress(target)
        if symbol.IsValid() and address != lldb.LLDB_INVALID_ADDRESS:
            return Value.at(address, Type(target.GetBasicType(lldb.eBasicTypeVoid)))
    return None


def find_register(name: str) -> Value | None:
    """Return a register of the frame by the name that gdb has for it."""
    frame = current.frame
    if not frame.IsValid():
        return None
    from dapbridge.agent.remote.lldb_mi.gdb_api.registers import find

    return find(frame, name)
