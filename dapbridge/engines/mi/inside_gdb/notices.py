"""Runs inside gdb: tells what nobody has asked for, as `=x-…` records would (gdb 13 can't make these).

A line of the console stream with a mark before it: gdb escapes the mark in all that it prints of the target's memory.
"""

import json
from typing import Any

import gdb

MARK = "\x1e"


def notify(kind: str, payload: dict[str, Any]) -> None:
    """Tell a dict that JSON can hold."""
    gdb.write(f"{MARK}{kind} {json.dumps(payload, separators=(',', ':'))}\n")
