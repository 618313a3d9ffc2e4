"""The Docker engine that the tests use: DOCKER_HOST, else the current docker context, else the default socket."""

import os
from contextlib import closing
from functools import cache

import docker
from docker.context import ContextAPI
from docker.errors import DockerException


def connect(timeout_s: int = 300) -> docker.DockerClient:
    """Return a client of an engine that has answered. Raises DockerException."""
    if os.environ.get("DOCKER_HOST"):
        client = docker.from_env(timeout=timeout_s)
    else:
        context = ContextAPI.get_current_context()
        client = docker.DockerClient(base_url=context.Host, tls=context.TLSConfig, timeout=timeout_s)
    try:
        client.ping()
    except Exception:
        client.close()
        raise
    return client


@cache
def bounding_set() -> tuple[str, ...]:
    """Return what a sidecar without capabilities has in its bounding set: older engines' filter wants it there."""
    with closing(connect()) as client:
        major, minor = client.version()["ApiVersion"].split(".")
    return () if (int(major), int(minor)) >= (1, 42) else ("SYS_PTRACE",)


def find_why_absent() -> str | None:
    """Return why no engine can be used, in its client's words; None when one answers."""
    try:
        connect(timeout_s=10).close()
    except DockerException as error:
        return " ".join(str(error).split())
    except OSError as error:
        return str(error)
    return None


if __name__ == "__main__":
    raise SystemExit(find_why_absent())
