"""Names of functions and files as a debugger shows them, out of what LLDB has of them."""

from __future__ import annotations

from typing import Any

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


def path_of(file: Any) -> str:
    """Return the path of an SBFileSpec."""
    folder, name = file.GetDirectory(), file.GetFilename()
    return f"{folder.rstrip('/')}/{name}" if folder else str(name or "")
