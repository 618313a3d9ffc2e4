"""One line of MI output → one record (GDB manual, "GDB/MI Output Syntax"). pygdbmi parses; this file is its border.

pygdbmi never returns from a list whose end is missing, so a line is let through to it only when its brackets match.
"""

import re
from typing import Any, Literal

import msgspec
from msgspec import Struct
from pygdbmi import gdbmiparser

from dapbridge.errors import ProtocolError

Payload = dict[str, Any]
"""MI's tuple: values are str, Payload, or a list of either; of a command of our own, what JSON has."""


class Result(Struct, frozen=True):
    """The answer to the command of the same token; `kind` is done, running, connected, error or exit."""

    token: int | None
    kind: str
    payload: Payload


class Async(Struct, frozen=True):
    """An exec ("*") or notify ("=") record: `kind` is its class, such as stopped or breakpoint-modified."""

    mark: Literal["*", "="]
    kind: str
    payload: Payload


class Stream(Struct, frozen=True):
    """Text for people: console ("~"), target ("@") or log ("&"); raw output of the target is target too."""

    channel: Literal["console", "target", "log"]
    text: str


class Prompt(Struct, frozen=True):
    """The end of a group of records."""


Record = Result | Async | Stream | Prompt

# pygdbmi makes a coloured text of every value for its debug log, also when there is none: a third of its time.
gdbmiparser.fmt_green = lambda x: ""  # type: ignore[attr-defined]

_RECORD = re.compile(r"(?P<token>\d*)(?P<mark>[\^*=])[a-z-]+(?:,|$)")
# The answer of a command of our own: JSON in one ASCII string, so that a long one costs next to nothing to parse.
_JSON_ANSWER = re.compile(r'(?P<token>\d*)\^done,json="(?P<text>.*)"\Z')
# What our code inside the debugger tells unasked, where that has no way to make an MI record: a line of its console.
_NOTICE = re.compile(r'~"\\036(?P<kind>x-[a-z-]+) (?P<text>\{.*\})\\n"\Z')
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_STRING = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_NOT_BRACKET = re.compile(r"[^\[\]{}]+")
_STREAM_CHANNELS: dict[str, Literal["console", "target", "log"]] = {"~": "console", "@": "target", "&": "log"}
_PROMPT = Prompt()


def parse_record(line: str) -> Record:
    """Parse one line of MI output, without its line end.

    Raises ProtocolError for a record that is cut or whose brackets don't match.
    """
    if line.startswith("(gdb)"):
        return _PROMPT
    if (notice := _NOTICE.match(line)) is not None:
        return Async("=", notice["kind"], _parse_json(notice))
    if line[:1] in _STREAM_CHANNELS and line[1:2] == '"' and line.endswith('"'):
        return Stream(_STREAM_CHANNELS[line[0]], _parse(line)["payload"])
    if (answer := _JSON_ANSWER.match(line)) is not None:
        return Result(int(answer["token"]) if answer["token"] else None, "done", _parse_json(answer))
    head = _RECORD.match(line)
    if head is None:
        # Whatever is no MI was printed by the program itself, on the terminal that it shares with its debugger.
        return Stream("target", line + "\n")
    if not _is_balanced(line):
        raise ProtocolError(f"cut MI record: {line[:200]}")
    parsed = _parse(line)
    payload = parsed["payload"] or {}
    mark = head["mark"]
    if mark == "^":
        return Result(parsed["token"], parsed["message"], payload)
    return Async("*" if mark == "*" else "=", parsed["message"], payload)


def _parse(line: str) -> dict[str, Any]:
    try:
        parsed: dict[str, Any] = gdbmiparser.parse_response(line)
    except Exception as error:
        raise ProtocolError(f"{error!r} in MI record: {line[:200]}") from error
    return parsed


def _parse_json(record: re.Match[str]) -> Payload:
    # Only quotes and backslashes are escaped in it; NUL, which JSON never has in it, stands in for a backslash.
    text = record["text"].replace("\\\\", "\0").replace('\\"', '"').replace("\0", "\\")
    try:
        return _decode_json(text)
    except msgspec.DecodeError as error:
        raise ProtocolError(f"{error} in MI record: {record[0][:200]}") from error


def _decode_json(text: str) -> Payload:
    try:
        return msgspec.json.decode(text, type=Payload)
    except msgspec.DecodeError:
        # Half a surrogate pair, out of the target's memory, is no text: it is shown as what can't be shown.
        return msgspec.json.decode(_SURROGATE.sub(r"\\ufffd", text), type=Payload)


def _is_balanced(line: str) -> bool:
    structure = _STRING.sub("", line)
    if '"' in structure:
        return False
    brackets = _NOT_BRACKET.sub("", structure)
    length = -1
    while length != len(brackets):
        length = len(brackets)
        brackets = brackets.replace("[]", "").replace("{}", "")
    return not brackets
