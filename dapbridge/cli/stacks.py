"""`dapbridge stacks`: what all threads of a process are doing, at the price of a moment's freeze."""

from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dapbridge import log
from dapbridge.cli.running import INTERRUPTED, progress
from dapbridge.headless.exit_codes import USAGE

if TYPE_CHECKING:
    from dapbridge.headless.stacks.report import Report
    from dapbridge.headless.stacks.session import Options, StacksError
    from dapbridge.runtimes.target import Target

T = TypeVar("T")
Command = TypeVar("Command", bound=Callable[..., Any])


class LookingCommand(click.Command):
    """A command whose wrong use has an exit code of its own."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the command line. Raises UsageError."""
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            raise _UsageError(error.format_message(), error.ctx) from None


class _UsageError(click.UsageError):
    exit_code = USAGE


def looking_options(command: Command) -> Command:
    """Add the options that say which process is looked at, and what of it."""
    for option in reversed(
        (
            click.option(
                "--process",
                metavar="PROCESS",
                help="A pid in the target, or a regular expression over its command lines. Default: the main process.",
            ),
            click.option(
                "--locals",
                "variables",
                is_flag=True,
                help="Show arguments and local variables too. What"
                " they point to has to be copied: the target stands longer.",
            ),
            click.option(
                "--substitute-path",
                "rules",
                metavar="FROM=TO",
                multiple=True,
                help="Show sources below TO in the target as below FROM here; may be repeated. Default:"
                " auto, sources found below the current folder.",
            ),
            click.option("-v", "--verbose", count=True, help="Log what happens to stderr; -vv: every message."),
        )
    ):
        command = option(command)
    return command


@click.command(cls=LookingCommand, short_help="Show what all threads of a target are doing.")
@click.argument("targets", metavar="TARGET...", nargs=-1, required=True)
@looking_options
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each target.")
@click.option("--collapsed", is_flag=True, help="Print lines for flame graph tools: frames and a count.")
@click.option("--html", metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Also write a page.")
def stacks(
    targets: tuple[str, ...],
    process: str | None,
    variables: bool,
    rules: tuple[str, ...],
    verbose: int,
    as_json: bool,
    collapsed: bool,
    html: Path | None,
) -> None:
    """Show the stacks of all threads of each TARGET: a container's NAME, pid://N, …

    The target stands still for a moment only, in which its threads' registers and stacks are copied; symbols are read
    before, and the copy is made sense of afterwards.
    """
    log.configure(verbose, None)
    if as_json and collapsed:
        raise usage_error("--json and --collapsed exclude each other")
    parsed, options = parse(targets, process, variables, rules)
    from dapbridge.headless.stacks.together import take_all

    async def take() -> "list[Report | StacksError]":
        with progress("reaching the target") as tell:
            return await take_all(parsed, options, tell)

    outcomes = run(take)
    show(outcomes, as_json=as_json, collapsed=collapsed, html=html)


def parse(
    targets: Sequence[str], process: str | None, variables: bool, rules: Sequence[str]
) -> "tuple[list[Target], Options]":
    """Return what the command line says; what is wrong with it ends the command."""
    from dapbridge.errors import UserError
    from dapbridge.headless.stacks.paths import parse_rules
    from dapbridge.headless.stacks.session import Options
    from dapbridge.runtimes.target import parse_target

    try:
        wanted = int(process) if process is not None and process.isdecimal() else process
        options = Options(wanted, variables, parse_rules(rules), folder=Path.cwd())
        return [parse_target(each) for each in targets], options
    except UserError as error:
        raise usage_error(str(error)) from None


def usage_error(text: str) -> click.ClickException:
    """Return the error for a command line that makes no sense."""
    return failure(text, USAGE)


def failure(text: str, code: int) -> click.ClickException:
    """Return an error that ends the command with a line and an exit code."""

    class Failure(click.ClickException):
        exit_code = code

    return Failure(text)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `work`; Ctrl-C ends the command with a line and an exit code, once the target is let go of."""
    import asyncio

    try:
        return asyncio.run(work())
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None


def show(outcomes: "Sequence[Report | StacksError]", *, as_json: bool, collapsed: bool, html: Path | None) -> None:
    """Print the reports and what went wrong; raise the exit code of the first thing that did."""
    from dapbridge.headless.stacks.report import Report
    from dapbridge.headless.stacks.session import StacksError

    reports = [each for each in outcomes if isinstance(each, Report)]
    # First the page: whoever reads the other output may leave early.
    page_failure = _write_page(html, reports) if html is not None and reports else None
    if as_json:
        import msgspec

        for report in reports:
            click.echo(msgspec.json.encode(report))
    elif collapsed:
        from dapbridge.headless.stacks.collapsed import to_collapsed

        click.echo(to_collapsed(reports), nl=False)
    else:
        _print_text(reports)
    if page_failure is not None:
        raise page_failure
    errors = [each for each in outcomes if isinstance(each, StacksError)]
    for each in errors[:-1]:
        click.echo(f"Error: {each}", err=True)
    if errors:
        raise failure(str(errors[-1]), errors[0].exit_code)


def _write_page(html: Path, reports: "Sequence[Report]") -> click.ClickException | None:
    """Write the page; return what went wrong."""
    from dapbridge.headless.stacks.html import to_html
    from dapbridge.whole_file import write_whole

    try:
        write_whole(html, to_html(reports).encode())
    except OSError as error:
        return failure(f"can't write {html}: {error.strerror}", 1)
    return None


def _print_text(reports: "Sequence[Report]") -> None:
    from rich.console import Console

    from dapbridge.headless.stacks.text import print_lines, report_lines

    console = Console()
    for number, report in enumerate(reports):
        if number:
            console.print()
        print_lines(console, report_lines(report))
