"""`python -m dapbridge` is `dapbridge`."""

from dapbridge.cli import main

main(prog_name="dapbridge")
