"""Docker: targets are running containers, sidecars are containers beside them in the same PID namespace."""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from dapbridge.config import SidecarConfig
from dapbridge.runtimes.base import Progress, TargetSummary
from dapbridge.runtimes.docker_cleanup import Cleaned, FoundSidecar, clean_up, find_sidecars
from dapbridge.runtimes.docker_client import DockerClient, DockerRefusalError
from dapbridge.runtimes.docker_sidecar import LABEL, DockerSidecar, SidecarPlan, start_sidecar
from dapbridge.runtimes.docker_target import (
    TOP_ARGUMENTS,
    Container,
    check_attachable,
    explain_missing,
    may_be_remapped,
    parse_container,
    parse_top,
)
from dapbridge.runtimes.privileges import Ids, Privileges, apply_config, decide_privileges, let_read, widened
from dapbridge.runtimes.sidecar_image import build_image, ensure_image

if TYPE_CHECKING:
    from dapbridge.runtimes.listing import ListedTarget

_log = logging.getLogger(__name__)


class DockerRuntime:
    """The Docker engine that the Docker CLI would use, connected to at the first need."""

    def __init__(self, agent_argv: Sequence[str] | None = None) -> None:
        """agent_argv: what sidecars run instead of the agent."""
        self._agent_argv = agent_argv
        self._client: DockerClient | None = None
        self._connecting = asyncio.Lock()

    async def targets(self) -> list[TargetSummary]:
        """List the running containers but sidecars. Raises UserError."""
        found = await self._running()
        return sorted(
            (
                TargetSummary(f"docker://{name}", name, each["Image"], each["Status"])
                for each in found
                if LABEL not in (each.get("Labels") or {})
                for name in [_main_name(each)]
            ),
            key=lambda target: target.name,
        )

    async def processes(self, names: Sequence[str] = ()) -> "list[ListedTarget]":
        """List the running containers but sidecars, or those named, with their processes. Raises UserError."""
        from dapbridge.runtimes.docker_processes import list_targets

        client = await self._connected()
        listed = [each for each in await self._running() if LABEL not in (each.get("Labels") or {})]
        if names:
            wanted = {(await self._get_running(client, name)).id for name in names}
            listed = [each for each in listed if each["Id"] in wanted]
        return await list_targets(client, listed)

    @property
    def place(self) -> str:
        """Which engine this is, in the user's words; after the first call of another method."""
        return self._client.endpoint.source if self._client else "Docker"

    async def start_sidecar(
        self, name: str, config: SidecarConfig, progress: Progress, *, wider: bool = False
    ) -> DockerSidecar:
        """Preflight the container `name` and start a sidecar beside it. Raises UserError."""
        client = await self._connected()
        target = await self._get_target(client, name)
        check_attachable(target)
        image = await ensure_image(client, config, progress)
        privileges = await self._decide_privileges(client, target)
        next_wider = widened(privileges)
        if wider and next_wider is not None:
            privileges, next_wider = next_wider, None
        rights = let_read(apply_config(privileges, config), client.api_version)
        plan = SidecarPlan(target, image, self._argv(), rights, config.platform)
        _log.info("sidecar for %s: image %s, privileges %s", target.short_name, image, plan.privileges)
        can_widen = config.user is None and next_wider is not None
        return await start_sidecar(client, plan, progress, _log_stderr, can_widen=can_widen)

    async def sidecars(self) -> list[FoundSidecar]:
        """List all sidecars of this engine, live and dead. Raises UserError."""
        return await find_sidecars(await self._connected())

    async def clean_up(self, sidecars: Sequence[FoundSidecar], *, end_live: bool = False) -> list[Cleaned]:
        """Remove the dead ones of `sidecars`; end_live: also end live ones, through their agent. Raises UserError."""
        return await clean_up(await self._connected(), sidecars, end_live=end_live)

    async def build_image(self, progress: Progress, *, base: str | None = None, network: str | None = None) -> str:
        """Build the sidecar image; return its tag. Raises UserError."""
        return await build_image(await self._connected(), progress, base=base, network=network)

    async def aclose(self) -> None:
        """Free the client."""
        if self._client:
            self._client.close()
            self._client = None

    async def _connected(self) -> DockerClient:
        async with self._connecting:
            if self._client is None:
                self._client = await DockerClient.connect()
            return self._client

    async def _running(self) -> list[dict[str, Any]]:
        client = await self._connected()
        running: list[dict[str, Any]] = await client.call(lambda api: api.containers())
        return running

    async def _get_target(self, client: DockerClient, name: str) -> Container:
        try:
            return parse_container(await client.call(lambda api: api.inspect_container(name)))
        except DockerRefusalError as error:
            if error.status != 404:
                raise
            names = [_main_name(each) for each in await self._running()]
            raise explain_missing(name, names, client.endpoint) from error

    async def _get_running(self, client: DockerClient, name: str) -> Container:
        container = await self._get_target(client, name)
        if not container.state.paused:
            check_attachable(container)
        return container

    async def _decide_privileges(self, client: DockerClient, target: Container) -> Privileges:
        ids: list[Ids] = []
        try:
            ids = parse_top((await client.call(lambda api: api.top(target.id, TOP_ARGUMENTS)))["Processes"])
        except DockerRefusalError as error:
            # An engine's `ps` may be too small for the columns asked for.
            _log.info("docker top: %s", error.explanation)
        # With remapped user namespaces these are the host's ids, which mean nothing inside.
        if may_be_remapped(ids) and await _remaps_ids(client):
            ids = []
        return decide_privileges(ids, adds_capabilities=target.adds_capabilities)

    def _argv(self) -> Sequence[str]:
        if self._agent_argv is not None:
            return self._agent_argv
        from dapbridge.agent.bundle import BOOTSTRAP_ARGV

        return BOOTSTRAP_ARGV


def _main_name(listed: dict[str, Any]) -> str:
    """Return a container's own name; a listing also has "/other/alias" for links."""
    names = [name.removeprefix("/") for name in listed.get("Names") or ()]
    return next((name for name in names if "/" not in name), str(listed["Id"])[:12])


async def _remaps_ids(client: DockerClient) -> bool:
    info = await client.call(lambda api: api.info())
    return any("name=userns" in option for option in info.get("SecurityOptions") or ())


def _log_stderr(data: bytes) -> None:
    for line in data.decode(errors="replace").splitlines():
        _log.warning("sidecar: %s", line)
