"""Runs inside gdb: the MI commands that show values, a page at a time, and change them.

What can be opened gets a number, a Node, by which the next command names it. Nodes belong to a stop, whose number every
command says: those of an earlier one are gone. A node knows how its value is read again after something was changed.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from typing import Any

import gdb

from . import assigning, rust_paths
from .commands import mi_command
from .dispatch import MAX_SCAN, can_open, children_of, seen_through, view_of
from .summaries import failure, name_of, summarize
from .views import (
    ERRORS,
    RECORDS,
    REFERENCES,
    Child,
    Children,
    Look,
    Value,
    View,
    address_of,
    addressed,
    at,
    pointed_at,
)

MAX_COUNT = 2**31 - 1
IN_A_LIST = 200
_CONSTANT = re.compile(r"\Aconst [^*&]*\Z|\bconst\Z")


class Node:
    """Something that can be opened; `make` reads its value in the frame that the command names."""

    def __init__(self, make: Callable[[], Value], expression: str | None, *, rust: bool, indexed: bool) -> None:
        self.expression = expression
        self.rust = rust
        self.indexed = indexed
        self._make = make
        self._value: Value | None = None
        self._children: Children | None = None

    def value(self) -> Value:
        if self._value is None:
            self._value = self._make()
        return self._value

    def children(self, look: Look) -> Children | None:
        if self._children is None:
            self._children = children_of(view_of(self.value(), self.expression, look), self.expression, look)
        return self._children

    def forget(self) -> None:
        self._value = self._children = None


class Table:
    """The nodes of one stop."""

    def __init__(self) -> None:
        self.stop = ""
        self._ids = itertools.count(1)
        self._nodes: dict[int, Node] = {}

    def at(self, stop: str) -> "Table":
        """Begin with nothing at a new stop."""
        if stop != self.stop:
            self.stop = stop
            self._nodes.clear()
        return self

    def add(self, node: Node) -> int:
        number = next(self._ids)
        self._nodes[number] = node
        return number

    def get(self, number: str) -> Node:
        try:
            return self._nodes[int(number)]
        except KeyError:
            raise gdb.GdbError("this value is gone: the target has moved on since") from None

    def forget(self) -> None:
        for node in self._nodes.values():
            node.forget()


_table = Table()


def keep(stop: str, node: Node) -> int:
    """Keep a node that another part has made; return its number."""
    return _table.at(stop).add(node)


@mi_command("-x-variables")
def variables(stop: str, format_: str = "") -> dict[str, Any]:
    """List the arguments and locals of the frame, inner blocks first: {"variables": [...], "file": ...}."""
    _table.at(stop)
    frame = gdb.selected_frame()
    look = Look(rust=is_rust(frame), format_=format_)
    found = [_describe_symbol(symbol, label, name, frame, look) for symbol, label, name in _symbols(frame)]
    file = frame.find_sal().symtab
    return {"variables": found, "file": file.fullname() if file else ""}


def _symbols(frame: Any) -> Iterator[tuple[Any, str, str | None]]:
    """Yield the variables of a frame, inner blocks first: what they are called, and what names them in expressions."""
    try:
        block = frame.block()
    except RuntimeError:
        # No debug information.
        return
    seen: dict[str, set[int]] = {}
    while block is not None:
        for symbol in block:
            if not (symbol.is_argument or symbol.is_variable):
                continue
            try:
                name = str(symbol.name)
            except ERRORS:
                # Debug information is only what the target says it is.
                yield symbol, "?", None
                continue
            lines = seen.setdefault(name, set())
            # Optimized code has the same variable in block after block.
            if symbol.line not in lines:
                hidden = bool(lines)
                yield symbol, f"{name} (line {symbol.line})" if hidden else name, None if hidden else name
                lines.add(symbol.line)
        if block.function is not None:
            return
        block = block.superblock


def _describe_symbol(symbol: Any, label: str, name: str | None, frame: Any, look: Look) -> dict[str, Any]:
    child = Child(label, lambda: symbol.value(_same(frame)), name, declared=symbol)
    body = describe(child, look)
    if symbol.is_argument:
        body["argument"] = 1
    return body


def _same(frame: Any) -> Any:
    """Return the frame, or the selected one where gdb has forgotten it since."""
    return frame if frame.is_valid() else gdb.selected_frame()


@mi_command("-x-children")
def children(stop: str, number: str, start: str, count: str, format_: str = "", filter_: str = "") -> dict[str, Any]:
    """List a page of a node's children: {"children": [...], "more": whether there are any behind them}.

    filter_: "indexed" or "named" leave out the others; all the children of a node are of one kind.
    """
    node = _table.at(stop).get(number)
    if filter_ == ("named" if node.indexed else "indexed"):
        return {"children": [], "more": False}
    look = Look(rust=node.rust, format_=format_)
    drawn, more = page(node, int(start), int(count), look)
    return {"children": [describe(each, look) for each in drawn], "more": more}


def page(node: Node, start: int, count: int, look: Look) -> tuple[list[Child], bool]:
    """Return some children of a node, and whether there are more."""
    try:
        found = node.children(look)
        if found is None:
            return [], False
        drawn = found.get(start, start + count, look)
        if look.is_over and len(drawn) < count:
            return [*drawn, Child("…", None, shown="<not reached in time>")], False
        if found.count is None:
            return drawn, len(drawn) == count and bool(found.get(start + count, start + count + 1, look))
        return drawn, len(drawn) == count and start + count < found.count
    except ERRORS as error:
        return [Child("", None, shown=failure(error))], False


@mi_command("-x-evaluate")
def evaluate(stop: str, expression: str, budget: str, format_: str = "", once: str = "") -> dict[str, Any]:
    """Evaluate an expression in the frame; its text has up to about `budget` characters.

    once: it changes something, and is not evaluated again to see what is true after a change.
    """
    _table.at(stop)

    def make() -> Value:
        if once == "once":
            return gdb.parse_and_eval(expression)
        return rust_paths.evaluate(expression, Look(rust=_is_rust_now()))

    value = make()
    # Only now: a call may take as long as it likes.
    look = Look(rust=_is_rust_now(), format_=format_)
    child = Child(expression, (lambda: value) if once == "once" else make, None if once == "once" else expression)
    return describe(child, look, int(budget), value, strict=True)


@mi_command("-x-assign")
def assign(stop: str, expression: str, content: str, format_: str = "") -> dict[str, Any]:
    """Give what an expression names in the frame a new value; describe it as it is then."""
    _table.at(stop)
    rust = _is_rust_now()

    def make() -> Value:
        return rust_paths.evaluate(expression, Look(rust=rust))

    named = expression if not rust or rust_paths.is_known_to_gdb(expression) else None
    assigning.assign(make, named, content, rust=rust)
    return _changed(Child(expression, make, expression), rust, format_)


@mi_command("-x-assign-child")
def assign_child(stop: str, number: str, start: str, name: str, content: str, format_: str = "") -> dict[str, Any]:
    """Give a child of a node, looked for from `start` on, a new value; describe it as it is then."""
    node = _table.at(stop).get(number)
    look = Look(rust=node.rust)
    child = _find(node, int(start), name, look)
    if child.make is None or "readOnly" in child.attributes:
        raise gdb.GdbError(f"{name} can't be changed here")
    assigning.assign(child.make, child.expression, content, rust=node.rust)
    node.forget()
    return _changed(_find(node, int(start), name, look), node.rust, format_)


def find_child(stop: str, number: str, start: int, name: str) -> Child:
    """Return a child of a node by its name, looked for from `start` on."""
    node = _table.at(stop).get(number)
    return _find(node, start, name, Look(rust=node.rust))


def _find(node: Node, start: int, name: str, look: Look) -> Child:
    index = name[1:-1]
    found = node.children(look)
    if found is not None and index.isdecimal():
        start = min(start, int(index)) if found.count is None else int(index)
    while found is not None and (drawn := found.get(start, start + 1000, look)):
        for child in drawn:
            if name_of(child, look) == name:
                return child
        start += len(drawn)
    raise gdb.GdbError(f"no variable named '{name}' there")


def _changed(child: Child, rust: bool, format_: str) -> dict[str, Any]:
    _table.forget()
    body = describe(child, Look(rust=rust, format_=format_))
    assert child.make is not None
    value = child.make()
    if address := address_of(value):
        body["changed"] = [address, int(value.type.sizeof)]
    return body


@mi_command("-x-refresh")
def refresh() -> dict[str, Any]:
    """Read everything again when it is looked at next: something was changed."""
    gdb.invalidate_cached_frames()
    _table.forget()
    return {}


def describe(
    child: Child, look: Look, budget: int = IN_A_LIST, value: Value | None = None, *, strict: bool = False
) -> dict[str, Any]:
    """Return what is shown of a child; `strict` lets errors through, which else are shown in its place."""
    body: dict[str, Any] = {"name": name_of(child, look)}
    for key in ("expression", "kind", "attributes", "visibility"):
        if content := getattr(child, key):
            body[key] = content
    if child.make is None:
        return body | {"value": child.shown or ""}
    if child.declared is not None and child.declared.symtab is not None:
        body |= {"file": child.declared.symtab.fullname(), "line": child.declared.line}
    try:
        value = child.make() if value is None else value
        body["type"] = _type_text(value)
        if value.is_optimized_out:
            return body | {"value": "<optimized out>"}
        if child.expression is None and (place := address_of(value)) and (by := addressed(place, value.type, look)):
            body["expression"] = by
        if _CONSTANT.search(body["type"]):
            body["attributes"] = [*child.attributes, "constant"]
        view = view_of(value, body.get("expression"), look)
        body["value"] = summarize(value, look, budget, 4 if budget < MAX_SCAN else 20, view)
        _add_place(body, value, view)
        if can_open(view, look):
            # By its place where it has one: that is what memory holds whenever it is looked at.
            place = 0 if value.type.strip_typedefs().code in REFERENCES else address_of(value)
            make = at(place, value.type) if place else child.make
            _add_node(body, make, view, look)
    except ERRORS as error:
        if strict and not isinstance(error, gdb.MemoryError):
            raise
        body["value"] = failure(error)
    return body


def _add_node(body: dict[str, Any], make: Callable[[], Value], view: View, look: Look) -> None:
    view = seen_through(view, None, look)
    body["node"] = _table.add(Node(make, body.get("expression"), rust=look.rust, indexed=view.indexed))
    if view.indexed and view.children is not None and (count := view.children().count) is not None:
        body["indexed"] = min(count, MAX_COUNT)


def _type_text(value: Value) -> str:
    text = str(value.type).replace(", alloc::alloc::Global", "")
    if text.endswith("::element_type *"):
        # A smart pointer's own name for what it points to.
        text = f"{value.type.target().strip_typedefs()} *"
    return text.replace(
        "std::__cxx11::basic_string<char, std::char_traits<char>, std::allocator<char> >", "std::string"
    )


def _add_place(body: dict[str, Any], value: Value, view: View) -> None:
    """Say where the value, or what a pointer points to, or a text, lies."""
    type_ = value.type.strip_typedefs()
    if view.text is not None:
        body["memory"] = view.text.address
        body["attributes"] = [*body.get("attributes", ()), "rawString"]
    elif type_.code == gdb.TYPE_CODE_PTR and (address := pointed_at(value)):
        body["memory"] = address
        if type_.target().code == gdb.TYPE_CODE_FUNC:
            body["code"] = address
    elif type_.code in REFERENCES:
        body["memory"] = address_of(value.referenced_value())
    elif type_.code in (*RECORDS, gdb.TYPE_CODE_ARRAY) and (address := address_of(value)):
        body["memory"] = address


def is_rust(frame: Any) -> bool:
    return bool(frame.language() == "rust")


def _is_rust_now() -> bool:
    try:
        return is_rust(gdb.selected_frame())
    except gdb.error:
        return "rust" in str(gdb.execute("show language", to_string=True))
