"""DAP `stackTrace` and `scopes`. Stacks are fetched in pages; the first page comes with the stop."""

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.variables import Scope, ScopeKind, typed_variables
from dapbridge.errors import EngineError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

PAGE_FRAMES = 20
_DEPTH_WITHOUT_LIMIT = 100_000


class StackTraceArguments(Arguments, frozen=True):
    """DAP "StackTraceArguments"; `levels` 0 means all."""

    thread_id: int
    start_frame: int | None = None
    levels: int | None = None


class ScopesArguments(Arguments, frozen=True):
    """DAP "ScopesArguments"."""

    frame_id: int


def frames_command(thread_id: int, page: int) -> str:
    """Return the MI command for one page of a thread's stack."""
    first = page * PAGE_FRAMES
    return command("stack-list-frames", first, first + PAGE_FRAMES - 1, thread=thread_id)


@request("stackTrace", capabilities=("supportsDelayedStackTraceLoading",), needs_stop=True)
async def stack_trace(context: Context, arguments: StackTraceArguments) -> JsonObject:
    """DAP "StackTrace"; `totalFrames` is one more than is known while the stack goes on."""
    start = max(arguments.start_frame or 0, 0)
    end = start + (arguments.levels or _DEPTH_WITHOUT_LIMIT)
    frames: list[Payload] = []
    page, total = start // PAGE_FRAMES, None
    while page * PAGE_FRAMES < end:
        in_page = await _frames_of(context, arguments.thread_id, page)
        frames += in_page
        page += 1
        if len(in_page) < PAGE_FRAMES:
            total = (page - 1) * PAGE_FRAMES + len(in_page)
            break
    first = start // PAGE_FRAMES * PAGE_FRAMES
    shown = frames[start - first : end - first]
    return {
        "stackFrames": [_to_dap(context, arguments.thread_id, frame) for frame in shown],
        "totalFrames": page * PAGE_FRAMES + 1 if total is None else total,
    }


@request("scopes", needs_stop=True)
async def scopes(context: Context, arguments: ScopesArguments) -> JsonObject:
    """DAP "Scopes": Arguments, Locals, Registers."""
    stop = context.stopped
    frame = stop.frame(arguments.frame_id)
    variables = await typed_variables(context, frame)
    argument_count = sum(each.get("arg") == "1" for each in variables)

    def scope(name: str, kind: ScopeKind, *, expensive: bool = False) -> JsonObject:
        reference = stop.reference(Scope(frame, kind))
        return {"name": name, "presentationHint": kind, "variablesReference": reference, "expensive": expensive}

    found = [
        scope("Locals", "locals") | {"namedVariables": len(variables) - argument_count},
        scope("Registers", "registers", expensive=True),
    ]
    if argument_count:
        found.insert(0, scope("Arguments", "arguments") | {"namedVariables": argument_count})
    return {"scopes": found}


async def _frames_of(context: Context, thread_id: int, page: int) -> list[Payload]:
    try:
        answer = await context.debugger.ask(frames_command(thread_id, page))
    except EngineError as error:
        # GDB's word for "the stack is not that deep".
        if page and "Not enough frames" in str(error):
            return []
        raise
    return answer.get("stack") or []


def _to_dap(context: Context, thread_id: int, frame: Payload) -> JsonObject:
    level = int(frame["level"])
    address = frame.get("addr", "")
    body: JsonObject = {
        "id": context.stopped.frame_id(Frame(thread_id, level)),
        "name": frame.get("func") or address,
        "line": int(frame.get("line", 0)),
        "column": 1 if "line" in frame else 0,
    }
    if address and address != "<unavailable>":
        body["instructionPointerReference"] = address
    if path := frame.get("fullname") or frame.get("file"):
        body["source"] = {"name": path.replace("\\", "/").rsplit("/", 1)[-1], "path": path}
    else:
        body["presentationHint"] = "subtle"
        if library := frame.get("from"):
            body["name"] = f"{_function(frame)} ({library.rsplit('/', 1)[-1]})"
    return body


def _function(frame: Payload) -> str:
    name = frame.get("func")
    return str(frame["addr"]) if name in (None, "??") else str(name)
