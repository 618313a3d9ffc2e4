"""Runs inside gdb: `@mi_command` makes a function an MI command of its own (GDB manual, "GDB/MI Commands In Python").

For what MI itself can't tell, or not in one answer. The functions take the command's parameters as texts and return
the result as a dict of texts, ints, lists and dicts. They raise gdb.GdbError with words for the user.
"""

import gdb


def mi_command(name):  # type: ignore[no-untyped-def]  # gdb's own types have no stubs
    """Register the function as the MI command `name`, e.g. "-x-registers"; "x" as no command of gdb's begins so."""

    def register(function):  # type: ignore[no-untyped-def]
        class Command(gdb.MICommand):  # type: ignore[misc]
            def invoke(self, argv):  # type: ignore[no-untyped-def]
                return function(*argv)

        Command(name)
        return function

    return register
