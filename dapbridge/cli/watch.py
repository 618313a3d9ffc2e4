"""`dapbridge watch`: the stacks of a target again and again, with what has changed."""

import itertools
from typing import TYPE_CHECKING

import click

from dapbridge import log
from dapbridge.cli.stacks import LookingCommand, failure, looking_options, parse, run

if TYPE_CHECKING:
    from dapbridge.headless.stacks.session import Options
    from dapbridge.runtimes.target import Target


@click.command(cls=LookingCommand, short_help="Show what all threads of a target are doing, again and again.")
@click.argument("target")
@looking_options
@click.option(
    "--interval",
    metavar="SECONDS",
    default=2.0,
    show_default=True,
    type=click.FloatRange(min=0.1),
    help="The time from one look to the next.",
)
@click.option("--count", metavar="N", type=click.IntRange(min=1), help="End after so many looks, not at Ctrl-C.")
def watch(
    target: str,
    process: str | None,
    variables: bool,
    rules: tuple[str, ...],
    verbose: int,
    interval: float,
    count: int | None,
) -> None:
    """Show the stacks of all threads of TARGET every few seconds, and how they differ from those before.

    Each look freezes the target for a moment, as `dapbridge stacks` does. Runs until Ctrl-C.
    """
    log.configure(verbose, None)
    targets, options = parse([target], process, variables, rules)
    from dapbridge.headless.stacks.session import StacksError

    try:
        run(lambda: _look_on(targets[0], options, interval, count))
    except StacksError as error:
        raise failure(str(error), error.exit_code) from None


async def _look_on(target: "Target", options: "Options", interval_s: float, count: int | None) -> None:
    import asyncio

    from rich.console import Console
    from rich.live import Live

    from dapbridge.headless.stacks.differences import History
    from dapbridge.headless.stacks.session import observing
    from dapbridge.headless.stacks.text import print_lines
    from dapbridge.headless.stacks.watching import fitted, watch_lines

    console = Console()
    history = History()
    loop = asyncio.get_running_loop()
    async with observing(target, options, lambda line: click.echo(line, err=True)) as observed:
        with Live(console=console, auto_refresh=False) as live:
            for number in range(count) if count else itertools.count():
                due = loop.time() + interval_s
                report = await observed.read(*await observed.freeze())
                lines = watch_lines(report, history.add(report))
                if console.is_terminal:
                    live.update(fitted(lines, console), refresh=True)
                else:
                    print_lines(console, lines)
                if number + 1 != count:
                    await asyncio.sleep(due - loop.time())
