"""`dapbridge run`: probes in containers while a command runs; the step of a CI job."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from dapbridge import log
from dapbridge.errors import UserError

if TYPE_CHECKING:
    from dapbridge.headless.plan import Plan
    from dapbridge.headless.probe_file import RunFile
    from dapbridge.headless.probes import Probe

_USAGE = 64

_PROBES = ("break_", "break_function", "watch", "log", "on_crash", "on_hang")
_OF_PROBES = ("capture", "max_hits", "expect")
_ORDER, _COMMAND = "dapbridge.order", "dapbridge.command"


class _RunCommand(click.Command):
    """Keeps what click loses: the order of the options, and what stands behind `--`. Wrong usage ends with 64."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        split = args.index("--") if "--" in args else len(args)
        own, ctx.meta[_COMMAND] = args[:split], tuple(args[split + 1 :])
        with _usage_errors():
            values, _, order = self.make_parser(ctx).parse_args(list(own))
            ctx.meta[_ORDER] = _in_order(values, [each.name or "" for each in order])
            return super().parse_args(ctx, own)

    def invoke(self, ctx: click.Context) -> Any:
        with _usage_errors():
            return super().invoke(ctx)


@contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except click.UsageError as error:
        error.exit_code = _USAGE  # type: ignore[misc]
        raise


def _in_order(values: Mapping[str, Any], order: Sequence[str]) -> list[tuple[str, Any]]:
    """Return the options with their values in the order in which they were written."""
    left = {name: iter(value) for name, value in values.items() if isinstance(value, list)}
    return [(name, next(left[name]) if name in left else values.get(name)) for name in order]


@click.command(
    cls=_RunCommand,
    short_help="Look into containers while a command runs.",
    options_metavar="[OPTIONS]",
    epilog="Exit codes: COMMAND's own; 64 wrong usage, 65 an expectation failed, 69 the runtime can't be used or the"
    " debugger was lost, 70 a bug of dapbridge, 77 a target can't be debugged, 124 --timeout, 126 and 127 COMMAND can't"
    " be started, 128+N ended by signal N.",
)
@click.argument("targets", metavar="TARGET... [-- COMMAND...]", nargs=-1)
@click.option(
    "--break", "break_", metavar="FILE:LINE[ if COND]", multiple=True, help="Look whenever a line is reached."
)
@click.option("--break-function", metavar="NAME[ if COND]", multiple=True, help="Look whenever a function is called.")
@click.option("--watch", metavar="EXPR", multiple=True, help="Look whenever global data has changed.")
@click.option(
    "--log", metavar="FILE:LINE: TEXT", multiple=True, help="Write a line; {expressions} in it are evaluated."
)
@click.option("--on-crash", is_flag=True, help="Look at signals that end the program, and at panics.")
@click.option(
    "--on-hang",
    metavar="SECONDS",
    type=float,
    multiple=True,
    help="Look at all threads when COMMAND has written nothing for so long.",
)
@click.option(
    "--capture",
    metavar="EXPR",
    multiple=True,
    help="What to show at a hit of the probe before it, instead of arguments and locals; before all probes: of each.",
)
@click.option(
    "--max-hits",
    metavar="N",
    type=click.IntRange(0),
    multiple=True,
    help="So many hits of the probe before it are looked at. Default: 10, of a log 1000; 0: all.",
)
@click.option(
    "--expect",
    type=click.Choice(["hit", "no-hit"]),
    multiple=True,
    help="What the probe before it must come to, or the run fails.",
)
@click.option("--depth", type=click.IntRange(1, 10), help="How many levels of variables are shown. Default: 2.")
@click.option("--timeout", metavar="SECONDS", type=float, help="End everything after so long.")
@click.option("--follow", is_flag=True, help="Attach again to a container that has started anew under its name.")
@click.option(
    "--file",
    "file_name",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Targets, probes and settings; - for stdin. Default: dapbridge.yml, if there is one.",
)
@click.option("--process", metavar="PROCESS", help="The process in the target: a pid, or a part of its command line.")
@click.option("--engine", metavar="ENGINE", help="The debugger: auto, gdb, lldb or delve.")
@click.option(
    "--substitute-path",
    metavar="FROM=TO",
    multiple=True,
    help="Where sources lie here, and where the program was built. Default: found by the debug info.",
)
@click.option(
    "--json", "json_out", is_flag=True, help="Write a JSON object a line to stdout; COMMAND's goes to stderr."
)
@click.option("--json-file", metavar="FILE", type=click.Path(path_type=Path), help="Write these lines to a file.")
@click.option("--junit", metavar="FILE", type=click.Path(path_type=Path), help="Write a JUnit file.")
@click.option("--github", is_flag=True, help="Annotate the sources and write a job summary, in GitHub Actions.")
@click.option("--log-file", type=click.Path(dir_okay=False, path_type=Path), help="Write dapbridge's own log there.")
@click.option("-v", "--verbose", count=True, help="Log what happens; -vv: also every message on every wire.")
@click.pass_context
def run(ctx: click.Context, /, **options: Any) -> None:
    """Look into running containers while COMMAND runs, and let them go on at once.

    At each hit of a probe the stack and variables are reported. --capture, --max-hits and --expect belong to the probe
    before them; before all probes they belong to each.
    """
    from dapbridge.headless.main import run_plan
    from dapbridge.headless.outputs import Outputs

    try:
        log.configure(options["verbose"], options["log_file"])
    except OSError as error:
        raise click.UsageError(f"can't write the log to {options['log_file']}: {error.strerror}") from None
    try:
        plan = _make_plan(ctx, options)
        outputs = Outputs(options["json_out"], options["json_file"], options["junit"], options["github"])
        code = run_plan(plan, outputs)
    except UserError as error:
        raise click.UsageError(str(error)) from None
    raise click.exceptions.Exit(code)


