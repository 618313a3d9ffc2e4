"""What the server starts with is compiled by the keeper while the server loads LLDB: each of the two takes its time.

It can't come compiled: the code of one Python suits no other.
"""

from __future__ import annotations

import marshal
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType

    from dapbridge.agent.remote.lldb_mi.starting import Handover
    from dapbridge.agent.remote.loader import BundleFinder


class Giver:
    """The keeper's side: whatever it compiles, for itself too, goes to the server."""

    def __init__(self, finder: BundleFinder, handover: Handover) -> None:
        self._finder = finder
        self._handover = handover
        self._compile = finder.compile
        self._given: set[str] = set()
        finder.compile = self._compile_and_give

    def give(self, names: Iterable[str]) -> None:
        """Compile the rest of these, and end."""
        # A fault of a module is met by the server too.
        with suppress(SyntaxError):
            for name in names:
                if name not in self._given:
                    self._compile_and_give(name)
        self._finder.compile = self._compile
        self._handover.end()

    def _compile_and_give(self, name: str) -> CodeType:
        code = self._compile(name)
        self._given.add(name)
        # That the server has ended is seen by the keeper.
        with suppress(BrokenPipeError):
            self._handover.give(marshal.dumps((name, code)))
        return code


class Taker:
    """The server's side: takes modules as they come, up to the wanted one, until `end`; others it compiles itself."""

    def __init__(self, finder: BundleFinder, handover: Handover, names: Iterable[str]) -> None:
        """names: what will come."""
        self._finder = finder
        self._handover = handover
        self._compile = finder.compile
        self._codes: dict[str, CodeType] = {}
        self._awaited = set(names)
        finder.compile = self._take

    def end(self) -> None:
        """Take no more. From now on several threads may import."""
        self._finder.compile = self._compile

    def _take(self, name: str) -> CodeType:
        while name in self._awaited:
            if piece := self._handover.take():
                given, code = marshal.loads(piece)
                self._codes[given] = code
                self._awaited.discard(given)
            else:
                self._awaited.clear()
        return self._codes.pop(name, None) or self._compile(name)
