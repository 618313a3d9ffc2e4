"""`dapbridge ps`: what can be attached to."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dapbridge.cli.running import run_with_docker
from dapbridge.errors import UserError

if TYPE_CHECKING:
    from rich.table import Table

    from dapbridge.runtimes.docker import DockerRuntime
    from dapbridge.runtimes.listing import ListedProcess, ListedTarget

_HEADERS = ("CONTAINER", "IMAGE", "PID", "USER", "LANGUAGE", "DEBUG INFO", "COMMAND")
_WIDTH_OF_NO_TERMINAL = 1000
_MAX_COMMAND_CHARS = 200


@click.command(short_help="List the running containers and their processes.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for editors and scripts.")
@click.argument("targets", metavar="[TARGET]...", nargs=-1)
def ps(as_json: bool, targets: tuple[str, ...]) -> None:
    """List the running containers, or the named ones, and their processes.

    Shown are a process's pid inside its container, which 'process' of a configuration takes, the language that it is
    written in, and whether its debug info is there. Nothing is started in the containers.
    """

    async def list_them(docker: "DockerRuntime") -> "tuple[str, list[ListedTarget]]":
        found = await docker.processes(_names(targets))
        return docker.place, found

    place, found = run_with_docker(list_them)
    if as_json:
        _print_json(found)
    elif found:
        _print_table(found)
    else:
        click.echo(f"no containers are running ({place})")


def _names(targets: Sequence[str]) -> list[str]:
    from dapbridge.runtimes.target import parse_target

    parsed = [parse_target(each) for each in targets]
    for each in parsed:
        if each.scheme != "docker":
            raise UserError(f"{each.uri}: only Docker containers can be listed so far")
    return [each.name for each in parsed]


def _print_json(found: "Sequence[ListedTarget]") -> None:
    import msgspec

    from dapbridge.runtimes.listing import LISTING_VERSION, Listing

    text = msgspec.json.format(msgspec.json.encode(Listing(LISTING_VERSION, tuple(found))))
    click.echo(text)


def _print_table(found: "Sequence[ListedTarget]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        # Nothing is cut for whoever reads it by a program after all.
        console = Console(highlight=False, width=_WIDTH_OF_NO_TERMINAL)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for header in _HEADERS:
        table.add_column(header, no_wrap=True, justify="right" if header == "PID" else "left")
    for target in found:
        _add_rows(table, target)
    for column in table.columns:
        if column.header not in ("IMAGE", "COMMAND"):
            column.min_width = max(len(str(cell)) for cell in column.cells)
    console.print(table)
    for target in found:
        if target.error:
            console.print(Text(f"{target.name}: {target.error}", style="yellow"), soft_wrap=True)


def _add_rows(table: "Table", target: "ListedTarget") -> None:
    from rich.text import Text

    first = (target.name, target.image)
    if not target.processes:
        table.add_row(*map(Text, first))
    for process in target.processes:
        table.add_row(*map(Text, (*first, *_cells(process))))
        first = ("", "")


def _cells(process: "ListedProcess") -> tuple[str, ...]:
    """Write a process's columns; its command is the target's text and may hold anything."""
    pid = "?" if process.pid is None else str(process.pid)
    debug_info = {True: "yes", False: "no", None: ""}[process.debug_info]
    command = " ".join(process.command) or f"[{process.name}]"
    command = "".join(letter if letter.isprintable() else "?" for letter in command)
    if len(command) > _MAX_COMMAND_CHARS:
        command = command[: _MAX_COMMAND_CHARS - 1] + "…"
    return pid, process.user, process.language or "", debug_info, command
