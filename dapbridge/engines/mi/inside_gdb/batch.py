"""Runs inside gdb: `-x-batch COMMAND…`, many MI commands as one (gdb ≥ 14).

The answer has for each command `{"done": payload}` or `{"error": text}`, values as texts like MI's own.
"""

import re
from typing import Any

import gdb

from .commands import mi_command

_WORD = re.compile(r'"(?:[^"\\]|\\.)*"|\S+')
_ESCAPED = re.compile(r"\\(.)")
_SPECIAL = {"n": "\n", "r": "\r"}


def _words(command: str) -> list[str]:
    return [_unquoted(word) if word.startswith('"') else word for word in _WORD.findall(command)]


def _unquoted(word: str) -> str:
    return _ESCAPED.sub(lambda found: _SPECIAL.get(found[1], found[1]), word[1:-1])


def _texts(value: Any) -> Any:
    # Most values are texts already: a call for each of them would take longer than gdb itself.
    if isinstance(value, dict):
        return {key: each if type(each) is str else _texts(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_texts(each) for each in value]
    return str(value)


def run(*commands: str) -> dict[str, Any]:
    """Run MI commands one after the other; one that fails keeps none of the others from running."""
    answers = []
    for command in commands:
        try:
            answers.append({"done": _texts(gdb.execute_mi(*_words(command)) or {})})
        except gdb.error as error:
            answers.append({"error": str(error)})
        except KeyboardInterrupt:
            # What is done is done, and must be told; the rest is not begun.
            break
    return {"answers": answers + [{"error": "Quit"}] * (len(commands) - len(answers))}


if hasattr(gdb, "execute_mi"):
    mi_command("-x-batch")(run)
