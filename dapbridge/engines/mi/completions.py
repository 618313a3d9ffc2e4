"""DAP `completions`: expressions in a frame, and behind a backtick the debugger's own commands.

What is near comes first and quickly: members, the frame's variables, the names of its file. Only then the whole program
is searched, for a short time: to complete a name must not keep anybody from debugging. Nothing is evaluated that runs
the target's code or changes it.
"""

import logging
import re
from collections.abc import Callable
from typing import Literal

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.evaluate import COMMAND_MARK
from dapbridge.engines.mi.interrupts import send_within
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.errors import EngineError
from dapbridge.mi.commands import command

log = logging.getLogger(__name__)

MAX_ITEMS = 200
SEARCH_LIMIT_S = 1.0

_ENDS_COMMAND_WORD = frozenset(" \t:,/*&()$.->")
_NAME = re.compile(r"(?P<name>(?:[^\W\d]\w*::)*~?[^\W\d]\w*)(?P<parameters>\(.*)?\Z")
_CHANGES = re.compile(r"(?<![=!<>])=(?!=)|<<=|>>=|\+\+|--")


class CompletionsArguments(Arguments, frozen=True):
    """DAP "CompletionsArguments"."""

    text: str
    column: int
    line: int = 1
    frame_id: int | None = None


class Place(Struct, frozen=True):
    """What stands before the cursor: a `word` that begins at `start`, and whose member it is to be.

    base: the expression before `.` or `->`, or the qualifier with its `::`.
    """

    kind: Literal["member", "name", "register", "command"]
    base: str
    word: str
    start: int


@request(
    "completions",
    capabilities={
        "supportsCompletionsRequest": True,
        "completionTriggerCharacters": [".", ">", ":", "$", COMMAND_MARK],
    },
)
async def completions(context: Context, arguments: CompletionsArguments) -> JsonObject:
    """DAP "Completions"."""
    lines = arguments.text.split("\n")
    line = lines[min(max(arguments.line, 1), len(lines)) - 1]
    before = _before(line, arguments.column - 1)
    place = find_place(before)
    frame = None
    if arguments.frame_id is not None and context.stop is not None:
        frame = context.stop.frame(arguments.frame_id)
    try:
        items = await _items(context, place, frame, before)
    except EngineError as error:
        log.debug("nothing to complete: %s", error)
        # Half an expression is no error: there is just nothing to propose.
        items = []
    # VS Code and nvim-dap take `start` as counted from 0, although columnsStartAt1 is said to decide it.
    position = {"start": _utf16_length(before[: place.start]), "length": _utf16_length(place.word)}
    return {"targets": [each | position for each in items[:MAX_ITEMS]]}


def find_place(before: str) -> Place:
    """Return what is to be completed at the end of a line."""
    if before.startswith(COMMAND_MARK):
        start = _begin(before, lambda character: character not in _ENDS_COMMAND_WORD and character != COMMAND_MARK)
        return Place("command", before[len(COMMAND_MARK) :], before[start:], start)
    start = _begin(before, _in_name)
    if before[start - 1 : start] == "$":
        return Place("register", "", before[start - 1 :], start - 1)
    if before[start : start + 1].isdigit():
        # A number is all there.
        return Place("name", "", "", len(before))
    head, word = before[:start].rstrip(), before[start:]
    for operator in (".", "->"):
        if head.endswith(operator):
            return Place("member", _operand_before(head.removesuffix(operator)), word, start)
    return Place("name", _qualifier_before(before[:start]), word, start)


def _begin(text: str, belongs: Callable[[str], bool], end: int | None = None) -> int:
    """Return where the characters begin that belong to the word that ends at `end`."""
    at = len(text) if end is None else end
    while at and belongs(text[at - 1]):
        at -= 1
    return at


def _in_name(character: str) -> bool:
    return character.isalnum() or character == "_"


def _qualifier_before(text: str) -> str:
    at = len(text)
    while text.endswith("::", 0, at):
        at = _begin(text, _in_name, at - 2)
    return text[at:]


def _operand_before(text: str) -> str:
    """Return the expression at the end of a text that a `.` behind it would belong to."""
    text = text.rstrip()
    at, depth = len(text), 0
    while at > 0:
        character = text[at - 1]
        if character in ")]":
            depth += 1
        elif character in "([":
            if not depth:
                break
            depth -= 1
        elif not depth and not (character.isalnum() or character in "_$.:"):
            if text[at - 2 : at] != "->":
                break
            at -= 1
        at -= 1
    return text[at:].strip()


async def _items(context: Context, place: Place, frame: Frame | None, before: str) -> list[JsonObject]:
    thread, level = (None, None) if frame is None else (frame.thread_id, frame.level)
    match place.kind:
        case "command":
            return await _commands(context, place, thread, level)
        case "register":
            answer = await context.debugger.ask(command("data-list-register-names"))
            names = [f"${each}" for each in answer.get("register-names") or [] if each]
            return [{"label": each, "type": "variable"} for each in names if each.startswith(place.word)]
        case "member":
            if not place.base or _CHANGES.search(place.base):
                return []
            asked = command("x-complete-members", place.base, f"^{place.word}", thread=thread, frame=level)
            return _to_items(await send_within(context, asked, SEARCH_LIMIT_S))
    found: list[JsonObject] = []
    wanted = place.base + place.word
    if frame is not None:
        asked = command("x-complete-names", f"^{wanted}", thread=thread, frame=level)
        found = _to_items(await send_within(context, asked, SEARCH_LIMIT_S))
    if wanted and wanted.isascii() and len(found) < MAX_ITEMS:
        found += await _search(context, place, {str(each["label"]) for each in found})
    return found


def _to_items(answer: JsonObject | None) -> list[JsonObject]:
    return [
        {"label": name, "type": kind, "sortText": f"{index:04}"} | ({"detail": detail} if detail else {})
        for index, (name, kind, detail) in enumerate(answer["found"] if answer else [])
    ]


async def _search(context: Context, place: Place, known: set[str]) -> list[JsonObject]:
    """Look for a name in the whole program; where that takes too long there is nothing."""
    answer = await send_within(context, command("complete", f"print {place.base}{place.word}"), SEARCH_LIMIT_S)
    found: list[JsonObject] = []
    for match in (answer or {}).get("matches") or []:
        name = _NAME.match(str(match).removeprefix("print "))
        if name is None or not name["name"].startswith(place.base + place.word):
            continue
        label = name["name"].removeprefix(place.base)
        if label not in known:
            known.add(label)
            kind = "function" if name["parameters"] else "variable"
            found.append({"label": label, "type": kind, "sortText": f"9{label}"})
    return found


async def _commands(context: Context, place: Place, thread: int | None, level: int | None) -> list[JsonObject]:
    asked = command("complete", place.base, thread=thread, frame=level)
    answer = await send_within(context, asked, SEARCH_LIMIT_S)
    head = place.base[: len(place.base) - len(place.word)]
    kind = "keyword" if not place.base.strip().count(" ") else "text"
    matches = [str(each) for each in (answer or {}).get("matches") or []]
    return [{"label": each.removeprefix(head), "type": kind} for each in matches if each.startswith(head)]


def _before(line: str, units: int) -> str:
    """Return the first so many UTF-16 code units of a line."""
    return line.encode("utf-16-le")[: max(units, 0) * 2].decode("utf-16-le", errors="ignore")


def _utf16_length(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2
