"""How containers end, told by the engine's event stream as it happens: a removed container can't be asked any more."""

import asyncio
import logging
import threading
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from docker.errors import DockerException

from dapbridge.runtimes.docker_client import DockerClient


class _Events(Protocol):
    """The SDK's CancellableStream of decoded events."""

    def __iter__(self) -> Iterator[dict[str, Any]]: ...
    def close(self) -> None: ...


_log = logging.getLogger(__name__)


class ContainerWatch:
    """The ends of some containers from its start on; a thread reads the event stream."""

    def __init__(self, stream: _Events, loop: asyncio.AbstractEventLoop) -> None:
        self._stream = stream
        self._loop = loop
        self._exit_codes: dict[str, int] = {}
        self._removed: set[str] = set()
        self._closed = False
        self._changed = asyncio.Event()
        threading.Thread(target=self._pump, name="docker-events", daemon=True).start()

    @classmethod
    async def open(cls, client: DockerClient, container_ids: Sequence[str]) -> "ContainerWatch":
        """Start to watch; nothing that happens after it is missed. Raises UserError."""
        filters = {"type": "container", "event": ["die", "destroy"], "container": list(container_ids)}
        stream = await client.call(
            lambda api: api.events(filters=filters, decode=True), undo=lambda _, unseen: _close(unseen)
        )
        return cls(stream, asyncio.get_running_loop())

    async def exit_code(self, container_id: str) -> int | None:
        """Wait for the container's end; None when the engine tells no more."""
        while container_id not in self._exit_codes and not self._closed:
            await self._changed.wait()
        return self._exit_codes.get(container_id)

    async def removal(self, container_id: str) -> bool:
        """Wait until the container is removed; False when the engine tells no more."""
        while container_id not in self._removed and not self._closed:
            await self._changed.wait()
        return container_id in self._removed

    def close(self) -> None:
        """End the event stream and its thread."""
        self._closed = True
        self._wake()
        _close(self._stream)

    def _pump(self) -> None:
        try:
            for event in self._events():
                self._loop.call_soon_threadsafe(self._take, event)
            self._loop.call_soon_threadsafe(self._take_end)
        except RuntimeError:
            _log.debug("the event loop ended before the Docker event stream")

    def _events(self) -> Iterator[dict[str, Any]]:
        try:
            yield from self._stream
        except (OSError, ValueError, AttributeError, DockerException) as error:
            # The SDK's stream, closed from another thread, ends in any of these.
            _log.debug("Docker event stream: %s", error)

    def _take(self, event: dict[str, Any]) -> None:
        actor = event.get("Actor", {})
        container_id = actor.get("ID", "")
        if event.get("Action") == "destroy":
            self._removed.add(container_id)
        elif (code := actor.get("Attributes", {}).get("exitCode", "")).isdecimal():
            self._exit_codes[container_id] = int(code)
        self._wake()

    def _take_end(self) -> None:
        self._closed = True
        self._wake()

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _close(stream: _Events) -> None:
    """End an event stream; over ssh the SDK can't, there it ends with its client."""
    try:
        stream.close()
    except (OSError, AttributeError, DockerException) as error:
        _log.debug("Docker event stream: %s", error)
