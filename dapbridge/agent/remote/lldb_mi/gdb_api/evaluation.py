"""gdb.parse_and_eval: what an expression gives in the frame.

Paths to variables, members and elements are walked here, and run nothing. All else is LLDB's own evaluator's, which
without leave to run the target's code only interprets. What that can't, as long as it is arithmetic, is done here too.
"""

from __future__ import annotations

import operator
import re
import struct
from collections.abc import Callable
from typing import Any

import lldb

from dapbridge.agent.remote.lldb_mi import expressions
from dapbridge.agent.remote.lldb_mi.calling import interruptible
from dapbridge.agent.remote.lldb_mi.expressions import Node
from dapbridge.agent.remote.lldb_mi.gdb_api import codes, library_operators, rust_names
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current, write_memory
from dapbridge.agent.remote.lldb_mi.gdb_api.errors import error
from dapbridge.agent.remote.lldb_mi.gdb_api.lookup import find_function, find_register, find_variable
from dapbridge.agent.remote.lldb_mi.gdb_api.scalars import decode_float
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type, lookup_type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

NO_CALLS = "Cannot call functions in the program: may-call-functions is off."
NO_LVALUE = "Left operand of assignment is not an lvalue."
CALL_LIMIT_S = 600.0
"""Longer than anybody waits: who has asked sets a shorter limit, and interrupts."""

LAST = "_last"
"""The convenience variable that `$` stands for."""
_convenience: dict[str, Value] = {}
_UNKNOWN_NAME = re.compile(r"use of undeclared identifier '(?P<name>[^']+)'|no member named '(?P<member>[^']+)' in ")
_CANT_INTERPRET = "Can't evaluate the expression without a running target"
_BINARY: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": operator.mod,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "<<": operator.lshift,
    ">>": operator.rshift,
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "&&": lambda one, other: bool(one) and bool(other),
    "||": lambda one, other: bool(one) or bool(other),
}


def set_convenience_variable(name: str, content: Any) -> None:
    """gdb.set_convenience_variable."""
    _convenience[name] = content if isinstance(content, Value) else Value(content)


def parse_and_eval(expression: str) -> Value:
    """gdb.parse_and_eval. Raises gdb.error."""
    if expression.strip() == "$" and LAST in _convenience:
        return _convenience[LAST]
    try:
        tree = expressions.parse(expression)
    except SyntaxError:
        return by_lldb(expression)
    if tree.kind == "assign":
        return _assigned(expression, tree)
    if expressions.is_path(tree) or library_operators.is_size_of(tree):
        found = _walk(tree)
        if found is not None:
            return found
        return by_lldb(expression)
    try:
        return _as_in_c(tree, by_lldb(expression))
    except _Uninterpretable:
        if expressions.has_call(tree):
            raise
        return _as_in_c(tree, _compute(tree))


def _as_in_c(tree: Node, value: Value) -> Value:
    """Return what a comparison gives as C has it: LLDB evaluates C as C++, where it is no number."""
    is_number = current.language == "c" and tree.kind in ("binary", "unary")
    return value.cast(lookup_type("int")) if is_number and value.type.code == codes.BOOL else value


def is_true(expression: str) -> bool:
    """Tell whether a condition is true: computed here if it can be, which takes far less time. Raises gdb.error."""
    try:
        tree = expressions.parse(expression)
        if not expressions.has_call(tree):
            return bool(_compute(tree))
    except (SyntaxError, _Uninterpretable, NotImplementedError):
        pass
    return bool(parse_and_eval(expression))


class _UnknownError(Exception):
    """A name that is none of a variable's."""


class _Uninterpretable(error):
    """What LLDB would have to run in the target."""


def _walk(tree: Node) -> Value | None:
    """Return where a path leads; None for one with a name that only LLDB's evaluator may know."""
    try:
        return _visit(tree)
    except _UnknownError:
        return None


def _visit(node: Node) -> Value:
    if node.kind in _VISITS:
        return _VISITS[node.kind](node)
    raise _UnknownError


