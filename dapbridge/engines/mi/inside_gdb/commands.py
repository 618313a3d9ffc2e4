"""Runs inside gdb: `@mi_command` makes a function an MI command of its own (GDB manual, "GDB/MI Commands In Python").

For what MI itself can't tell, or not in one answer, or not quickly. The functions take the command's parameters as
texts and return a dict that JSON can hold; it arrives as the answer's payload, as it is, ints as ints. They raise
gdb.GdbError with words for the user.
"""

import json
from collections.abc import Callable
from typing import Any, TypeVar

import gdb

Function = TypeVar("Function", bound=Callable[..., dict[str, Any]])


def mi_command(name: str) -> Callable[[Function], Function]:
    """Register the function as the MI command `name`, e.g. "-x-registers"; "x" as no command of gdb's begins so."""

    def register(function: Function) -> Function:
        class Command(gdb.MICommand):  # type: ignore[misc]
            def invoke(self, argv: list[str]) -> dict[str, str]:
                try:
                    answer = function(*argv)
                except gdb.error as error:
                    # Else gdb puts words of its own before them.
                    raise gdb.GdbError(str(error)) from None
                # gdb would make MI of a dict, which takes long to parse; the reader knows this one string as JSON.
                return {"json": json.dumps(answer, separators=(",", ":"))}

        Command(name)
        return function

    return register
