"""Runs inside gdb: `-x-batch COMMAND…`, many MI commands as one (gdb ≥ 14).

The answer has for each command `{"done": payload}` or `{"error": text}`. What MI has as texts may be numbers here, and
of a breakpoint there is only what says where it is: a thousand of them are a long answer.
"""

import json
import re
from typing import Any

import gdb

from .commands import mi_command

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_ESCAPED = re.compile(r"\\(.)")
_SPECIAL = {"n": "\n", "r": "\r"}
_PLACE = ("number", "addr", "pending", "fullname", "file", "line", "locations")


def _words(command: str) -> list[str]:
    return [_unquoted(word) if word.startswith('"') else word for word in _WORD.findall(command)]


def _unquoted(word: str) -> str:
    return _ESCAPED.sub(lambda found: _SPECIAL.get(found[1], found[1]), word[1:-1])


def _run(command: str) -> dict[str, Any]:
    payload = gdb.execute_mi(*_words(command)) or {}
    if (breakpoint_ := payload.get("bkpt")) is not None:
        return {"bkpt": {name: breakpoint_[name] for name in _PLACE if name in breakpoint_}}
    # A command of our own answers in JSON (commands.py).
    return json.loads(payload["json"]) if payload.keys() == {"json"} else payload


def run(*commands: str) -> dict[str, Any]:
    """Run MI commands one after the other; one that fails keeps none of the others from running."""
    answers: list[dict[str, Any]] = []
    for command in commands:
        try:
            answers.append({"done": _run(command)})
        except gdb.error as error:
            answers.append({"error": str(error)})
        except KeyboardInterrupt:
            # What is done is done, and must be told; the rest is not begun.
            break
    return {"answers": answers + [{"error": "Quit"}] * (len(commands) - len(answers))}


if hasattr(gdb, "execute_mi"):
    mi_command("-x-batch")(run)