def _name(node: Node) -> Value:
    if node.text.startswith("$"):
        found = _convenience.get(node.text[1:])
        if found is None:
            found = find_register(node.text[1:])
    else:
        found = find_variable(node.text)
        if found is None:
            found = find_function(node.text)
    if found is None:
        raise _UnknownError
    return found


def _member(node: Node) -> Value:
    base = _visit(node.operands[0])
    return _member_of(base, node.text)


def _member_of(base: Value, name: str) -> Value:
    base = _referred(base)
    if current.language == "rust":
        # Through boxes and references, as Rust does; tuples have numbers for names.
        while base.type.strip_typedefs().code == codes.PTR:
            base = base.dereference()
        if name.isdecimal():
            name = f"__{name}"
        return _rust_member(base, name)
    if base.type.strip_typedefs().code == codes.PTR:
        base = base.dereference()
    return base[name]


def _rust_member(base: Value, name: str) -> Value:
    fields = base.type.strip_typedefs().fields()
    if len(fields) == 2 and fields[0].artificial:
        base = base[fields[1]]
    return base[name]


def _arrow(node: Node) -> Value:
    base = _referred(_visit(node.operands[0]))
    if base.type.strip_typedefs().code != codes.PTR:
        pointer = library_operators.pointer_in(base)
        base = base if pointer is None else pointer
    if base.type.strip_typedefs().code == codes.PTR:
        base = base.dereference()
    return base[node.text]


def _index(node: Node) -> Value:
    base, index = (_visit(each) for each in node.operands)
    base = _referred(base)
    if base.type.strip_typedefs().code in (codes.PTR, codes.ARRAY):
        if index.type.strip_typedefs().code in (codes.STRUCT, codes.UNION, codes.ARRAY, codes.PTR, codes.FLT):
            raise error("Argument to array subscript must be integer")
        return base[int(index)]
    found = library_operators.element_of(base, index)
    if found is None:
        raise _UnknownError
    return found


def _deref(node: Node) -> Value:
    value = _referred(_visit(node.operands[0]))
    code = value.type.strip_typedefs().code
    if code == codes.ARRAY:
        return value[0]
    if code == codes.FUNC:
        return value
    if current.language == "rust" and code == codes.STRUCT and value.type.strip_typedefs().has_key("vtable"):
        actual = rust_names.behind_vtable(int(value["vtable"]))
        return value["pointer"].dereference() if actual is None else Value.at(int(value["pointer"]), actual)
    if code in (codes.STRUCT, codes.UNION):
        pointer = library_operators.pointer_in(value)
        if pointer is None:
            raise _UnknownError
        value = pointer
    if code == codes.INT:
        return Value.at(int(value), lookup_type("long"))
    return value.dereference()


def _address(node: Node) -> Value:
    value = _referred(_visit(node.operands[0]))
    address = value.address
    if address is None:
        raise error("Attempt to take address of value not located in memory.")
    return address


def _cast(node: Node) -> Value:
    type_ = lookup_type(node.text)
    value = _referred(_visit(node.operands[0]))
    if value.type.strip_typedefs().code in (codes.STRUCT, codes.UNION):
        return value.reinterpret_cast(type_)
    return value.cast(type_)


def _repeat(node: Node) -> Value:
    first, count = (_visit(each) for each in node.operands)
    address = first.address
    if address is None:
        raise error("Only values in memory can be extended with '@'.")
    if int(count) < 1:
        raise error(f"Invalid number {int(count)} of repetitions.")
    return Value.at(int(address), first.type.array(int(count) - 1))


def _number(node: Node) -> Value:
    number = expressions.number_of(node.text)
    return Value(number).cast(lookup_type("int")) if number < 1 << 31 else Value(number)


def _character(node: Node) -> Value:
    text = expressions.text_of(node.text)
    if len(text) > 1 and (named := find_function(text)) is not None:
        # A name in quotes, as gdb has them.
        return named
    if len(text) != 1:
        raise _UnknownError
    return Value(ord(text)).cast(lookup_type("char" if node.text.startswith("'") else "char32_t"))


