"""The server's modules are compiled in the keeper while the server loads LLDB: each of the two takes as long.

They can't come compiled: the code of one Python suits no other.
"""

from __future__ import annotations

import marshal
import os
import sys
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import CodeType

    from dapbridge.agent.remote.loader import BundleFinder

_SIZE_BYTES = 4


class Compiling:
    """Shared by two processes, made before they part: `run` is for the one, `take` for the other.

    The modules come in the order of the bundle. The size of each goes through a pipe, its code through memory that both
    have: a pipe would be full before the other begins to read.
    """

    def __init__(self, finder: BundleFinder) -> None:
        self._compile = finder.compile
        self._awaited = [name for name in finder.names() if name not in sys.modules]
        self._codes: dict[str, tuple[int, int]] = {}
        self._memory = os.memfd_create("compiled")
        self._taken = 0
        self._reading, self._writing = os.pipe()

    def run(self) -> None:
        """Compile all modules."""
        os.close(self._reading)
        # Nobody wants them any more; or one has a fault, which its taker will meet.
        with suppress(BrokenPipeError, SyntaxError):
            for name in self._awaited:
                size = os.write(self._memory, marshal.dumps(self._compile(name)))
                os.write(self._writing, size.to_bytes(_SIZE_BYTES, "big"))
        os.close(self._writing)
        os.close(self._memory)

    def join(self) -> None:
        """Say that this process is the one that takes them."""
        os.close(self._writing)

    def take(self, name: str) -> CodeType:
        """Return the code of a module; one that doesn't come is compiled here."""
        while name in self._awaited:
            size = int.from_bytes(os.read(self._reading, _SIZE_BYTES), "big")
            if not size:
                self._awaited.clear()
                break
            self._codes[self._awaited.pop(0)] = (size, self._taken)
            self._taken += size
        if name not in self._codes:
            return self._compile(name)
        code: CodeType = marshal.loads(os.pread(self._memory, *self._codes.pop(name)))
        return code
