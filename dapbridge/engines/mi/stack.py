"""DAP `stackTrace`: a page comes with the stop, all else in one burst; a frame is never asked for twice at a stop."""

import re
from functools import lru_cache

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.modules import module_id
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Depth, Frame, Stop
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

PAGE_FRAMES = 20
MAX_FRAMES = 20_000
"""The most frames in one answer: a runaway recursion has more than anybody can look at."""

_SEPARATORS = frozenset({"<signal handler called>", "<function called from gdb>", "<cross-architecture call>"})
_QUALIFIERS = re.compile(r"(?: const| volatile| &&?)+\Z")
_MAX_VALUE = 60


class StackFrameFormat(Arguments, frozen=True):
    """DAP "StackFrameFormat"; no frame is ever hidden, so `includeAll` changes nothing."""

    hex: bool = False
    parameters: bool = False
    parameter_types: bool = False
    parameter_names: bool = False
    parameter_values: bool = False
    line: bool = False
    module: bool = False

    @property
    def with_parameters(self) -> bool:
        return self.parameters or self.parameter_types or self.parameter_names or self.parameter_values


class StackTraceArguments(Arguments, frozen=True):
    """DAP "StackTraceArguments"; `levels` 0 means all."""

    thread_id: int
    start_frame: int | None = None
    levels: int | None = None
    format: StackFrameFormat = StackFrameFormat()


def first_page(thread_id: int) -> str:
    """Return the command for the innermost frames of a thread's stack."""
    return _listing("x-frames", thread_id, 0, PAGE_FRAMES)


def frames_of(answer: Payload) -> list[Payload]:
    """Return the frames of an answer, named as MI does (GDB manual, "GDB/MI Frame Information")."""
    low, rows, texts = answer["low"], answer["rows"], answer["texts"]
    frames = []
    for level, (address, function, path, line, library) in enumerate(rows, low):
        frame = {"level": level, "addr": f"0x{address:016x}"}
        if function is not None:
            frame["func"] = texts[function]
        if path is not None:
            frame |= {"fullname": texts[path], "line": line}
        if library is not None:
            frame["from"] = texts[library]
        frames.append(frame)
    return frames


@request("stackTrace", capabilities=("supportsDelayedStackTraceLoading",), needs_stop=True)
async def stack_trace(context: Context, arguments: StackTraceArguments) -> JsonObject:
    """DAP "StackTrace"; `totalFrames` is one more than is known while the stack goes on."""
    thread_id, format_ = arguments.thread_id, arguments.format
    stop = context.stopped
    start, levels = max(arguments.start_frame or 0, 0), max(arguments.levels or 0, 0)
    frames = await _frames(context, stop, thread_id, start, min(levels or MAX_FRAMES, MAX_FRAMES))
    parameters = await _parameters(context, thread_id, frames, format_) if format_.with_parameters else {}
    depth = stop.depths[thread_id]
    ids = [stop.frame_id(Frame(thread_id, int(frame["level"]))) for frame in frames]
    return {
        "stackFrames": [
            {"id": id_} | _to_dap(context, frame, format_, parameters) for id_, frame in zip(ids, frames, strict=True)
        ],
        "totalFrames": depth.frames if depth.is_end else depth.frames + 1,
    }


async def _frames(context: Context, stop: Stop, thread_id: int, start: int, levels: int) -> list[Payload]:
    """Return up to `levels` frames from `start` on."""
    end, rest_start = start + levels, max(start, PAGE_FRAMES)
    first: list[Payload] = []
    if start < PAGE_FRAMES:
        first = frames_of(await context.debugger.ask(first_page(thread_id)))
        _learn_depth(stop, thread_id, Depth(len(first), is_end=len(first) < PAGE_FRAMES))
    known = stop.depths.get(thread_id)
    if known is not None and known.is_end:
        end = min(end, known.frames)
    rest: list[Payload] = []
    if end > rest_start:
        # One more: it tells whether the stack goes on.
        rest = frames_of(await context.debugger.ask(_listing("x-frames", thread_id, rest_start, end + 1)))
        if rest:
            _learn_depth(stop, thread_id, _depth(rest_start + len(rest), end))
        else:
            await _find_depth(context, stop, thread_id, rest_start)
    return first[start:end] + rest[: max(end - rest_start, 0)]


async def _find_depth(context: Context, stop: Stop, thread_id: int, end: int) -> None:
    """Look how deep a stack is, but not further than just behind `end`."""
    known = stop.depths.get(thread_id)
    if known is None or not known.is_end:
        answer = await context.debugger.ask(command("stack-info-depth", end + 1, thread=thread_id))
        _learn_depth(stop, thread_id, _depth(int(answer["depth"]), end))


