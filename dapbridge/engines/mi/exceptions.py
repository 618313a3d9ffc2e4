"""DAP `setExceptionBreakpoints`: filters for C++ exceptions, Rust panics and signals."""

import re

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.announced import EXCEPTION_FILTERS, SIGNALS
from dapbridge.engines.mi import signals
from dapbridge.engines.mi.breakpoint_table import exchange
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.errors import EngineError, UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

GROUP = "exceptions"
KINDS = {SIGNALS: SIGNALS, "cpp_throw": "throw", "cpp_rethrow": "rethrow", "cpp_catch": "catch", "rust_panic": "panic"}
"""What the debugger's side calls the filters."""


class ExceptionWish(Struct, frozen=True):
    """A filter with its condition; `kind` is what the debugger's side calls it."""

    kind: str
    condition: str


class FilterOptions(Arguments, frozen=True):
    """DAP "ExceptionFilterOptions"."""

    filter_id: str
    condition: str | None = None


class SetExceptionBreakpointsArguments(Arguments, frozen=True):
    """DAP "SetExceptionBreakpointsArguments"."""

    filters: tuple[str, ...]
    filter_options: tuple[FilterOptions, ...] = ()


@request(
    "setExceptionBreakpoints",
    capabilities={"exceptionBreakpointFilters": EXCEPTION_FILTERS, "supportsExceptionFilterOptions": True},
    causes_events=True,
)
async def set_exception_breakpoints(context: Context, arguments: SetExceptionBreakpointsArguments) -> JsonObject:
    """DAP "SetExceptionBreakpoints"."""
    filters = [FilterOptions(each) for each in arguments.filters] + list(arguments.filter_options)
    problems = [_problem(each) for each in filters]
    valid = [each for each, problem in zip(filters, problems, strict=True) if not problem]
    wishes = [_wish(each) for each in valid if each.filter_id != SIGNALS]
    placed = iter(await exchange(context, GROUP, wishes, _insert))
    chosen = await _choose_signals(context, [each for each in valid if each.filter_id == SIGNALS])

    def answer(filter_: FilterOptions, problem: str) -> JsonObject:
        if problem:
            return _failure(problem)
        return chosen if filter_.filter_id == SIGNALS else _explained(next(placed))

    return {"breakpoints": [answer(*each) for each in zip(filters, problems, strict=True)]}


def _problem(filter_: FilterOptions) -> str:
    """Say why a filter can't be; "" for one that can."""
    condition = filter_.condition or ""
    if filter_.filter_id not in KINDS:
        return f"there is no filter {filter_.filter_id!r}; there are {', '.join(KINDS)}"
    try:
        if filter_.filter_id == SIGNALS:
            signals.parse_names(condition)
        else:
            re.compile(condition)
    except re.error as error:
        return f"{condition!r} is no regular expression: {error}"
    except UserError as error:
        return str(error)
    return ""


def _failure(message: str) -> JsonObject:
    return {"verified": False, "message": message, "reason": "failed"}


def _wish(filter_: FilterOptions) -> ExceptionWish:
    return ExceptionWish(KINDS[filter_.filter_id], (filter_.condition or "").strip())


async def _choose_signals(context: Context, filters: list[FilterOptions]) -> JsonObject:
    named = [signals.parse_names(each.condition or "") or signals.FATAL for each in filters]
    try:
        await signals.choose(context, tuple(name for names in named for name in names))
    except EngineError as error:
        return _failure(str(error))
    return {"verified": True}


async def _insert(context: Context, wish: ExceptionWish) -> Payload:
    return await context.debugger.send(command("x-catch", wish.kind, *([wish.condition] if wish.condition else [])))


def _explained(breakpoint_: JsonObject) -> JsonObject:
    if breakpoint_.get("reason") != "pending":
        return breakpoint_
    return breakpoint_ | {"message": "the program has no Rust panics in it"}
