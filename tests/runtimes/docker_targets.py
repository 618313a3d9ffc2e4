"""Tiny real containers as targets, and a look at what sidecars are left."""

from collections.abc import Callable

import docker
from docker.errors import APIError
from docker.models.containers import Container

BASE = "debian:trixie-slim"
PREFIX = "dapbridge-rtx"

StartTarget = Callable[..., Container]


def remove(container: Container) -> None:
    try:
        container.remove(force=True)
    except APIError as error:
        # Gone, or the engine is about to remove it by itself.
        if error.status_code not in (404, 409):
            raise


def sidecars_of(engine: docker.DockerClient, target: Container) -> list[Container]:
    """Return the sidecars of a target, dead ones included."""
    filters = {"label": f"dapbridge.target={target.id}"}
    found: list[Container] = engine.containers.list(all=True, filters=filters, ignore_removed=True)
    return found
