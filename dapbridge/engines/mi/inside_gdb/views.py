"""Runs inside gdb: how a value looks and what is in it. The language's own values; libraries' types have their files.

A View is made of a value once and says: its text on one line, and its children, drawn only as far as they are looked
at. Whatever comes from the target may be garbage: nothing here believes a size or follows pointers without an end.
"""

import re
import time
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import gdb

Value = Any
Type = Any

ERRORS = Exception
"""What reading a value may raise: gdb's words, and whatever its Python makes of garbage. It stands in its place."""

INTEGERS = (gdb.TYPE_CODE_INT, gdb.TYPE_CODE_CHAR, gdb.TYPE_CODE_BOOL, gdb.TYPE_CODE_ENUM, gdb.TYPE_CODE_FLAGS)
_SIMPLE = re.compile(r"(?:[\w$.\[\]]|->|::)+\Z")
RECORDS = (gdb.TYPE_CODE_STRUCT, gdb.TYPE_CODE_UNION)
REFERENCES = (gdb.TYPE_CODE_REF, gdb.TYPE_CODE_RVALUE_REF)


class Look:
    """How one command looks at values: the language, the format ("x" or none), and when it has to be done."""

    def __init__(self, *, rust: bool = False, format_: str = "", limit_s: float = 5.0) -> None:
        self.rust = rust
        self.format = "" if format_ == "-" else format_
        self.deadline = time.monotonic() + limit_s
        self.for_names = self if not self.format else Look(rust=rust, limit_s=limit_s)
        """How a map's keys are looked at, which are names, and the same in every format."""

    @property
    def is_over(self) -> bool:
        return time.monotonic() > self.deadline


class Child:
    """One child: `make` reads it, `expression` names it in the target's language.

    A map's has a `key` for a name, which is read too; `shown` is a text in the place of a value. `declared` is the
    symbol of one that has a declaration of its own.
    """

    __slots__ = ("attributes", "declared", "expression", "key", "kind", "make", "name", "shown", "visibility")

    def __init__(
        self,
        name: str,
        make: Callable[[], Value] | None,
        expression: str | None = None,
        *,
        kind: str = "",
        attributes: tuple[str, ...] = (),
        visibility: str = "",
        shown: str | None = None,
        key: Callable[[], Value] | None = None,
        declared: Any = None,
    ) -> None:
        self.key = key
        self.declared = declared
        self.name = name
        self.make = make
        self.expression = expression
        self.kind = kind
        self.attributes = attributes
        self.visibility = visibility
        self.shown = shown


class Computed:
    """Children that are found by their number at once, without those before."""

    def __init__(self, count: int, child: Callable[[int], Child]) -> None:
        self.count: int | None = max(count, 0)
        self._child = child

    def get(self, start: int, stop: int, look: Look) -> list[Child]:
        assert self.count is not None
        return [self._child(index) for index in range(start, min(stop, self.count))]


class Listed(Computed):
    """Children that are all there."""

    def __init__(self, children: list[Child]) -> None:
        super().__init__(len(children), children.__getitem__)


class Walked:
    """Children that are reached one after the other; those that were passed are kept."""

    def __init__(
        self, walk: Callable[[], Iterator[Any]], count: int | None, child: Callable[[int, Any], Child]
    ) -> None:
        self.count = count
        self._walk = walk
        self._child = child
        self._begin()

    def _begin(self) -> None:
        self._rest = islice(self._walk(), self.count)
        self._passed: list[Any] = []

    def get(self, start: int, stop: int, look: Look) -> list[Child]:
        passed = self._passed
        try:
            for each in islice(self._rest, max(stop - len(passed), 0)):
                passed.append(each)
                if not len(passed) % 64 and look.is_over:
                    break
        except BaseException:
            # A walk that was interrupted can't be gone on with.
            self._begin()
            raise
        return [self._child(index, passed[index]) for index in range(start, min(stop, len(passed)))]


Children = Computed | Walked


