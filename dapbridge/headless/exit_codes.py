"""The exit codes of `dapbridge run`, as docs/ci.md explains them (those of COMMAND come through unchanged), and of
`stacks` and `watch`."""

OK = 0
USAGE = 64
EXPECTATION_FAILED = 65
UNAVAILABLE = 69
"""The runtime can't be used, or the debugger was lost on the way: what was asked for was not watched."""
INTERNAL = 70
"""A bug of dapbridge."""
NOT_DEBUGGABLE = 77
TIMEOUT = 124
NOT_EXECUTABLE = 126
NOT_FOUND = 127
"""COMMAND can't be started: as a shell says it."""


def of_signal(number: int) -> int:
    """Return the shell's exit code of what a signal has ended."""
    return 128 + number
