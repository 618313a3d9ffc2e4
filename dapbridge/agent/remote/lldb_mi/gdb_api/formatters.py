"""Views made of LLDB's own formatters: of its summary, and its children by their numbers, so that pages come at once.

What they say of LLVM's C++ library (libc++) is put as gdb's printers put it of GCC's.
"""

from __future__ import annotations

import re
from typing import Any

from dapbridge.agent.remote.lldb_mi.gdb_api import codes
from dapbridge.agent.remote.lldb_mi.gdb_api.current import current
from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type
from dapbridge.agent.remote.lldb_mi.gdb_api.values import Value

_LIBCXX = re.compile(r"std::__(?:1|2|ndk1)::(?P<kind>\w+)")
_LIBCXX_ARRAY = re.compile(r"std::__(?:1|2|ndk1)::array<.*, (?!0[uUlL]*>)\d+[uUlL]*>\Z")
_KINDS = {"__unique_if": "unique_ptr"}
_POINTERS = ("unique_ptr", "shared_ptr", "weak_ptr")
_NO_ROWS = ("optional", "tuple", "variant", *_POINTERS)
_MAPS = ("map", "multimap", "unordered_map", "unordered_multimap")
_IS_LONG = 1
_LONG = (8, 16)
"""Where a long string of libc++ has its size and its text's address."""


class Formatter:
    """LLDB's formatters of one value."""

    def __init__(self, value: Value, sb: Any, summary: str, *, has_children: bool) -> None:
        self._value = value
        self._sb = sb
        self._summary = summary.strip()
        self._has_children = has_children
        found = _LIBCXX.match(str(value.type.strip_typedefs().sb.GetName()))
        self._kind = _KINDS.get(found["kind"], found["kind"]) if found else ""

    def view(self) -> Any:
        """Return the view; see inside_gdb/views.py."""
        views = _views()
        if self._kind in ("basic_string", "basic_string_view") and (text := self._text()) is not None:
            return views.View(text=text)
        if not self._has_children:
            return views.plain(self._head() if self._kind else self._summary)
        count = int(self._sb.GetNumChildren())
        if self._kind == "optional" and not count:
            return views.plain("std::optional [no contained value]")
        is_row = self._kind not in _NO_ROWS and (not count or self._name(0).startswith("["))
        link = "" if self._kind == "variant" or (is_row and self._kind not in _MAPS) else " = "
        children = views.Computed(count, self._pair if self._kind in _MAPS else self._child)
        return views.View(head=self._head(), link=link, indexed=is_row, children=lambda: children)

    def _head(self) -> str:
        count = int(self._sb.GetNumChildren())
        if not self._kind:
            return self._summary
        if self._kind in _POINTERS:
            content = self._value.type.strip_typedefs().template_argument(0)
            return f"std::{self._kind}<{content}>"
        if self._kind in ("optional", "variant", "tuple"):
            return f"std::{self._kind}"
        if self._kind in ("vector", "array", "span"):
            return f"std::{self._kind} of length {count}"
        return f"std::{self._kind} with {count} element{'' if count == 1 else 's'}"

    def _name(self, index: int) -> str:
        name = str(self._sb.GetChildAtIndex(index).GetName() or f"[{index}]")
        if self._kind in _POINTERS:
            return "get()"
        return "[contained value]" if self._kind == "optional" else name

    def _child(self, index: int) -> Any:
        return _views().Child(self._name(index), lambda: self._made(index))

    def _made(self, index: int) -> Value:
        child = self._sb.GetChildAtIndex(index)
        value = Value.of(child.GetNonSyntheticValue())
        inner = value.type.strip_typedefs()
        if self._kind == "variant" and inner.code == codes.STRUCT and inner.has_key("__value"):
            return value["__value"]
        return value

    def _pair(self, index: int) -> Any:
        def pair() -> Value:
            value = self._made(index)
            type_ = value.type.strip_typedefs()
            return next((value[name] for name in ("__cc_", "__cc") if type_.has_key(name)), value)

        return _views().Child("", lambda: pair()["second"], key=lambda: pair()["first"])

    def _text(self) -> Any:
        texts, unit = _part("texts"), self._value.type.strip_typedefs().template_argument(0)
        kind = texts.character_prefix(unit)
        if kind is None:
            return None
        if self._kind == "basic_string_view":
            return texts.Text(int(_member(self._value, "__data")), int(_member(self._value, "__size")), *kind)
        first = self._value.data_at(0, 1)[0]
        address = int(self._value._place())
        size = int(unit.sizeof)
        if first & _IS_LONG:
            length, begin = (int.from_bytes(self._value.data_at(at, 8), "little") for at in _LONG)
        else:
            length, begin = first >> 1, address + size
        return texts.Text(begin, length, *kind)


def _member(value: Value, name: str) -> Value:
    """Return a member that some versions of libc++ write with a `_` at its end."""
    return value[name if value.type.strip_typedefs().has_key(name) else f"{name}_"]


class _Array(Formatter):
    """A std::array of libc++, for which LLDB 19 has no formatter."""

    def __init__(self, value: Value) -> None:
        super().__init__(value, None, "", has_children=False)

    def view(self) -> Any:
        elements = self._value["__elems_"]
        low, high = elements.type.strip_typedefs().range()
        view = _views().array_view(elements, None, _views().Look())
        view.head = f"std::array of length {high - low + 1}"
        return view


def find_formatter(value: Value) -> Formatter | None:
    """Return LLDB's formatters of a value; None where it has none."""
    if not current.session.is_stopped:
        # They look at nothing then.
        return None
    if _LIBCXX_ARRAY.match(str(value.type.strip_typedefs().sb.GetName())):
        return _Array(value)
    sb = value.as_sb()
    synthetic = sb.GetSyntheticValue()
    has_children = bool(synthetic.IsSynthetic())
    if has_children:
        sb = synthetic
    summary = str(sb.GetSummary() or "")
    if not has_children and not summary:
        return None
    return Formatter(value, sb, summary, has_children=has_children)


def is_formatted(type_: Type) -> bool:
    """Tell whether a type may have formatters of LLDB's that say more than its members."""
    return type_.code in (codes.STRUCT, codes.UNION)


def _part(name: str) -> Any:
    from dapbridge.agent.remote.lldb_mi.looking import part

    return part(name)


def _views() -> Any:
    return _part("views")
