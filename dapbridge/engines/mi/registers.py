"""A frame's registers as DAP variables: the general ones, and behind them the other groups to open."""

from msgspec import Struct

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import values
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.stops import Frame
from dapbridge.errors import UserError


class Registers(Struct, frozen=True):
    """A container of DAP variables: a group of a frame's registers, as the debugger names it."""

    frame: Frame
    group: str = "general"


async def list_registers(context: Context, container: Registers, format_: str) -> list[JsonObject]:
    """Return the DAP variables of a group."""
    frame = container.frame
    answer = await _ask(context, container, format_)
    found = [values.to_variable(context, each, frame, format_) for each in answer["registers"]]
    for group, count in answer["groups"]:
        reference = context.stopped.reference(Registers(frame, group))
        found.append(
            {
                "name": group,
                "value": f"{count} registers" if count != 1 else "1 register",
                "variablesReference": reference,
            }
        )
    return found


async def set_register(context: Context, container: Registers, name: str, value: str, format_: str) -> JsonObject:
    """Give a register of a group a new value; return how the debugger shows it then."""
    if await _find(context, container, name, format_) is None:
        # The debugger would make a variable of its own of that name.
        raise UserError(f"there is no register named {name!r} here")
    changed = await values.send(context, "assign", f"${name}", value, format_, frame=container.frame)
    context.debugger.forget()
    return await _find(context, container, name, format_) or changed


async def _ask(context: Context, container: Registers, format_: str) -> JsonObject:
    return await values.ask(context, "registers", container.group, format_, frame=container.frame)


async def _find(context: Context, container: Registers, name: str, format_: str) -> JsonObject | None:
    listed: list[JsonObject] = (await _ask(context, container, format_))["registers"]
    return next((each for each in listed if each["name"] == name), None)