_VISITS: dict[str, Callable[[Node], Value]] = {
    "name": _name,
    "member": _member,
    "arrow": _arrow,
    "index": _index,
    "deref": _deref,
    "address": _address,
    "cast": _cast,
    "repeat": _repeat,
    "number": _number,
    "float": lambda node: Value(float(node.text.rstrip("fFlL"))),
    "text": lambda node: Value(expressions.text_of(node.text)),
    "character": _character,
    "call": lambda node: library_operators.size_of(_visit(node.operands[0].operands[0])),
}


def _referred(value: Value) -> Value:
    return value.referenced_value() if value.type.strip_typedefs().code in (codes.REF, codes.RVALUE_REF) else value


# LLDB's own


def by_lldb(expression: str) -> Value:
    """Return what LLDB's evaluator makes of an expression. Raises gdb.error."""
    options = lldb.SBExpressionOptions()
    options.SetFetchDynamicValue(lldb.eNoDynamicValues)
    options.SetSuppressPersistentResult(True)
    options.SetAllowJIT(current.may_call)
    options.SetUnwindOnError(True)
    # A stop in a call would be a stop of the target.
    options.SetIgnoreBreakpoints(True)
    options.SetTrapExceptions(True)
    options.SetTryAllThreads(False)
    options.SetStopOthers(True)
    options.SetAutoApplyFixIts(False)
    options.SetTimeoutInMicroSeconds(int(CALL_LIMIT_S * 1e6))
    frame = current.frame
    if not frame.IsValid() and not current.session.is_stopped:
        # LLDB evaluates nothing while the target runs; arithmetic is done here then.
        unknown = next((each for each in expressions.names_in(expression) if not _is_known(each)), None)
        raise error(f'No symbol "{unknown}" in current context.') if unknown else _Uninterpretable(NO_CALLS)
    where = frame if frame.IsValid() else current.target
    if current.may_call:
        with current.session.traps.laid(), interruptible(current.process):
            sb = where.EvaluateExpression(expression, options)
    else:
        sb = where.EvaluateExpression(expression, options)
    failure = sb.GetError()
    if failure.Fail() and failure.GetError() != 0x1001:
        # 0x1001: it has no result, which is none of an expression of type void.
        raise _translated(expression, str(failure))
    if failure.Fail():
        return Value.of_data(b"", lookup_type("void"))
    return Value.of(sb.GetNonSyntheticValue())


def _is_known(name: str) -> bool:
    return find_variable(name) is not None or find_function(name) is not None


def _translated(expression: str, words: str) -> error:
    """Return an error in LLDB's own words; what gdb has a sentence for that clients know is said so."""
    if _CANT_INTERPRET in words:
        return _Uninterpretable(NO_CALLS)
    words = words.removeprefix("error: ").strip()
    if unknown := _UNKNOWN_NAME.search(words):
        if unknown["member"]:
            return error(f"There is no member named {unknown['member']}.")
        return error(f'No symbol "{unknown["name"]}" in current context.')
    if "expression is not assignable" in words:
        return error(NO_LVALUE)
    # Its place in a text that only LLDB has seen says nothing; warnings stand before what is wrong.
    lines = [re.sub(r"^(?:error: )?<user expression \d+>:\d+:\d+: ", "error: ", each) for each in words.splitlines()]
    first = next((each for each in lines if each.startswith("error: ")), next(iter(lines), ""))
    return error(first.removeprefix("error: ") or f"{expression} can't be evaluated")


# Arithmetic


