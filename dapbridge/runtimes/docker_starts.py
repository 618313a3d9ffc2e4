"""The starts of a container, or of the next one that gets its name: told by the engine as they happen."""

import asyncio
import logging
import threading
from typing import Any

from docker.errors import DockerException

from dapbridge.runtimes.docker_client import DockerClient, DockerRefusalError

_log = logging.getLogger(__name__)


class DockerStarts:
    """See headless.following.Starts. A start is a container's id and the time it was started at."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: DockerClient | None = None

    async def find_start(self) -> str | None:
        """Return the present start. Raises UserError."""
        client = await self._connected()
        try:
            container = await client.call(lambda api: api.inspect_container(self._name))
        except DockerRefusalError as error:
            if error.status == 404:
                return None
            raise
        state = container["State"]
        return f"{container['Id']} {state['StartedAt']}" if state["Running"] else None

    async def wait_for_start(self, known: str | None) -> str:
        """Wait for another start than `known`. Raises UserError."""
        client = await self._connected()
        # Every container's: a name given by `rename` before the start is not one that the engine can filter by.
        filters = {"type": "container", "event": ["start", "rename"]}
        stream: Any = await client.call(
            lambda api: api.events(filters=filters, decode=True), undo=lambda _, unseen: _close(unseen)
        )
        happened = asyncio.Event()
        _pump(stream, asyncio.get_running_loop(), happened)
        try:
            while True:
                happened.clear()
                start = await self.find_start()
                if start is not None and start != known:
                    return start
                await happened.wait()
        finally:
            _close(stream)

    async def aclose(self) -> None:
        """Free the client."""
        if self._client:
            self._client.close()
            self._client = None

    async def _connected(self) -> DockerClient:
        if self._client is None:
            self._client = await DockerClient.connect()
        return self._client


def _pump(stream: Any, loop: asyncio.AbstractEventLoop, happened: asyncio.Event) -> None:
    """Set `happened` at each event of the stream, and at its end, from a thread."""

    def run() -> None:
        try:
            for _ in stream:
                loop.call_soon_threadsafe(happened.set)
            loop.call_soon_threadsafe(happened.set)
        except (OSError, ValueError, AttributeError, RuntimeError, DockerException) as error:
            # The SDK's stream, closed from another thread, ends in any of these; so does a loop that has ended.
            _log.debug("Docker event stream: %s", error)

    threading.Thread(target=run, name="docker-starts", daemon=True).start()


def _close(stream: Any) -> None:
    try:
        stream.close()
    except (OSError, AttributeError, DockerException) as error:
        _log.debug("Docker event stream: %s", error)
