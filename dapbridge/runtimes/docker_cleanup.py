"""What sessions left behind: sidecars by their labels, dead ones removed, live ones ended only through their agent."""

from collections.abc import Sequence
from typing import Any, Literal

import docker
from docker.errors import APIError
from msgspec import Struct

from dapbridge.runtimes.docker_client import DockerClient
from dapbridge.runtimes.docker_events import ContainerWatch
from dapbridge.runtimes.docker_sidecar import LABEL, SESSION_LABEL, TARGET_LABEL, TARGET_NAME_LABEL, stop_container
from dapbridge.runtimes.session_mark import has_ended

_DEAD_STATES = ("exited", "dead")

Outcome = Literal["removed", "left", "ended", "killed"]


class FoundSidecar(Struct, frozen=True):
    """A sidecar: `state` is Docker's word; live: a session works with it or is about to.

    session_ended: the dapbridge that started it is surely gone (nobody knows of one on another machine); its agent, if
    it still runs, is letting go.
    """

    id: str
    name: str
    version: str
    state: str
    target_id: str
    target_name: str
    session_ended: bool

    @property
    def live(self) -> bool:
        """Ending it would end a session: it runs, or was made a moment ago and is to be started."""
        return self.state not in _DEAD_STATES and not (self.state == "created" and self.session_ended)


class Cleaned(Struct, frozen=True):
    """What was done: dead ones are "removed"; live ones "left", "ended" by their agent, or "killed": too slow."""

    sidecar: FoundSidecar
    outcome: Outcome


async def find_sidecars(client: DockerClient) -> list[FoundSidecar]:
    """List all sidecars of the engine, by name. Raises UserError."""
    listed = await client.call(lambda api: api.containers(all=True, filters={"label": LABEL}))
    return sorted((_parse(each) for each in listed), key=lambda sidecar: sidecar.name)


async def clean_up(client: DockerClient, sidecars: Sequence[FoundSidecar], *, end_live: bool) -> list[Cleaned]:
    """Remove the dead ones of `sidecars`; end_live: end live ones too, by SIGTERM to their agent. Raises UserError."""
    watch = await ContainerWatch.open(client, [each.id for each in sidecars])
    try:
        return [Cleaned(each, await _clean(client, watch, each, end_live)) for each in sidecars]
    finally:
        watch.close()


async def _clean(client: DockerClient, watch: ContainerWatch, sidecar: FoundSidecar, end_live: bool) -> Outcome:
    if not sidecar.live or (end_live and sidecar.state == "created"):
        return "removed" if await client.call(lambda api: _remove(api, sidecar.id)) else "left"
    if not end_live:
        return "left"
    return "killed" if await stop_container(client, sidecar.id, watch) else "ended"


def _remove(api: docker.APIClient, container_id: str) -> bool:
    """Remove a container that does not run; False if it does by now. Without force: it can hurt nobody."""
    try:
        api.remove_container(container_id)
    except APIError as error:
        if error.status_code == 409:
            return "removal" in (error.explanation or "").lower()
        if error.status_code != 404:
            raise
    return True


def _parse(listed: dict[str, Any]) -> FoundSidecar:
    labels = listed.get("Labels") or {}
    return FoundSidecar(
        id=listed["Id"],
        name=listed["Names"][0].removeprefix("/"),
        version=labels.get(LABEL, ""),
        state=listed["State"],
        target_id=labels.get(TARGET_LABEL, ""),
        target_name=labels.get(TARGET_NAME_LABEL, ""),
        session_ended=has_ended(labels.get(SESSION_LABEL, "")),
    )
