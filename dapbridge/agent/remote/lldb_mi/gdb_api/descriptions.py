"""What LLDB tells of a C++ class only as text: its static members, and who may use which member."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

import lldb

if TYPE_CHECKING:
    from dapbridge.agent.remote.lldb_mi.gdb_api.types import Type

_LABEL = re.compile(r"\s*(public|protected|private):$")
_DECLARED = re.compile(r"(\w+)\s*(?:\[[^\]]*\]\s*)*(?:\s:\s\d+)?(?:\s=\s[^;]*)?;$")
_FUNCTION_POINTER = re.compile(r"\(\*(?:const )?(\w+)\)")


def static_members(type_: Type) -> tuple[str, ...]:
    """Return the names of a class's static members."""
    return _parse(_describe(type_))[0]


def access_of(type_: Type) -> dict[str, str]:
    """Return the access (public, protected, private) of a C++ class's members; {} where all of them are public."""
    return dict(_parse(_describe(type_))[1])


_described: dict[tuple[str, int], str] = {}
"""LLDB takes its time for these."""


def _describe(type_: Type) -> str:
    key = (str(type_.sb.GetName()), type_.sizeof)
    if key not in _described:
        _described[key] = _read(type_)
    return _described[key]


def _read(type_: Type) -> str:
    stream = lldb.SBStream()
    type_.sb.GetDescription(stream, lldb.eDescriptionLevelVerbose)
    return stream.GetData() or ""


@lru_cache(maxsize=1024)
def _parse(text: str) -> tuple[tuple[str, ...], dict[str, str]]:
    first, _, body = text.partition("\n")
    access = "private" if first.startswith("class ") else "public"
    depth, labelled = 0, access == "private"
    statics: list[str] = []
    found: dict[str, str] = {}
    for line in body.splitlines():
        if depth == 0 and (label := _LABEL.match(line)):
            access, labelled = label[1], True
        elif depth == 0 and (name := _name_in(line)):
            found[name] = access
            if line.lstrip().startswith("static "):
                statics.append(name)
        depth += line.count("{") - line.count("}")
    return tuple(statics), found if labelled else {}


def _name_in(line: str) -> str | None:
    if pointer := _FUNCTION_POINTER.search(line):
        return pointer[1]
    declared = _DECLARED.search(line)
    return declared[1] if declared and "(" not in line and ")" not in line else None
