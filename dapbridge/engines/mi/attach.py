"""DAP `configurationDone` and `attach`: the ptrace attach, after all that can be done without touching the target."""

import asyncio

from dapbridge.dap.messages import JsonObject
from dapbridge.engines.mi import processes, scheduling
from dapbridge.engines.mi.context import Context
from dapbridge.engines.mi.requests import Arguments, request
from dapbridge.engines.mi.threads import ask_names
from dapbridge.errors import EngineError


class NoArguments(Arguments, frozen=True):
    """Read already, as the session's AttachConfig."""


@request("configurationDone", capabilities=("supportsConfigurationDoneRequest",))
async def configuration_done(context: Context, arguments: NoArguments) -> None:
    """DAP "ConfigurationDone"."""


@request("attach", resumes=True)
async def attach(context: Context, arguments: NoArguments) -> None:
    """DAP "Attach": one burst, so that the target stands for the attach itself and nothing else."""
    context.attach_stop_due = True
    commands = context.dialect.attach(context.process.pid, stop=context.config.stop_on_entry)
    with context.debugger.burst():
        attached, *others = [context.debugger.send(each) for each in commands]
        # Symbols of libraries come right behind, before whatever the client may ask at a first stop.
        context.libraries.load()
    try:
        await attached
    except EngineError as error:
        hint = context.dialect.attach_hint(str(error))
        raise EngineError(f"{error} ({hint})" if hint else str(error)) from None
    for other in others:
        await other
    context.attached = True
    context.libraries.changed.set()
    # Every client asks for them; at the first stop the list is mostly the same.
    ask_names(context)
    await processes.tell_attached(context)
    for cli_command in context.config.attach_commands:
        context.tasks.create_task(say_output_of(context, cli_command))


async def say_output_of(context: Context, cli_command: str) -> None:
    """Run one of the user's own debugger commands and show what it printed, or how it failed."""
    try:
        output = await context.debugger.run_console(cli_command)
        category = "console"
    except EngineError as error:
        output, category = f"{cli_command}: {error}\n", "important"
    body: JsonObject = {"category": category, "output": output}
    if output:
        context.tell("output", body)


async def detach(context: Context, limit_s: float) -> None:
    """Remove breakpoints and let the target go on; after `limit_s` the agent's ladder has to do it."""
    try:
        async with asyncio.timeout(limit_s):
            for each in context.config.exit_commands:
                await say_output_of(context, each)
            await scheduling.give_back(context)
            for each in context.processes.groups or [""]:
                await context.debugger.send(f"-target-detach {each}".rstrip())
            # Up to now the target ran through its log points.
            await context.debugger.send("-x-flush-log")
    except (TimeoutError, EngineError):
        pass
    context.attached = False
