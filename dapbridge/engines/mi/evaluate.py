"""DAP `evaluate`: expressions in a frame; in the REPL also the debugger's own commands, behind a backtick.

Watches and hovers never run the target's code: calls are switched off but for what a person types into the REPL.
"""

import re
from typing import Literal

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.debugger import Answer
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.variables import Pointer, describe, is_pointer
from dapbridge.engines.mi.varobjs import ask_varobj, get_varobj, refresh_varobjs
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command

COMMAND_MARK = "`"

_MAY_CHANGE = re.compile(r"[^=!<>]=[^=]|\+\+|--|\(")
# Not by gdb's own may-write-memory: without that it can't set a breakpoint either.
_ASSIGNS = re.compile(r"(?<![=!<>])=(?!=)|<<=|>>=|\+\+|--")
_LITERAL = re.compile(r"""(["'])(?:\\.|(?!\1).)*\1""")


class EvaluateArguments(Arguments, frozen=True):
    """DAP "EvaluateArguments"."""

    expression: str
    frame_id: int | None = None
    context: Literal["watch", "repl", "hover", "clipboard", "variables"] | str = "watch"


@request("evaluate", capabilities=("supportsEvaluateForHovers",))
async def evaluate(context: Context, arguments: EvaluateArguments) -> JsonObject:
    """DAP "Evaluate"; without a frame also while the target runs (globals)."""
    expression = arguments.expression.strip()
    if context.config.read_only:
        _check_reads_only(expression, arguments.context)
    if arguments.context == "repl" and expression.startswith(COMMAND_MARK):
        output = await context.debugger.run_console(expression.removeprefix(COMMAND_MARK).strip())
        if context.stop is not None:
            await refresh_varobjs(context)
        return {"result": output.rstrip("\n"), "variablesReference": 0}
    if not expression:
        raise UserError("nothing to evaluate")
    if context.stop is None:
        if arguments.frame_id is not None:
            raise EngineError("notStopped")
        answer = await context.debugger.send(command("data-evaluate-expression", expression))
        return {"result": str(answer.get("value", "")), "variablesReference": 0}
    frame = None if arguments.frame_id is None else context.stop.frame(arguments.frame_id)
    return await _evaluate(context, expression, frame, may_call=_may_call(context, arguments))


def _may_call(context: Context, arguments: EvaluateArguments) -> bool:
    return arguments.context == "repl" and not context.config.read_only


def _check_reads_only(expression: str, where: str) -> None:
    """Raise UserError for what may change the target: assignments, and the debugger's own commands altogether."""
    if where == "repl" and expression.startswith(COMMAND_MARK):
        raise UserError("debugger commands can change the target, and this session is read-only (readOnly)")
    if _ASSIGNS.search(_LITERAL.sub("", expression)):
        raise UserError(f"{expression!r} changes the target, and this session is read-only (readOnly)")


async def _evaluate(context: Context, expression: str, frame: Frame | None, *, may_call: bool) -> JsonObject:
    may_change = may_call and bool(_MAY_CHANGE.search(expression))
    if may_change:
        # Evaluated once, and only for its value: making a variable object of it would run it again and again.
        return await _run(context, expression, frame)
    asked = ask_varobj(context, expression, frame)
    evaluated = context.debugger.send(_evaluation(expression, frame))
    try:
        varobj = await get_varobj(asked)
    except EngineError:
        # Of the two, this one's words say what is wrong.
        return {"result": str((await evaluated).get("value", "")), "variablesReference": 0}
    body = describe(context, expression, varobj)
    body["result"] = await _text_of(evaluated, body["value"])
    del body["name"], body["value"]
    body.pop("evaluateName", None)
    if is_pointer(body["result"], varobj.type_name):
        body["variablesReference"] = context.stopped.reference(Pointer(expression, frame))
    return body


async def _run(context: Context, expression: str, frame: Frame | None) -> JsonObject:
    context.calling = True
    context.debugger.send("-gdb-set may-call-functions on")
    answer = context.debugger.send(_evaluation(expression, frame))
    context.debugger.send("-gdb-set may-call-functions off")
    try:
        value = (await answer).get("value", "")
    finally:
        context.calling = False
        if context.stop is not None:
            await refresh_varobjs(context)
    return {"result": str(value), "variablesReference": 0}


def _evaluation(expression: str, frame: Frame | None) -> str:
    if frame is None:
        return command("data-evaluate-expression", expression)
    return command("data-evaluate-expression", expression, thread=frame.thread_id, frame=frame.level)


async def _text_of(evaluated: Answer, otherwise: str) -> str:
    """Return a value's text on one line; `otherwise` for one that is too large for that."""
    try:
        return str((await evaluated).get("value", otherwise))
    except EngineError:
        if not otherwise:
            raise
        return otherwise
