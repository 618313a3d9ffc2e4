"""The MI server's first lines, as the program of `python3 -c`: LLDB is loaded while the bundle is still on its way.

On stdin come the target's process id and the bundle's size, as eight hex digits each, the bundle, and then MI. Two
processes part at once. The one takes the bundle and becomes the keeper, which compiles the modules; the other loads
LLDB and becomes the server.
"""

from __future__ import annotations

import gc
import marshal
import os
import socket
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from dapbridge.agent.remote.lldb_mi.keeper import Pair
    from dapbridge.agent.remote.loader import BundleFinder

_SIZE_BYTES = 8


class Handover:
    """Pieces of bytes from one process to another that it has parted from, which needn't be ready to take them.

    Sizes go through a pipe, the bytes through memory that both have: a pipe would be full, and its writer wait.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._memory = os.memfd_create("handover")
        self._taken = 0

    def begin_giving(self) -> None:
        """This process is the one that gives."""
        os.close(self._reading)

    def begin_taking(self) -> None:
        """This process is the one that takes."""
        os.close(self._writing)

    def give(self, data: bytes) -> None:
        """Raises BrokenPipeError if the other one has ended."""
        size = os.write(self._memory, data)
        os.write(self._writing, size.to_bytes(_SIZE_BYTES, "big"))

    def take(self) -> bytes:
        """Wait for the next piece; b"" if there is none to come."""
        size = int.from_bytes(os.read(self._reading, _SIZE_BYTES), "big")
        data = os.pread(self._memory, size, self._taken)
        self._taken += size
        return data

    def end(self) -> None:
        """Nothing more will be given."""
        os.close(self._writing)


def start() -> None:
    """Part, and be one of the two."""
    handover = Handover()
    to_lldb_server = socket.socketpair()
    server = os.fork()
    if server:
        _be_keeper(server, to_lldb_server, handover)
    else:
        _be_server(to_lldb_server, handover)
        os._exit(0)


def _be_keeper(server: int, to_lldb_server: Pair, handover: Handover) -> None:
    handover.begin_giving()
    pid = int(_read(_SIZE_BYTES), 16)
    bundle = _read(int(_read(_SIZE_BYTES), 16))
    import json
    import zlib

    content = json.loads(zlib.decompress(bundle))
    sources, early = content["sources"], content["early"]
    handover.give(marshal.dumps((pid, sources, early)))
    finder = _make_finder(sources)
    from dapbridge.agent.remote.lldb_mi.compiling import Giver

    giver = Giver(finder, handover)
    from dapbridge.agent.remote.lldb_mi.main import keep

    keep(pid, server, to_lldb_server, lambda: giver.give(early))


def _be_server(to_lldb_server: Pair, handover: Handover) -> None:
    handover.begin_taking()
    _load_lldb()
    first = handover.take()
    if not first:
        return
    pid, sources, early = marshal.loads(first)
    finder = _make_finder(sources)
    from dapbridge.agent.remote.lldb_mi.compiling import Taker

    taker = Taker(finder, handover, early)
    from dapbridge.agent.remote.lldb_mi.main import serve

    serve(pid, to_lldb_server, taker.end)


def _make_finder(sources: dict[str, str]) -> BundleFinder:
    loader: dict[str, Any] = {"__name__": "dapbridge.agent.remote.loader"}
    exec(compile(sources[loader["__name__"]], "<bundle>/loader", "exec"), loader)
    finder: BundleFinder = loader["BundleFinder"](sources)
    sys.meta_path.insert(0, finder)
    return finder


def _read(size: int) -> bytes:
    data = b""
    while len(data) < size:
        part = os.read(0, size - len(data))
        if not part:
            raise SystemExit("the stream ended before the server had come")
        data += part
    return data


def _load_lldb() -> None:
    # Nobody types here; and functions are bound when they are called, as in any program. Each would take a tenth of the
    # import's time.
    sys.modules["readline"] = None  # type: ignore[assignment]
    sys.setdlopenflags(os.RTLD_LAZY)
    # On again when all modules are there.
    gc.disable()
    # Only so that it is there when it is wanted (F401).
    try:
        import lldb  # noqa: F401
    except Exception:  # noqa: BLE001 - whatever it is, it is told when the module is wanted (fitness.py)
        return


if __name__ == "__main__":
    start()
