"""A sidecar container: made beside its target with the least that debugging needs, and seen to its end."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import docker
from docker.errors import APIError
from docker.types import LogConfig, Ulimit
from msgspec import Struct

import dapbridge
from dapbridge.agent.facts import AgentScope
from dapbridge.errors import UserError
from dapbridge.runtimes import docker_stream
from dapbridge.runtimes.base import Progress
from dapbridge.runtimes.docker_client import DockerClient, DockerRefusalError
from dapbridge.runtimes.docker_events import ContainerWatch
from dapbridge.runtimes.docker_stream import DockerStream
from dapbridge.runtimes.docker_target import Container
from dapbridge.runtimes.privileges import Privileges, security_options
from dapbridge.runtimes.session_mark import make_mark

_log = logging.getLogger(__name__)

LABEL = "dapbridge"
TARGET_LABEL = "dapbridge.target"
TARGET_NAME_LABEL = "dapbridge.target-name"
SESSION_LABEL = "dapbridge.session"

LET_GO_LIMIT_S = 30.0
"""The time that an agent may take to let go of its target before force is used, which can kill the target."""
_END_LIMIT_S = 10.0
_EVENT_LIMIT_S = 3.0
_KILLED = 137
_ENVIRONMENT = {"HOME": "/tmp", "LANG": "C.UTF-8", "PYTHONDONTWRITEBYTECODE": "1"}


class SidecarPlan(Struct, frozen=True):
    """What a sidecar is made of; `argv` runs the agent."""

    target: Container
    image: str
    argv: Sequence[str]
    privileges: Privileges
    platform: str | None = None

    def create(self, api: docker.APIClient) -> str:
        """Create the container; return its id. Blocks; for a thread."""
        target = self.target
        created = api.create_container(
            self.image,
            # As the entry point, for that of the user's own image would swallow a command.
            entrypoint=list(self.argv),
            name=f"dapbridge-{target.short_name}-{secrets.token_hex(4)}",
            user=self.privileges.user,
            working_dir="/",
            environment=_ENVIRONMENT,
            labels={
                LABEL: dapbridge.__version__,
                TARGET_LABEL: target.id,
                TARGET_NAME_LABEL: target.short_name,
                SESSION_LABEL: make_mark(),
            },
            # Not detached: that makes StdinOnce true, and a killed client an end of file for the agent.
            stdin_open=True,
            detach=False,
            tty=False,
            stop_signal="SIGTERM",
            stop_timeout=int(LET_GO_LIMIT_S),
            healthcheck={"test": ["NONE"]},
            # `network_mode` alone gives such a namespace too, by a hook that doubles the time of a start.
            network_disabled=True,
            host_config=self._host_config(api),
            platform=self.platform,
            use_config_proxy=False,
        )
        return str(created["Id"])

    def _host_config(self, api: docker.APIClient) -> dict[str, Any]:
        target = self.target
        config: dict[str, Any] = api.create_host_config(
            pid_mode=f"container:{target.id}",
            network_mode="none",
            userns_mode=target.host_config.userns_mode or None,
            cap_drop=["ALL"],
            cap_add=list(self.privileges.capabilities),
            security_opt=list(
                security_options(target.process_label, target.app_armor_profile, target.host_config.security_opt or ())
            ),
            read_only=True,
            tmpfs={"/tmp": "mode=1777,noexec,nosuid,nodev"},
            # Else every variable that is looked at ends on the disk of the engine's host.
            log_config=LogConfig(type="none"),
            ulimits=[Ulimit(name="core", soft=0, hard=0)],
        )
        # The SDK's helper has no parameter for it.
        return config | {"AutoRemove": True}


class DockerSidecar:
    """A started sidecar."""

    def __init__(
        self,
        client: DockerClient,
        plan: SidecarPlan,
        container_id: str,
        watch: ContainerWatch,
        stream: DockerStream,
        can_widen: bool,
    ) -> None:
        self.transport = stream
        self.scope = AgentScope(container_id=plan.target.id)
        self.can_widen = can_widen
        self.container_id = container_id
        self.privileges = plan.privileges
        self._client = client
        self._target_id = plan.target.id
        self._stream = stream
        self._watch = watch
        self._closed = False

    async def target_exit_code(self) -> int | None:
        """The target's exit code; waits for it a little where the sidecar has ended, for both end in one moment."""
        limit_s = _EVENT_LIMIT_S if self._stream.ended else 0.0
        try:
            async with asyncio.timeout(limit_s):
                return await self._watch.exit_code(self._target_id)
        except TimeoutError:
            return None

    async def aclose(self) -> None:
        """End the stream, which makes the agent let go and end; then ask by SIGTERM; force only after that."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._stream.aclose()
            if not await self._wait_removed():
                _log.warning("sidecar %s has not ended by itself: stopping it", self.container_id[:12])
                if await stop_container(self._client, self.container_id, self._watch):
                    _log.error("sidecar %s had to be killed", self.container_id[:12])
        finally:
            self._watch.close()

    async def _wait_removed(self) -> bool:
        try:
            async with asyncio.timeout(_END_LIMIT_S):
                return await self._watch.removal(self.container_id)
        except TimeoutError:
            return False


async def start_sidecar(
    client: DockerClient,
    plan: SidecarPlan,
    progress: Progress,
    on_stderr: Callable[[bytes], None],
    *,
    can_widen: bool,
) -> DockerSidecar:
    """Create, attach and start a sidecar; nothing is left of it when that fails or is cancelled. Raises UserError."""
    container_id = await client.call(plan.create, undo=discard)
    try:
        watch = await ContainerWatch.open(client, [plan.target.id, container_id])
        try:
            # Before the start, or its first words could be missed.
            stream = await _attach(client, container_id, on_stderr)
            try:
                progress(f"starting the sidecar beside container '{plan.target.short_name}'")
                await _start(client, plan, container_id)
            except BaseException:
                await stream.aclose()
                raise
        except BaseException:
            watch.close()
            raise
    except BaseException:
        await client.call(lambda api: discard(api, container_id))
        raise
    return DockerSidecar(client, plan, container_id, watch, stream, can_widen)


async def stop_container(client: DockerClient, container_id: str, watch: ContainerWatch) -> bool:
    """End a sidecar through its agent, by SIGTERM; return whether it had to be killed after LET_GO_LIMIT_S."""
    try:
        await client.call(lambda api: api.stop(container_id, timeout=int(LET_GO_LIMIT_S)))
    except DockerRefusalError as error:
        if error.status not in (404, 409):
            raise
    killed = False
    with suppress(TimeoutError):
        async with asyncio.timeout(_EVENT_LIMIT_S):
            killed = await watch.exit_code(container_id) == _KILLED
            await watch.removal(container_id)
    return killed


def discard(api: docker.APIClient, container_id: str) -> None:
    """Remove a sidecar whose agent knows of no target yet, so that force hurts nobody. Blocks; for a thread."""
    try:
        api.remove_container(container_id, force=True)
    except APIError as error:
        # Gone, or already being removed.
        if error.status_code not in (404, 409):
            _log.error("sidecar %s can't be removed: %s", container_id[:12], error.explanation)


async def _attach(client: DockerClient, container_id: str, on_stderr: Callable[[bytes], None]) -> DockerStream:
    connection = await client.call(
        lambda api: docker_stream.attach(api, container_id), undo=lambda _, connection: connection.close()
    )
    return await DockerStream.open(connection, on_stderr)


async def _start(client: DockerClient, plan: SidecarPlan, container_id: str) -> None:
    try:
        await client.call(lambda api: api.start(container_id), undo=lambda api, _: discard(api, container_id))
    except DockerRefusalError as error:
        raise UserError(
            f"the sidecar for container '{plan.target.short_name}' does not start from image '{plan.image}':"
            f" {error.explanation.strip()} ({client.endpoint})"
        ) from error
