"""`dapbridge init`: a configuration for a target, written where the editor finds it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from dapbridge.cli.running import INTERRUPTED, progress
from dapbridge.errors import UserError

if TYPE_CHECKING:
    from dapbridge.editors.files import Written
    from dapbridge.editors.looking import Findings

_EDITORS = ("vscode", "neovim", "emacs", "zed")


@click.command(short_help="Write an editor's configuration for a target.")
@click.option("--editor", type=click.Choice(_EDITORS), default="vscode", show_default=True, help="For which editor.")
@click.option(
    "--process",
    metavar="PROCESS",
    help="A pid inside the target, or a name or regular expression over its command lines. Default: the main process.",
)
@click.argument("target")
def init(target: str, editor: str, process: str | None) -> None:
    """Look at TARGET, and write a configuration for it into this folder, where the editor finds it.

    Which engine suits its program is looked up, and where the sources of this folder were when it was built. For this a
    sidecar runs for a moment, as it will when you attach; the target itself is not traced or stopped. What stands in
    the editor's file already stays as it is, comments included; a configuration for the same process is not written
    twice.
    """
    import asyncio

    from dapbridge.config import parse_attach
    from dapbridge.editors.files import PLACES, make_entry, write_entry
    from dapbridge.editors.looking import look
    from dapbridge.runtimes.target import parse_target

    folder = Path.cwd()
    place = PLACES[editor]
    try:
        config = parse_attach({"target": target, "process": process})
        with progress() as tell:
            findings = asyncio.run(look(config, folder, tell))
        name = f"Attach to {parse_target(findings.target).name}"
        if findings.wanted_process is not None:
            name = f"{name}: {findings.process.name}"
        written = write_entry(place, make_entry(place, findings, folder), folder, name)
    except UserError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise click.exceptions.Exit(INTERRUPTED) from None
    _tell(findings, written, folder, place.next_step)


def _tell(findings: "Findings", written: "Written", folder: Path, next_step: str) -> None:
    from dapbridge.editors.looking import describe

    facts = findings.facts
    language = facts.language if facts and facts.language else "unknown language"
    debug_info = "with debug info" if facts and facts.has_debug_info else "WITHOUT debug info: build it with -g"
    click.echo(f"{findings.target}: {describe(findings.process)}, {language}, {debug_info}")
    if findings.process_count > 1 and findings.wanted_process is None:
        click.echo(f"  its main process of {findings.process_count}; another: --process, see dapbridge ps")
    for note in findings.notes:
        click.echo(f"  {note}")
    for rule in findings.rules:
        click.echo(f"  substitutePath: {rule.from_} <- {rule.to}")
    if findings.asked:
        click.echo(
            f"  {findings.fitting} of {findings.asked} sources looked at in this folder are the program's by name"
        )
    file = written.file.relative_to(folder)
    if written.is_new:
        click.echo(f"wrote the configuration '{written.name}' to {file}; {next_step}")
    else:
        click.echo(f"{file} has a configuration for it already, '{written.name}': nothing was changed")