class View:
    """A value as it is shown: `summary`, or `text`, or `head` with the children in brackets.

    refers: reads what is shown behind the head in this one's place (a smart pointer, a cell), and opened; by_name: the
    expression of the one is good for the other's members. points:
    reads what a plain pointer shows only when it is opened. link: between a child's name and value, "" for no names.
    """

    __slots__ = (
        "brackets",
        "by_name",
        "children",
        "head",
        "indexed",
        "link",
        "points",
        "refers",
        "summary",
        "tail",
        "text",
    )

    def __init__(
        self,
        *,
        head: str = "",
        brackets: str = "{}",
        link: str = " = ",
        children: Callable[[], Children] | None = None,
        indexed: bool = False,
        summary: Callable[[Look], str] | None = None,
        text: Any = None,
        refers: Callable[[], Value] | None = None,
        points: Callable[[], Value] | None = None,
        by_name: bool = False,
        tail: str = "",
    ) -> None:
        self.by_name = by_name
        self.refers = refers
        self.points = points
        self.tail = tail
        self.head = head
        self.brackets = brackets
        self.link = link
        self.children = children
        self.indexed = indexed
        self.summary = summary
        self.text = text


def plain(text: str) -> View:
    """Return the view of a value that is but a text."""
    return View(summary=lambda look: text)


def format_scalar(value: Value, look: Look) -> str:
    """Return the text of a value without children, as gdb has it."""
    if look.format and value.type.strip_typedefs().code in (*INTEGERS, gdb.TYPE_CODE_PTR):
        return str(value.format_string(raw=True, format=look.format))
    text = str(value.format_string(raw=True, symbols=True, actual_objects=True))
    # Of a byte that is no character the number is all there is to see.
    return text.partition(" ")[0] if "'\\" in text and type_name(value.type) == "unsigned char" else text


def type_name(type_: Type) -> str:
    """Return the name of a type below its typedefs and qualifiers, "" for one without."""
    return type_.unqualified().strip_typedefs().name or ""


def operand(expression: str) -> str:
    """Return an expression as it can stand before `.` and `[`."""
    return expression if _SIMPLE.match(expression) else f"({expression})"


def member(expression: str | None, name: str) -> str | None:
    """Return the expression of a member of what an expression names."""
    if expression is None:
        return None
    if expression.startswith("*") and _SIMPLE.match(expression[1:]):
        return f"{expression[1:]}->{name}"
    return f"{operand(expression)}.{name}"


def address_of(value: Value) -> int:
    """Return where a value lies in memory, 0 for one that lies in none."""
    try:
        return 0 if value.address is None else int(value.address)
    except ERRORS:
        return 0


def pointed_at(pointer: Value) -> int | None:
    """Return the address in a pointer; None for one that only the debug information knows ("synthetic pointer")."""
    address = int(pointer)
    if not address and pointer.address is None and "synthetic" in pointer.format_string(raw=True):
        return None
    return address


def at(address: int, type_: Type) -> Callable[[], Value]:
    """Return what reads a value of a type at an address, lazily."""
    return lambda: gdb.Value(address).cast(type_.pointer()).dereference()


def addressed(address: int, type_: Type, look: Look) -> str | None:
    """Return an expression for a value at an address; None for a type that can't be written."""
    name = str(type_.unqualified())
    if any(each in name for each in ("{", "(anonymous", "(lambda", "'")) or ("&" in name and not look.rust):
        return None
    return f"*({address:#x} as *mut {name})" if look.rust else f"*({name} *) {address:#x}"


def array_view(value: Value, expression: str | None, look: Look) -> View:
    """Return the view of an array; its elements are found by their addresses."""
    type_ = value.type.strip_typedefs()
    low, high = type_.range()
    base = operand(expression) if expression else None

    def element(index: int) -> Child:
        return Child(f"[{index}]", lambda: value[index + low], base and f"{base}[{index + low}]")

    brackets = "[]" if look.rust else "{}"
    return View(brackets=brackets, link="", indexed=True, children=lambda: Computed(high - low + 1, element))


def elements_view(address: int, type_: Type, count: int, look: Look, head: str = "", base: str | None = None) -> View:
    """Return the view of `count` values that lie one behind the other; `base` is a pointer's expression."""
    size = max(int(type_.sizeof), 0)

    def element(index: int) -> Child:
        place = address + index * size
        return Child(f"[{index}]", at(place, type_), base and f"{base}[{index}]")

    brackets = "[]" if look.rust else "{}"
    return View(head=head, brackets=brackets, link="", indexed=True, children=lambda: Computed(count, element))
