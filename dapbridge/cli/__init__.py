"""The command line: the group of all commands. Each command is a file, and imports what it needs when it is run."""

import atexit
import gc

import click

from dapbridge import __version__
from dapbridge.cli.cleanup import cleanup
from dapbridge.cli.image import image
from dapbridge.cli.init import init
from dapbridge.cli.ps import ps
from dapbridge.cli.run import run
from dapbridge.cli.serve import serve
from dapbridge.cli.stacks import stacks
from dapbridge.cli.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dapbridge")
def main() -> None:
    """Your editor's debugger inside any running container, without touching it."""


for command in (serve, run, stacks, watch, ps, init, image, cleanup):
    main.add_command(command)

# At the end of a process nothing needs to be searched for garbage: it would take as long as half of all imports.
atexit.register(gc.freeze)
