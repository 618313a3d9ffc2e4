"""The command line. Each command imports what it needs, so that `--help` is fast."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dapbridge import __version__, log
from dapbridge.errors import UserError

if TYPE_CHECKING:
    from dapbridge.runtimes.docker import DockerRuntime
    from dapbridge.runtimes.docker_cleanup import Cleaned, FoundSidecar

T = TypeVar("T")

_INTERRUPTED = 130

_OUTCOMES = {
    "removed": "removed, it was dead",
    "left": "left alone, a session may be using it",
    "ended": "ended by its agent, which has let go of the target",
    "killed": "KILLED, for its agent did not let go in time: look whether the target still runs",
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dapbridge")
def main() -> None:
    """Your editor's debugger inside any running container, without touching it."""


@main.command()
@click.option(
    "--listen",
    metavar="ADDRESS",
    help="Serve any number of editors on HOST:PORT (port 0: any free one) or unix:PATH, not one over stdin and stdout.",
)
@click.option("--log-file", type=click.Path(dir_okay=False, path_type=Path), help="Write the log there, not to stderr.")
@click.option("-v", "--verbose", count=True, help="Log what happens; -vv: also every message to and from the editor.")
def serve(listen: str | None, log_file: Path | None, verbose: int) -> None:
    """Serve the Debug Adapter Protocol.

    Without --listen this is what an editor starts: one client over stdin and stdout. With --listen the server runs
    until Ctrl-C; point the editor at its port (VS Code: "debugServer": PORT).
    """
    from dapbridge.listening import parse_listen
    from dapbridge.preparation import prepare
    from dapbridge.server import run_server

    try:
        log.configure(verbose, log_file)
    except OSError as error:
        raise click.ClickException(f"can't write the log to {log_file}: {error.strerror}") from None
    try:
        run_server(prepare, parse_listen(listen) if listen else None)
    except UserError as error:
        raise click.ClickException(str(error)) from None


@main.group(short_help="Build the image of the sidecars.")
def image() -> None:
    """The image that sidecars, the containers with the debuggers, are started from."""


@image.command()
@click.option(
    "--base",
    metavar="IMAGE",
    help="Build from this image, a Debian 13 that the engine has or can pull. Default: debian:trixie-slim.",
)
@click.option(
    "--network",
    metavar="MODE",
    help="The network of the build, as with 'docker build --network'. Default: the engine's own, and where packages"
    " can't be fetched over that, the host's.",
)
def build(base: str | None, network: str | None) -> None:
    """Build the sidecar image in the Docker engine, and print its tag.

    The first session would do it too; this is to have it ready before, or to build it where no registry can be reached
    (--base).
    """

    async def build_it(docker: "DockerRuntime") -> str:
        with _progress() as tell:
            return await docker.build_image(tell, base=base, network=network)

    click.echo(_run_with_docker(build_it))


@main.command(short_help="Remove what ended sessions have left.")
@click.option("--all", "end_live", is_flag=True, help="Also end those that sessions use; their targets run on.")
@click.argument("containers", metavar="[CONTAINER]...", nargs=-1)
def cleanup(end_live: bool, containers: tuple[str, ...]) -> None:
    """Remove the sidecars of sessions that have ended, and list those in use.

    A session removes its sidecar itself; one is left only when dapbridge or the Docker engine was killed at a bad
    moment. With --all also the sidecars in use are ended: each is asked to let go of its target first. Named
    CONTAINERs limit this to their sidecars.
    """

    async def clean(docker: "DockerRuntime") -> list["Cleaned"]:
        found = [each for each in await docker.sidecars() if not containers or _belongs_to(each, containers)]
        return await docker.clean_up(found, end_live=end_live)

    done = _run_with_docker(clean)
    for each in done:
        click.echo(f"{each.sidecar.name} (target '{each.sidecar.target_name}'): {_OUTCOMES[each.outcome]}")
    if not done:
        click.echo("nothing to clean up")
    elif any(each.outcome == "left" for each in done):
        click.echo("to end those left: dapbridge cleanup --all")
    if any(each.outcome == "killed" for each in done):
        raise click.exceptions.Exit(1)


def _belongs_to(sidecar: "FoundSidecar", containers: tuple[str, ...]) -> bool:
    return any(name == sidecar.target_name or sidecar.target_id.startswith(name) for name in containers)


def _run_with_docker(work: Callable[["DockerRuntime"], Coroutine[Any, Any, T]]) -> T:
    """Run `work` with the Docker runtime; its UserErrors and Ctrl-C end the command with a line and an exit code."""
    import asyncio

    from dapbridge.runtimes.docker import DockerRuntime

    async def run() -> T:
        docker = DockerRuntime()
        try:
            return await work(docker)
        finally:
            await docker.aclose()

    try:
        return asyncio.run(run())
    except UserError as error:
        raise click.ClickException(str(error)) from None
    except KeyboardInterrupt:
        click.echo("interrupted", err=True)
        raise click.exceptions.Exit(_INTERRUPTED) from None


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Show the last line told, with a spinner and the time; where nobody watches, every line."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: click.echo(line, err=True)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("asking the Docker engine", total=None)
        yield lambda line: progress.update(task, description=line)
