"""The contenders that speak DAP, dapbridge and `gdb -i=dap`, driven by one and the same code."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol

from lean_client import JsonObject, LeanClient, stopwatch
from scene import AFTER_S, BUILD_FOLDER, IDLE_LINE, SERVE_LINE, SOURCE, STEPS_PER_STOP, Place, Sample, Seen, check

_INITIALIZE: JsonObject = {
    "clientID": "dapbridge-bench",
    "adapterID": "bench",
    "linesStartAt1": True,
    "columnsStartAt1": True,
    "pathFormat": "path",
    "supportsVariableType": True,
}
_STACK_LEVELS = 20


class Adapter(Protocol):
    """One DAP adapter, and what differs in speaking to it."""

    source: str
    """The path of the ticker's source as this adapter's client has it."""

    containers_inline: bool
    """Whether its one-line values of containers show the elements."""

    stands_after_attach: bool
    """Whether the target stands until the client says `continue`."""

    def attach_arguments(self, place: Place) -> JsonObject: ...

    def opened(self, place: Place) -> "_Opened":
        """Start the adapter, and end it with the block."""
        ...


_Opened = "contextlib.AbstractContextManager[LeanClient]"
