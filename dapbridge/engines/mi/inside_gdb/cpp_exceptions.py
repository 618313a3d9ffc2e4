"""Runs inside gdb: C++ exceptions (Itanium C++ ABI), with what the standard library's types are known to look like.

The type comes from the run-time type information, so that it is known without debug information too.
"""

import re
from collections.abc import Iterator
from typing import Any

import gdb

from .dispatch import view_of
from .summaries import summarize
from .thrown import Thrown, arguments, symbol_at, text_at, word
from .views import ERRORS, RECORDS, Look, Value

MAX_BASES = 50
_MANGLED = re.compile(r"[\w.$]+\Z", re.ASCII)
_STRING = re.compile(r"std::(?:__cxx11::|__1::)?basic_string<char, std::(?:__1::)?char_traits<char>, .*?> ?>")
# These hold what what() returns in a text behind the pointer to their virtual functions, and so do all derived ones.
_WITH_TEXT = ("std::runtime_error", "std::logic_error")
# From an _Unwind_Exception: where its __cxa_exception has the type, and where the object begins.
_TYPE_OFFSET, _OBJECT_OFFSET = -80, 32


def find(kind: str) -> Thrown:
    """Return the exception with which the thread stands in the run-time library. Raises gdb.error."""
    return describe(*_place(kind))


def describe(place: int, type_info: int) -> Thrown:
    """Return an exception by its address and that of its type. Raises gdb.error."""
    name = type_name(type_info)
    value = _typed(name, place)
    expression = "" if value is None else f"*({name} *) {place:#x}"
    return Thrown(name, _message(place, type_info, value), expression)


def _place(kind: str) -> tuple[int, int]:
    """Return the addresses of the exception and of its type."""
    try:
        # Where the run-time library has probes gdb stops at them.
        place, type_info = (int(gdb.parse_and_eval(f"$_probe_arg{index}")) & (2**64 - 1) for index in (0, 1))
        return (_whole(place, type_info) if kind == "catch" else place), type_info
    except gdb.error:
        pass
    if kind == "rethrow":
        raise gdb.error("what is thrown again can't be told: the C++ run-time library has no probes")
    first, second = arguments()
    return (first, second) if kind == "throw" else (first + _OBJECT_OFFSET, word(first + _TYPE_OFFSET))


def _whole(place: int, type_info: int) -> int:
    """Return where the whole object begins, for `place` is that of the base that is caught."""
    try:
        functions = word(place)
        if word(functions - 8) == type_info:
            return (place + word(functions - 16)) & (2**64 - 1)
    except gdb.error:
        pass
    return place


def type_name(type_info: int) -> str:
    """Return the name of the type that a std::type_info stands for."""
    mangled = text_at(word(type_info + 8)).removeprefix("*")
    if not _MANGLED.match(mangled):
        return mangled
    shown = gdb.execute(f"demangle -l c++ -- _ZTI{mangled}", to_string=True).strip()
    name = shown.removeprefix("typeinfo for ") if shown.startswith("typeinfo for ") else mangled
    return _STRING.sub("std::string", name)


def _message(place: int, type_info: int, value: Value | None) -> str:
    for base, offset in _bases(type_info):
        if base in _WITH_TEXT:
            return text_at(word(place + offset + 8))
    return "" if value is None else _text_of(value)


def _bases(type_info: int, offset: int = 0, depth: int = 0) -> Iterator[tuple[str, int]]:
    """Yield the type and its bases with their offsets in the object; of hostile ones not too many."""
    yield type_name(type_info), offset
    if depth == 20:
        return
    kind = symbol_at(word(type_info))
    if "__si_class_type_info" in kind:
        yield from _bases(word(type_info + 16), offset, depth + 1)
    elif "__vmi_class_type_info" in kind:
        count = (word(type_info + 16) >> 32) & 0xFFFFFFFF
        for index in range(min(count, MAX_BASES)):
            base, where = (word(type_info + 24 + 16 * index + part) for part in (0, 8))
            if not where & 1:
                yield from _bases(base, offset + (where >> 8), depth + 5)


def _typed(name: str, place: int) -> Value | None:
    """Return the exception with its type, None where there is no debug information for that."""
    bare = name.replace(" const", "")
    try:
        type_: Any = gdb.lookup_type(bare.rstrip("*"))
    except gdb.error:
        return None
    for _ in range(len(bare) - len(bare.rstrip("*"))):
        type_ = type_.pointer()
    return gdb.Value(place).cast(type_.pointer()).dereference()


def _text_of(value: Value) -> str:
    """Return what can be said of an exception's value: a text in it if there is one, else all of it."""
    look = Look(limit_s=0.5)
    try:
        for each in _with_members(value):
            if (text := view_of(each, None, look).text) is not None:
                shown = text.shown(500)
                return str(shown.partition('"')[2].rpartition('"')[0])
    except ERRORS:
        pass
    return summarize(value, look, 500)


def _with_members(value: Value) -> Iterator[Value]:
    yield value
    if value.type.strip_typedefs().code in RECORDS:
        for field in value.type.strip_typedefs().fields():
            if hasattr(field, "bitpos") and not field.is_base_class and not (field.name or "_vptr").startswith("_vptr"):
                yield value[field]
