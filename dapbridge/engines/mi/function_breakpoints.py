"""DAP `setFunctionBreakpoints`: by a name, which takes all overloads, or by `/regex/`, which takes all that match."""

import re

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi.breakpoint_table import exchange, is_pending
from dapbridge.engines.mi.conditions import When, parse_when
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.stack import without_parameters
from dapbridge.errors import UserError
from dapbridge.mi.commands import command
from dapbridge.mi.records import Payload

MAX_MATCHES = 100
_MAX_SYMBOLS = 10 * MAX_MATCHES
_PLAIN_NAME = re.compile(r"\w+(?:::\w+)*\Z")


class FunctionBreakpoint(Arguments, frozen=True):
    """DAP "FunctionBreakpoint"."""

    name: str
    condition: str | None = None
    hit_condition: str | None = None


class SetFunctionBreakpointsArguments(Arguments, frozen=True):
    """DAP "SetFunctionBreakpointsArguments"."""

    breakpoints: tuple[FunctionBreakpoint, ...]


@request("setFunctionBreakpoints", capabilities=("supportsFunctionBreakpoints",), causes_events=True)
async def set_function_breakpoints(context: Context, arguments: SetFunctionBreakpointsArguments) -> JsonObject:
    """DAP "SetFunctionBreakpoints"."""
    return {"breakpoints": await exchange(context, "function", arguments.breakpoints, _insert)}


async def _insert(context: Context, wish: FunctionBreakpoint) -> Payload:
    name = wish.name.strip()
    if not name.endswith("operator()"):
        name = name.removesuffix("()")
    if not name:
        raise UserError("a function breakpoint needs a function's name, or /a regular expression/")
    when = parse_when(context, wish.condition, wish.hit_condition)
    if len(name) > 1 and name.startswith("/") and name.endswith("/"):
        return await _insert_all(context, name[1:-1], when)
    # Rust's own name for the program's crate, which its debug info doesn't know.
    return await _insert_named(context, name.removeprefix("crate::"), when)


async def _insert_named(context: Context, name: str, when: When) -> Payload:
    """Set a breakpoint by name. In Rust the debugger knows full paths only: then it is looked for as the end of one."""
    breakpoint_ = await _insert_one(context, when, function=name)
    if not is_pending(breakpoint_) or not _PLAIN_NAME.match(name):
        return breakpoint_
    found = await _find(context, f"::{name}$")
    if not 0 < len(found) <= MAX_MATCHES:
        return breakpoint_
    context.debugger.send(command("break-delete", breakpoint_["number"]))
    return await _insert_each(context, found, when)


async def _insert_all(context: Context, pattern: str, when: When) -> Payload:
    found = await _find(context, pattern)
    if not found:
        raise UserError(f"no function matches /{pattern}/ in what the target has loaded")
    if len(found) > MAX_MATCHES:
        raise UserError(f"more than {MAX_MATCHES} functions match /{pattern}/: make it narrower")
    return await _insert_each(context, found, when)


async def _insert_each(context: Context, functions: list[str], when: When) -> Payload:
    """Set a breakpoint in each function; the first one stands for all of them."""
    others: list[str] = []
    first = await _insert_one(context, when, "--qualified", function=functions[0])
    # Noted before the others are there: they can be hit as soon as they are.
    context.breakpoints.join(str(first["number"]), others)
    for each in functions[1:]:
        other = await _insert_one(context, when, "--qualified", function=each)
        others.append(str(other["number"]))
    return first


async def _find(context: Context, pattern: str) -> list[str]:
    """Return the names of the functions with debug information that match. Raises UserError for far too many."""
    listing = command("symbol-info-functions", name=pattern, max_results=_MAX_SYMBOLS)
    symbols = (await context.debugger.send(listing)).get("symbols") or {}
    found = [str(each["name"]) for file in symbols.get("debug") or [] for each in file["symbols"]]
    if len(found) >= _MAX_SYMBOLS:
        raise UserError(f"more than {MAX_MATCHES} functions match /{pattern}/: make it narrower")
    # Symbols of one name are overloads, or one function in two units: the name takes all of them.
    return sorted({without_parameters(each) for each in found})


async def _insert_one(context: Context, when: When, *options: str, function: str) -> Payload:
    inserting = command("break-insert", "-f", *options, *when.options(), function=function)
    answer = await context.debugger.send(inserting)
    breakpoint_: Payload = answer["bkpt"]
    return breakpoint_
