"""What a stop at an exception, a panic or a signal means, for the `stopped` event and DAP `exceptionInfo`."""

from collections.abc import Callable

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Answer
from dapbridge.engines.mi.exceptions import GROUP, ExceptionWish
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stack import first_page, frames_of
from dapbridge.engines.mi.stops import ExceptionStop
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

_WORDS = {
    "throw": "C++ exception thrown",
    "rethrow": "C++ exception thrown again",
    "catch": "C++ exception caught",
    "panic": "Rust panic",
}


class ExceptionInfoArguments(Arguments, frozen=True):
    """DAP "ExceptionInfoArguments"."""

    thread_id: int


Asked = tuple[Answer, Callable[[Payload], ExceptionStop]]


def ask(context: Context, payload: Payload) -> Asked | None:
    """Ask for what explains `*stopped`, with how to read the answer; None where it is no exception."""
    reason = payload.get("reason")
    if reason == "signal-received":
        name, meaning = str(payload.get("signal-name", "")), str(payload.get("signal-meaning", ""))

        def read_signal(answer: Payload) -> ExceptionStop:
            more = answer.get("message")
            return ExceptionStop("", name, f"{meaning}: {more}" if more else meaning)

        return context.debugger.send(command("x-signal", name)), read_signal
    found = context.breakpoints.find(str(payload.get("bkptno"))) if reason == "breakpoint-hit" else None
    if found is None or found[0] != GROUP or not isinstance(found[1], ExceptionWish):
        return None
    kind = found[1].kind

    def read(answer: Payload) -> ExceptionStop:
        texts = (str(answer.get(key, "")) for key in ("type", "message", "expression"))
        return ExceptionStop(_WORDS[kind], *texts)

    return context.debugger.send(command("x-exception", kind)), read


async def explain(asked: Asked) -> ExceptionStop:
    """Wait for what was asked for; a debugger that can't tell leaves what is known without it."""
    answer, read = asked
    try:
        return read(await answer)
    except EngineError:
        return read({})


def explained_body(exception: ExceptionStop) -> JsonObject:
    """Return what the `stopped` event says of an exception."""
    said = _joined(exception.type_name, exception.message)
    description = _joined(exception.words, exception.type_name) if exception.words else said
    return {"reason": "exception", "description": description, "text": said or description}


def _joined(*words: str) -> str:
    return ": ".join(filter(None, words))


@request("exceptionInfo", capabilities=("supportsExceptionInfoRequest",), needs_stop=True)
async def exception_info(context: Context, arguments: ExceptionInfoArguments) -> JsonObject:
    """DAP "ExceptionInfo"."""
    stop = context.stopped
    exception = stop.exception
    if exception is None or stop.thread_id != arguments.thread_id:
        raise UserError(f"thread {arguments.thread_id} did not stop at an exception")
    answer = await context.debugger.ask(first_page(stop.thread_id))
    details: JsonObject = {
        "message": exception.message,
        "stackTrace": "\n".join(_frame(each) for each in frames_of(answer)),
    }
    if exception.type_name:
        details["typeName"] = details["fullTypeName"] = exception.type_name
    if exception.expression:
        details["evaluateName"] = exception.expression
    return {
        "exceptionId": exception.type_name or exception.words,
        "description": exception.message,
        "breakMode": "always",
        "details": details,
    }


def _frame(frame: Payload) -> str:
    place = f" at {frame['fullname']}:{frame['line']}" if "fullname" in frame else ""
    return f"#{frame['level']} {frame.get('func') or frame.get('addr')}{place}"
