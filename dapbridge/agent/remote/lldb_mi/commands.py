"""`@mi_command` makes a function a command of the server.

The function is called as `function(session, *parameters)`, the parameters as texts, and returns a dict. Of a command
whose name begins with "-x-" it is whatever JSON can hold, and arrives as it is; of others it becomes MI: texts, dicts
and lists of these. `--thread N` and `--frame N` are taken away before: they are in `session.thread` and
`session.frame`. What can't be done is raised as MiError.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from types import ModuleType
from typing import Any, TypeVar

Function = Callable[..., dict[str, Any]]
AnyFunction = TypeVar("AnyFunction", bound=Function)
_MARK = "__mi_commands__"


class Command:
    """One command; `kind` is the class of its result: done, or running, exit. The rest: see `mi_command`."""

    def __init__(self, name: str, kind: str, function: Function, *, needs_rest: bool, needs_traps: bool) -> None:
        self.name = name
        self.kind = kind
        self.function = function
        self.needs_rest = needs_rest
        self.needs_traps = needs_traps or needs_rest or kind == "running"

    @property
    def is_json(self) -> bool:
        return self.name.startswith("-x-")


def mi_command(
    name: str, *, kind: str = "done", needs_rest: bool = False, needs_traps: bool = False
) -> Callable[[AnyFunction], AnyFunction]:
    """Mark the function as the command `name`, e.g. "-x-threads"; it may have several names.

    needs_rest: the target stands for it, for a moment if it runs. needs_traps: it may let the target run, or change its
    breakpoints, so their instructions have to be in its code (traps.py).
    """

    def mark(function: AnyFunction) -> AnyFunction:
        command = Command(name, kind, function, needs_rest=needs_rest, needs_traps=needs_traps)
        vars(function).setdefault(_MARK, []).append(command)
        return function

    return mark


class Commands:
    """The marked commands of modules, by name."""

    def __init__(self, areas: Iterable[ModuleType], late: Callable[[], Iterable[ModuleType]]) -> None:
        """late: imports the modules that aren't there yet."""
        self._late: Callable[[], Iterable[ModuleType]] | None = late
        self._found = _collect(areas)

    def find(self, name: str) -> Command | None:
        """Return a command, for which the late modules may be imported."""
        if name not in self._found:
            self.complete()
        return self._found.get(name)

    def complete(self) -> None:
        """Import the late modules."""
        if self._late is not None:
            self._found |= _collect(self._late())
            # Behind it: an interrupt may come in between.
            self._late = None


def _collect(areas: Iterable[ModuleType]) -> dict[str, Command]:
    return {
        command.name: command
        for area in areas
        for each in list(vars(area).values())
        for command in getattr(each, _MARK, ())
    }
