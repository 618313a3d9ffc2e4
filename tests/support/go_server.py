"""Requests to the HTTP server of fixtures/programs/server.go, from within its container's network."""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from support.dap_client import LIMIT_S
from support.targets import Target

_GET = "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=60).read().decode(), end='')"


@asynccontextmanager
async def get(target: Target, path: str) -> AsyncIterator[Callable[[], Awaitable[str]]]:
    """Send a request; gives what waits for the answer's text."""
    command = ["nsenter", f"--target={target.pid}", "--net", sys.executable, "-c", _GET]
    process = await asyncio.create_subprocess_exec(*command, f"http://127.0.0.1:12345{path}", stdout=PIPE, stderr=PIPE)

    async def answer() -> str:
        async with asyncio.timeout(LIMIT_S):
            text, error = await process.communicate()
        assert process.returncode == 0, f"{target.uri} did not answer {path}: {error.decode()[-500:]}"
        return text.decode()

    try:
        yield answer
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def assert_serves(target: Target, path: str = "/still") -> None:
    """Assert that the server answers."""
    async with get(target, path) as answer:
        assert await answer() == f"Hello, {path} ({len(path)})!\n"