def _compute(node: Node) -> Value:
    if node.kind == "binary":
        one, other = (_compute(each) for each in node.operands)
        if node.text in ("/", "%") and not other:
            raise error("Division by zero")
        return Value(_BINARY[node.text](one, other)) if node.text not in "+-" else _BINARY[node.text](one, other)
    if node.kind == "unary":
        value = _compute(node.operands[0])
        return {"-": lambda: -value, "+": lambda: value, "!": lambda: Value(not value), "~": lambda: ~value}[
            node.text
        ]()
    if node.kind == "conditional":
        condition, then, otherwise = node.operands
        return _compute(then if _compute(condition) else otherwise)
    found = _walk(node)
    if found is None:
        raise _Uninterpretable(NO_CALLS)
    return found


# Assignment


def _assigned(expression: str, tree: Node) -> Value:
    left = tree.operands[0]
    place = _walk(left) if expressions.is_path(left) else None
    if place is None or place.type.strip_typedefs().code in (codes.STRUCT, codes.UNION, codes.ARRAY):
        return by_lldb(expression)
    content = _content_for(place, _text_behind_sign(expression))
    assign(_referred(place), _referred(content))
    return place


def _content_for(place: Value, text: str) -> Value:
    type_ = place.type.strip_typedefs()
    if type_.code == codes.ENUM:
        # LLDB's evaluator doesn't know all that are in a namespace.
        for each in type_.fields():
            if text in (each.name, str(each.name).rpartition("::")[2]):
                return Value(each.enumval)
    return parse_and_eval(text)


def _text_behind_sign(expression: str) -> str:
    """Return what stands behind the first `=` that assigns."""
    found = re.search(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[<>!=]=|[^="'<>!]|[<>!])*=""", expression)
    assert found is not None
    return expression[found.end() :].strip()


def assign(place: Value, content: Value) -> None:
    """Give a scalar value another one. Raises gdb.error."""
    type_ = place.type.strip_typedefs()
    data = _encoded(content, type_, place.bit_size)
    if place._address is None:
        _assign_register(place, data)
    elif place._bits is None:
        write_memory(place._address, data)
    else:
        start, count = place._bits
        old = int.from_bytes(place.data(), "little")
        mask = (1 << count) - 1
        new = old & ~(mask << start) | (int.from_bytes(data, "little") & mask) << start
        write_memory(place._address, new.to_bytes(len(place.data()), "little"))


def _encoded(content: Value, type_: Type, bits: int) -> bytes:
    if type_.code == codes.FLT:
        if type_.sizeof > 8:
            raise error("a long double can't be changed here")
        return struct.pack("<d" if type_.sizeof == 8 else "<f", float(content))
    if type_.code == codes.BOOL:
        return bytes([bool(content)]).ljust(type_.sizeof, b"\0")
    if content.type.strip_typedefs().code in (codes.STRUCT, codes.UNION):
        raise error("Invalid cast.")
    if content.type.strip_typedefs().code == codes.FLT and type_.code != codes.PTR:
        content = Value(int(decode_float(content.data())))
    return (int(content) & (1 << 8 * type_.sizeof) - 1).to_bytes(type_.sizeof, "little")


def _assign_register(place: Value, data: bytes) -> None:
    if place.sb is None:
        raise error(NO_LVALUE)
    failure = lldb.SBError()
    packed = lldb.SBData()
    packed.SetData(failure, data, current.target.GetByteOrder(), current.target.GetAddressByteSize())
    if place.sb.GetValueType() == lldb.eValueTypeRegister:
        # Only this way LLDB looks at the stack anew.
        number = int.from_bytes(data, "little")
        result = lldb.SBCommandReturnObject()
        where = lldb.SBExecutionContext(current.frame)
        interpreter = current.target.GetDebugger().GetCommandInterpreter()
        interpreter.HandleCommand(f"register write {place.sb.GetName()} {number:#x}", where, result)
        if not result.Succeeded():
            raise error(str(result.GetError()).removeprefix("error: ").strip())
        current.forget_frame()
        place.sb = current.frame.FindRegister(place.sb.GetName())
    elif not place.sb.SetData(packed, failure):
        raise error(str(failure).removeprefix("error: ").strip() or NO_LVALUE)
    place._data = None
