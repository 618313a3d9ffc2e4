"""DAP `evaluate`: expressions in a frame; in the REPL also the debugger's own commands, behind a backtick.

Watches and hovers never run the target's code, and change nothing: that takes a person who types into the REPL.
"""

import re
from typing import Literal

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import calls, values
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.expressions import assigns
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stops import Frame
from dapbridge.engines.mi.values import ValueFormat, to_result, to_variable
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command

COMMAND_MARK = "`"

_MAX_CHARACTERS = {"hover": 500, "watch": 500, "variables": 500, "repl": 20_000, "clipboard": 1 << 20}
"""How long an expression's text may be, by DAP's context."""

_MAY_CHANGE = re.compile(r"[^=!<>]=[^=]|\+\+|--|\(")
_SPECIFIER = re.compile(r"(?P<expression>.*[^,\s])\s*,\s*(?:(?P<format>[xhdobtc])|\[(?P<count>\d+)\])\Z", re.DOTALL)
_LETTERS = {"h": "x", "b": "t"}


class EvaluateArguments(Arguments, frozen=True):
    """DAP "EvaluateArguments"."""

    expression: str
    frame_id: int | None = None
    context: Literal["watch", "repl", "hover", "clipboard", "variables"] | str = "watch"
    format: ValueFormat = ValueFormat()


@request("evaluate", capabilities=("supportsEvaluateForHovers", "supportsClipboardContext"))
async def evaluate(context: Context, arguments: EvaluateArguments) -> JsonObject:
    """DAP "Evaluate"; without a frame also while the target runs (globals)."""
    expression = arguments.expression.strip()
    _check_changes_nothing(context, expression, arguments.context)
    if arguments.context == "repl" and expression.startswith(COMMAND_MARK):
        output = await context.debugger.run_console(expression.removeprefix(COMMAND_MARK).strip())
        if context.stop is not None:
            await values.refresh(context)
            values.tell_changed(context)
        return {"result": output.rstrip("\n"), "variablesReference": 0}
    if not expression:
        raise UserError("nothing to evaluate")
    if context.stop is None:
        if arguments.frame_id is not None:
            raise EngineError("notStopped")
        answer = await context.debugger.send(command("data-evaluate-expression", expression))
        return {"result": str(answer.get("value", "")), "variablesReference": 0}
    frame = None if arguments.frame_id is None else context.stop.frame(arguments.frame_id)
    budget = _MAX_CHARACTERS.get(arguments.context, _MAX_CHARACTERS["watch"])
    if arguments.context == "repl" and not context.config.read_only and _MAY_CHANGE.search(expression):
        return await _run(context, expression, budget, frame)
    return await _look(context, expression, arguments.format.letter, budget, frame)


def _check_changes_nothing(context: Context, expression: str, where: str) -> None:
    """Raise UserError for what may change the target where that isn't wanted.

    These are assignments, and in a read-only session the debugger's own commands altogether.
    """
    if where == "repl" and not context.config.read_only:
        return
    if where == "repl" and expression.startswith(COMMAND_MARK):
        raise UserError("debugger commands can change the target, and this session is read-only (readOnly)")
    if assigns(expression):
        why = (
            "this session is read-only (readOnly)" if context.config.read_only else "only the debug console may do that"
        )
        raise UserError(f"{expression!r} changes the target, and {why}")


async def _look(context: Context, expression: str, format_: str, budget: int, frame: Frame | None) -> JsonObject:
    """Evaluate what changes nothing; a format specifier behind it, as in `flags,x` or `pointer,[10]`, is obeyed."""
    lasting = ""
    if specified := _SPECIFIER.match(expression):
        letter, expression = specified["format"], specified["expression"]
        if letter:
            format_ = lasting = _LETTERS.get(letter, letter)
        else:
            expression = f"*({expression})@{specified['count']}"
    shown = await values.ask(context, "evaluate", expression, budget, format_, frame=frame)
    return _to_response(context, shown, frame, lasting)


async def _run(context: Context, expression: str, budget: int, frame: Frame | None) -> JsonObject:
    """Evaluate once what may call the target's functions, or change it."""
    try:
        asked = values.values_command(context, "evaluate", expression, budget, "", "once", frame=frame)
        shown = await calls.run(context, asked, frame.thread_id if frame else None)
    finally:
        if context.stop is not None:
            await values.refresh(context)
            values.tell_changed(context)
    return _to_response(context, shown, frame, "")


def _to_response(context: Context, shown: JsonObject, frame: Frame | None, format_: str) -> JsonObject:
    variable = to_variable(context, shown, frame, format_)
    hint = {} if "presentationHint" not in variable else {"presentationHint": variable["presentationHint"]}
    return to_result(variable) | {"result": shown["value"]} | hint
