"""Names of functions as a debugger shows them, out of what LLDB has of them. Pure."""

from __future__ import annotations

_OPENING, _CLOSING = "<([{", ">)]}"


def without_return_type(name: str) -> str:
    """Return a demangled name without the type before it, which the name of a template's instance has."""
    if "<" not in name or "operator" in name:
        return name
    depth = 0
    begin = 0
    for at, character in enumerate(name):
        if character == "(" and depth == 0 and not name.startswith("(anonymous namespace)", at):
            break
        depth += (character in _OPENING) - (character in _CLOSING)
        if character == " " and depth == 0:
            begin = at + 1
    return name[begin:]
