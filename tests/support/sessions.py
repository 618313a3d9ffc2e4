"""A session over a socket pair, in the test's own process, with a client at its other end."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from support.dap_client import LIMIT_S, DapClient

from dapbridge.prepared import Prepare
from dapbridge.server import Server


@asynccontextmanager
async def connected_client(prepare: Prepare) -> AsyncIterator[DapClient]:
    """Serve one client; at the end it leaves, and its session has to end with all its tasks."""
    ours, theirs = socket.socketpair()
    fd = ours.detach()
    async with asyncio.TaskGroup() as tasks:
        served = tasks.create_task(Server(prepare).serve_stdio(fd, os.dup(fd)))
        async with await DapClient.over(theirs) as client:
            yield client
        async with asyncio.timeout(LIMIT_S):
            await served
