"""What commands share: running with the Docker runtime, and showing what goes on."""

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import click

from dapbridge.errors import UserError

if TYPE_CHECKING:
    from dapbridge.runtimes.docker import DockerRuntime

T = TypeVar("T")

INTERRUPTED = 130


def run_with_docker(work: Callable[["DockerRuntime"], Coroutine[Any, Any, T]]) -> T:
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
        raise click.exceptions.Exit(INTERRUPTED) from None


@contextmanager
def progress(first: str = "asking the Docker engine") -> Iterator[Callable[[str], None]]:
    """Show the last line told, with a spinner and the time; where nobody watches, every line."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda line: click.echo(line, err=True)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task(first, total=None)
        yield lambda line: progress.update(task, description=line)