def _depth(seen: int, end: int) -> Depth:
    """Return what is known where one more frame than `end` was looked for."""
    return Depth(min(seen, end), is_end=seen <= end)


def _learn_depth(stop: Stop, thread_id: int, found: Depth) -> None:
    known = stop.depths.get(thread_id)
    if known is None or (not known.is_end and (found.is_end or found.frames > known.frames)):
        stop.depths[thread_id] = found


def _listing(operation: str, thread_id: int, start: int, end: int, *options: str) -> str:
    return command(operation, *options, start, end - 1, thread=thread_id)


async def _parameters(
    context: Context, thread_id: int, frames: list[Payload], format_: StackFrameFormat
) -> dict[int, str]:
    """Return the text of the parameters of each frame by its level."""
    if not frames:
        return {}
    start, end = int(frames[0]["level"]), int(frames[-1]["level"]) + 1
    with context.debugger.burst():
        # Only the one has types, and only the other has all values.
        asked = [
            context.debugger.ask(_listing("stack-list-arguments", thread_id, start, end, option))
            for option in ("--simple-values", "--all-values")
        ]
    typed, valued = [(await each).get("stack-args") or [] for each in asked]
    return {
        int(frame["level"]): ", ".join(
            _parameter(argument | {"value": value.get("value", "")}, format_)
            for argument, value in zip(frame.get("args") or [], values.get("args") or [], strict=False)
        )
        for frame, values in zip(typed, valued, strict=False)
    }


def _parameter(argument: Payload, format_: StackFrameFormat) -> str:
    words = []
    if format_.parameter_types:
        words.append(str(argument.get("type", "")))
    # Asked for parameters and nothing of them, a reader wants their names.
    if format_.parameter_names or not (format_.parameter_types or format_.parameter_values):
        words.append(str(argument["name"]))
    text = " ".join(filter(None, words))
    if not format_.parameter_values:
        return text
    value = str(argument["value"])
    if format_.hex and value.lstrip("-").isdecimal():
        value = f"{int(value):#x}"
    if len(value) > _MAX_VALUE:
        value = value[: _MAX_VALUE - 1] + "…"
    return f"{text}={value}" if text else value


def _to_dap(context: Context, frame: Payload, format_: StackFrameFormat, parameters: dict[int, str]) -> JsonObject:
    level = int(frame["level"])
    address = str(frame.get("addr", ""))
    body: JsonObject = {
        "name": _name(context, frame, format_, parameters.get(level)),
        "line": int(frame.get("line", 0)),
        "column": 1 if "line" in frame else 0,
    }
    module = None
    if address.startswith("0x"):
        body["instructionPointerReference"] = address
        if module := module_id(context, address):
            body["moduleId"] = module
    if path := frame.get("fullname"):
        body["source"] = {"name": path.replace("\\", "/").rsplit("/", 1)[-1], "path": path}
        if module and module != context.process.exe:
            body["source"]["origin"] = _file_name(module)
    elif frame.get("func") in _SEPARATORS:
        body["presentationHint"] = "label"
    else:
        body["presentationHint"] = "subtle"
    return body


def _name(context: Context, frame: Payload, format_: StackFrameFormat, parameters: str | None) -> str:
    name = _function(frame)
    if name in _SEPARATORS:
        return name
    if format_.with_parameters:
        name = f"{name}({parameters or ''})"
    library = str(frame.get("from", ""))
    if format_.module:
        path = library or module_id(context, str(frame["addr"])) or context.process.exe or context.process.name
        name = f"{_file_name(path)}!{name}"
    elif library and "line" not in frame:
        name = f"{name} ({_file_name(library)})"
    return f"{name} line {frame['line']}" if format_.line and "line" in frame else name


def _function(frame: Payload) -> str:
    """Return a function's name, its address where it has none."""
    name = frame.get("func")
    return str(frame.get("addr", "??")) if name in (None, "??") else without_parameters(str(name))


@lru_cache(maxsize=4096)
def without_parameters(name: str) -> str:
    """Return a C++ function's name without its parameters, which gdb leaves on names that it doesn't understand."""
    text = _QUALIFIERS.sub("", name)
    depth = 0
    for at in range(len(text) - 1, 0, -1):
        depth += (text[at] == ")") - (text[at] == "(")
        if not depth:
            head = text[:at]
            is_list = text[at] == "(" and head[-1] not in " :<,(" and not head.endswith("operator")
            return head if is_list else name
    return name


def _file_name(path: str) -> str:
    return path.rsplit("/", 1)[-1]