def _make_plan(ctx: click.Context, options: Mapping[str, Any]) -> "Plan":
    """Put the command line and the probe file together. Raises UserError."""
    from dapbridge.headless.plan import Plan, check, with_absolute_paths
    from dapbridge.headless.probe_file import to_probes

    file, folder = _read_file(options["file_name"])
    of_file = with_absolute_paths(to_probes(file), folder)
    of_line = with_absolute_paths(_read_probes(ctx.meta[_ORDER]), Path())
    plan = Plan(
        targets=options["targets"] or file.targets,
        probes=dict(enumerate([*of_file, *of_line], 1)),
        command=ctx.meta[_COMMAND] or file.argv,
        attach=file.attach | _attach_options(options),
        follow=options["follow"] or file.follow,
        timeout_s=options["timeout"] if options["timeout"] is not None else file.timeout,
        depth=options["depth"] or file.depth or 2,
    )
    check(plan)
    return plan


def _read_file(name: Path | None) -> tuple["RunFile", Path]:
    from dapbridge.headless.probe_file import DEFAULT_NAME, RunFile, parse_run_file, read_run_file

    path = name or Path(DEFAULT_NAME)
    if name is None and not path.exists():
        return RunFile(), Path()
    if name is None:
        click.echo(f"dapbridge: with what {path} says", err=True)
    if path == Path("-"):
        return parse_run_file(sys.stdin.read(), "stdin"), Path()
    return read_run_file(path), path.parent


def _read_probes(order: Sequence[tuple[str, Any]]) -> list["Probe"]:
    """Return the command line's probes, each with what was written behind it. Raises UserError."""
    import msgspec

    from dapbridge.headless import probes as parsing

    parsers: dict[str, Callable[[Any], Probe]] = {
        "break_": parsing.parse_break,
        "break_function": parsing.parse_function,
        "watch": parsing.parse_watch,
        "log": parsing.parse_log,
        "on_crash": lambda _: parsing.Probe("crash"),
        "on_hang": lambda seconds: parsing.parse_hang(float(seconds)),
    }
    # The first stands for what is said before all probes.
    found = [parsing.Probe("crash")]
    for name, value in order:
        if name in _PROBES:
            common = found[0]
            found.append(
                msgspec.structs.replace(
                    parsers[name](value), capture=common.capture, max_hits=common.max_hits, expect=common.expect
                )
            )
        elif name in _OF_PROBES:
            last = found[-1]
            changed = (*last.capture, value) if name == "capture" else int(value) if name == "max_hits" else value
            found[-1] = msgspec.structs.replace(last, **{name: changed})
    return found[1:]


def _attach_options(options: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: options[name] for name in ("process", "engine") if options[name] is not None}
    rules = []
    for text in options["substitute_path"]:
        from_, equals, to = text.partition("=")
        if not equals:
            raise UserError(f"--substitute-path {text}: write FROM=TO")
        rules.append({"from": from_, "to": to})
    return found | ({"substitutePath": rules} if rules else {})
