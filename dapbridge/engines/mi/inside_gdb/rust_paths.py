"""Runs inside gdb: expressions that gdb's Rust can't evaluate and every Rust programmer writes.

`names[2].text`, `prices["one"]`, `boxed.age`, `pair.0.1`: gdb knows no Vec, HashMap or Box. What it refuses is taken
apart here from the end, and looked up among what the values show when they are opened.
"""

import re

import gdb

from .dispatch import children_of, view_of
from .summaries import name_of
from .views import Child, Children, Look, Value

_INDEXED = re.compile(r"(?P<base>.+?)\[(?P<index>[^\[\]]+)\]\Z", re.DOTALL)
_MEMBER = re.compile(r"(?P<base>.+)\.(?P<name>\w+)\Z", re.DOTALL)
_NUMBER = re.compile(r"\[-?\d+\]\Z")
_PAGE = 1000


def evaluate(expression: str, look: Look) -> Value:
    """Return the value of an expression in the language of the frame. Raises gdb.error."""
    if look.rust and _indexes_a_reference(expression, look):
        child = _find(expression, look)
        assert child is not None
        assert child.make is not None
        return child.make()
    try:
        return gdb.parse_and_eval(expression)
    except gdb.error:
        if not look.rust or (child := _find(expression, look)) is None or child.make is None:
            raise
        return child.make()


def is_known_to_gdb(expression: str) -> bool:
    """Tell whether gdb itself can evaluate an expression, and as Rust would."""
    if _indexes_a_reference(expression, Look(rust=True)):
        return False
    try:
        gdb.parse_and_eval(expression)
    except gdb.error:
        return False
    return True


def _indexes_a_reference(expression: str, look: Look) -> bool:
    """Tell whether gdb would take a reference for the beginning of an array, as C has it."""
    if not (found := _INDEXED.match(expression)):
        return False
    try:
        return bool(evaluate(found["base"], look).type.strip_typedefs().code == gdb.TYPE_CODE_PTR)
    except gdb.error:
        return False


def _find(expression: str, look: Look) -> Child | None:
    if found := _INDEXED.match(expression):
        base, name = found["base"], found["index"].strip()
    elif found := _MEMBER.match(expression):
        base, name = found["base"], found["name"]
    else:
        return None
    value = evaluate(base, look)
    children = children_of(view_of(value, None, look), None, look)
    by_index = expression.endswith("]")
    if children is None:
        if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR:
            raise gdb.GdbError(f"{base} can't be indexed")
        return None
    child = _look_up(children, name, look) if by_index else _named(children, name, look)
    if child is None:
        raise gdb.GdbError(f"there is no {'[' + name + ']' if by_index else name} in {base}")
    return child


def _look_up(children: Children, index: str, look: Look) -> Child | None:
    first = children.get(0, 1, look)
    if first and first[0].key is not None:
        return _named(children, f"[{index}]", look)
    drawn = children.get(int(index), int(index) + 1, look) if index.isdecimal() else []
    return drawn[0] if drawn else None


def _named(children: Children, name: str, look: Look) -> Child | None:
    start = 0
    number = int(name[1:-1]) if _NUMBER.match(name) else None
    while not look.is_over and (drawn := children.get(start, start + _PAGE, look)):
        for child in drawn:
            if number is not None and child.key is not None:
                # A number is compared much sooner than its text is made.
                key = child.key()
                if key.type.strip_typedefs().code == gdb.TYPE_CODE_INT:
                    if int(key) == number:
                        return child
                    continue
            if name_of(child, look) == name:
                return child
        start += len(drawn)
    return None
