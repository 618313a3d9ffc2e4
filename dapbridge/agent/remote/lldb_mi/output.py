"""MI 4 output: values as text (GDB manual, "GDB/MI Output Syntax"), and records written whole, one after the other."""

from __future__ import annotations

import json
import os
import re
from typing import Any, NamedTuple

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAMED = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}


class Named(NamedTuple):
    """One of a list whose values have names, as in `[frame={…},frame={…}]`."""

    name: str
    value: Any


def quote(text: str) -> str:
    """Return a text as an MI c-string, quotes included."""
    text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{_CONTROL.sub(_escaped, text)}"'


def _escaped(found: re.Match[str]) -> str:
    return _NAMED.get(found[0]) or f"\\{ord(found[0]):03o}"


def format_value(value: Any) -> str:
    """Return a value as MI has it: a dict as tuple, a list as list, all else as a c-string."""
    if isinstance(value, dict):
        return "{" + format_fields(value) + "}"
    if isinstance(value, Named):
        return f"{value.name}={format_value(value.value)}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join(format_value(each) for each in value) + "]"
    return quote(str(value))


def format_fields(fields: dict[str, Any]) -> str:
    """Return `name=value` of each field; one that is None is left out."""
    return ",".join(f"{name}={format_value(value)}" for name, value in fields.items() if value is not None)


class Output:
    """Writes records to a file descriptor; what is written between `begin` and `end` goes out as one piece."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._pieces: list[str] = []

    def result(self, token: str, kind: str, fields: dict[str, Any] | None = None, *, as_json: bool = False) -> None:
        """Answer a command."""
        if as_json:
            fields = {"json": json.dumps(fields, separators=(",", ":"))}
        self._record(f"{token}^{kind}", fields)

    def exec_async(self, kind: str, fields: dict[str, Any] | None = None) -> None:
        """Tell `*kind`."""
        self._record(f"*{kind}", fields)

    def notify(self, kind: str, fields: dict[str, Any] | None = None) -> None:
        """Tell `=kind`."""
        self._record(f"={kind}", fields)

    def notice(self, kind: str, payload: dict[str, Any]) -> None:
        """Tell a dict that JSON can hold as `=x-…` (a marked line of the console stream; see mi/records.py)."""
        self.console(f"\x1e{kind} {json.dumps(payload, separators=(',', ':'))}\n")

    def console(self, text: str) -> None:
        """Tell text for people."""
        self._pieces.append(f"~{quote(text)}\n")

    def log(self, text: str) -> None:
        """Tell text of the log stream."""
        self._pieces.append(f"&{quote(text)}\n")

    def prompt(self) -> None:
        """End a group of records, and write it."""
        self._pieces.append("(gdb) \n")
        self.flush()

    def flush(self) -> None:
        """Write what was told."""
        data = "".join(self._pieces).encode("utf-8", "backslashreplace")
        self._pieces.clear()
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self._fd, rest) :]

    def _record(self, head: str, fields: dict[str, Any] | None) -> None:
        self._pieces.append(f"{head},{format_fields(fields)}\n" if fields else f"{head}\n")
