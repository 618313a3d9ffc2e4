"""`dapbridge serve`: the DAP server."""

from pathlib import Path

import click

from dapbridge import log
from dapbridge.errors import UserError


@click.command()
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
