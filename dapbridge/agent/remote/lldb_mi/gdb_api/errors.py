"""gdb's exceptions."""

from __future__ import annotations


class error(RuntimeError):  # noqa: N801, N818 - gdb's name
    """What can't be done, in the debugger's words."""


class MemoryError(error):  # noqa: A001 - gdb's name
    """Memory that can't be read or written."""


class GdbError(error):
    """What a command can't do, in its own words."""


OPTIMIZED_OUT = "value has been optimized out"
