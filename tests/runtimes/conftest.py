"""A real engine, and targets that are removed after the test."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from docker_targets import BASE, PREFIX, StartTarget, remove


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    with closing(docker.from_env()) as client:
        yield client


@pytest.fixture
def start_target(engine: docker.DockerClient) -> Iterator[StartTarget]:
    """Start a container of the base image that sleeps, unless told otherwise; it is removed after the test."""
    started: list[Container] = []

    def start(*command: str, run: bool = True, **options: Any) -> Container:
        container = engine.containers.create(
            BASE,
            list(command) or ["sleep", "600"],
            name=options.pop("name", f"{PREFIX}-{secrets.token_hex(4)}"),
            init=options.pop("init", True),
            network_mode="none",
            **options,
        )
        started.append(container)
        if run:
            container.start()
            container.reload()
        return container

    yield start
    for container in started:
        remove(container)
