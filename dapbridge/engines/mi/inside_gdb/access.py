"""Runs inside gdb: who may use a C++ class's members, read from what gdb prints of the type, once a type."""

import re

import gdb

from .views import ERRORS, Type

_LABEL = re.compile(r"\s*(public|protected|private):$")
_KNOWN: dict[str, dict[str, str]] = {}


def access_of(type_: Type) -> dict[str, str]:
    """Return the access (public, protected, private) of a C++ class's members; gdb's Python doesn't tell it."""
    name = type_.name
    if not name or "(" in name:
        return {}
    if name not in _KNOWN:
        _KNOWN[name] = _read_access(type_)
    return _KNOWN[name]


def _read_access(type_: Type) -> dict[str, str]:
    try:
        gdb.set_convenience_variable("__type", gdb.Value(0).cast(type_.pointer()))
        text = gdb.execute("ptype/mt *$__type", to_string=True)
    except ERRORS:
        return {}
    first, _, body = text.partition("\n")
    if not any(_LABEL.match(line) for line in body.splitlines()) and not first.startswith("type = class"):
        return {}
    access = "private" if first.startswith("type = class") else "public"
    found, depth = {}, 0
    for line in body.splitlines():
        if label := _LABEL.match(line):
            access = label[1]
        elif depth == 0 and (words := re.findall(r"\b[A-Za-z_]\w*\b(?=\s*(?:;|\[|\)| : ))", line)):
            found[words[0] if "(*" in line else words[-1]] = access
        depth += line.count("{") - line.count("}")
    return found
