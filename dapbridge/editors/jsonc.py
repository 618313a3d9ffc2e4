"""JSON with comments and trailing commas, as VS Code reads it: read it, and add to it with nothing else changed. Pure.

Theory of operation. Comments and trailing commas are blanked out, each character by a blank, so that what is left is
JSON with every value where it was. Python's own decoder then says where values begin and end, and text is put in there.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*")|(?P<comment>//[^\r\n]*|/\*.*?\*/)|(?P<comma>,)|(?P<end>[\]}])|(?P<other>[^\s])""",
    re.DOTALL,
)
_BLANK = re.compile(r"[^\r\n]")
_DECODER = json.JSONDecoder()


def parse_jsonc(text: str) -> Any:
    """Return the value. Raises ValueError."""
    return json.loads(_blanked(text))


def append_to_array(text: str, key: str | None, value: object) -> str:
    """Return `text` with `value` as the last element of the root array, or of the array `key` of the root object.

    A missing array is added. Everything that was there stays as it was, byte for byte. Raises ValueError where it is no
    JSON or has another form.
    """
    before = parse_jsonc(text)
    blanked = _blanked(text)
    root = _read_block(blanked, _skip_blanks(blanked, 0))
    expected: object
    if key is None:
        added = _appended(text, _checked(root, "[", "it"), value)
        expected = [*before, value]
    else:
        root = _checked(root, "{", "it")
        member = root.values.get(key)
        array = root if member is None else _checked(_read_block(blanked, member), "[", f'"{key}"')
        added = _appended(text, array, value, key=key if member is None else None)
        expected = {**before, key: [*before.get(key, []), value]}
    if parse_jsonc(added) != expected:
        raise ValueError("it has a form that is not understood")
    return added


class _Block(Struct, frozen=True):
    """An object or array in the text: where it opens and closes, where its last value ends, and where values begin."""

    opening: str
    start: int
    end: int
    last_end: int | None
    values: dict[str, int]


def _blanked(text: str) -> str:
    """Blank out a byte order mark, comments and trailing commas."""
    parts = list(text)
    if text.startswith("\ufeff"):
        parts[0] = " "
    comma: int | None = None
    before = "{"
    for token in _TOKEN.finditer(text):
        if token.lastgroup == "comment":
            parts[token.start() : token.end()] = _BLANK.sub(" ", token[0])
            continue
        if token.lastgroup == "end" and comma is not None:
            parts[comma] = " "
        comma = token.start() if token.lastgroup == "comma" and before not in "{[,:" else None
        before = token[0]
    return "".join(parts)


def _read_block(blanked: str, start: int) -> _Block | None:
    """Find the extent and members of the object or array that begins at `start`; None for another value."""
    opening = blanked[start : start + 1]
    if opening not in ("{", "["):
        return None
    values: dict[str, int] = {}
    last_end = None
    position = _skip_blanks(blanked, start + 1)
    while blanked[position] not in "]}":
        if opening == "{":
            key, position = _DECODER.raw_decode(blanked, position)
            position = _skip_blanks(blanked, _skip_blanks(blanked, position) + 1)
            values[key] = position
        _, last_end = _DECODER.raw_decode(blanked, position)
        position = _skip_blanks(blanked, last_end)
        if blanked[position] == ",":
            position = _skip_blanks(blanked, position + 1)
    return _Block(opening, start, position, last_end, values)


def _checked(block: _Block | None, opening: str, what: str) -> _Block:
    if block is None or block.opening != opening:
        raise ValueError(f"{what} is no {'list' if opening == '[' else 'object'}")
    return block


def _appended(text: str, block: _Block, value: object, *, key: str | None = None) -> str:
    """Put `value` (key: as the only one of a list of that name) behind the last one and the comments that follow it."""
    newline = "\r\n" if "\r\n" in text else "\n"
    step = _indentation_step(text)
    outer = _indentation(text, block.start)
    inner = outer + step
    if block.last_end is not None and "\n" in text[block.start : block.last_end]:
        inner = _indentation(text, _first_value(text, block))
    addition = json.dumps(value if key is None else [value], indent=step, ensure_ascii=False)
    addition = addition.replace("\n", newline + inner)
    if key is not None:
        addition = f"{json.dumps(key)}: {addition}"
    body = text[: block.end].rstrip()
    closing = text[len(body) : block.end] if "\n" in text[len(body) : block.end] else newline + outer
    if block.last_end is not None and not _has_trailing_comma(text, block.last_end, block.end):
        body = f"{body[: block.last_end]},{body[block.last_end :]}"
    return f"{body}{newline}{inner}{addition}{closing}{text[block.end :]}"


def _first_value(text: str, block: _Block) -> int:
    """Return where the first value (or its key) begins, comments before it left out."""
    first = next(token for token in _tokens(text, block.start + 1) if token.lastgroup != "comment")
    return first.start()


def _has_trailing_comma(text: str, start: int, end: int) -> bool:
    return any(token.lastgroup == "comma" for token in _tokens(text, start) if token.start() < end)


def _tokens(text: str, start: int) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text, start)


def _indentation(text: str, position: int) -> str:
    """Return the blanks that the line of `position` begins with."""
    line = text[text.rfind("\n", 0, position) + 1 :]
    return line[: len(line) - len(line.lstrip(" \t"))]


def _indentation_step(text: str) -> str:
    """Return the first indentation in the text, by which it goes on; two blanks where there is none."""
    found = re.search(r"\n([ \t]+)\S", text)
    return found[1] if found else "  "


def _skip_blanks(text: str, position: int) -> int:
    while text[position : position + 1].isspace():
        position += 1
    return position
