"""Images for tests and benchmarks, built once: base images (pulled, else mmdebstrap) and those of fixtures/images.

`PYTHONPATH=tests python -m support.images` builds all of them ahead of the tests.
"""

import hashlib
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import cache
from tempfile import TemporaryDirectory

import docker
import requests
from docker.errors import BuildError, DockerException, ImageNotFound
from support.engine import connect
from support.marks import FIXTURES

BASES = ("trixie", "bookworm")

_FIXTURE = re.compile(r"^FROM scratch AS (\S+)", re.MULTILINE)
_PROGRAM = re.compile(r"\bprograms/\S+")
_PULL_SILENCE_S = 15


def image(client: docker.DockerClient, name: str) -> str:
    """Return the tag of the fixture image `name`, built first if its sources are newer."""
    dockerfile = fixtures()[name]
    tag = f"dapbridge-fixture-{name}:{_content_hash(dockerfile)}"
    if _has(client, tag):
        return tag
    for line in (FIXTURES / dockerfile).read_text().splitlines():
        if line.startswith("FROM debian:"):
            base(client, line.removeprefix("FROM debian:").split("-slim")[0])
    with _said(tag):
        _build(client, dockerfile, name, tag)
    return tag


def base(client: docker.DockerClient, suite: str) -> str:
    """Return the tag of Debian's slim image of `suite`; without a registry it is made with mmdebstrap."""
    tag = f"debian:{suite}-slim"
    if not _has(client, tag):
        with _said(tag):
            if not _pull(client, tag):
                _bootstrap(client, suite)
    return tag


@cache
def fixtures() -> dict[str, str]:
    """Return the fixture images by name: each is a stage `FROM scratch AS name` of a Dockerfile below FIXTURES."""
    files = sorted((FIXTURES / "images").glob("*.Dockerfile"))
    return {name: f"images/{file.name}" for file in files for name in _FIXTURE.findall(file.read_text())}


def _content_hash(dockerfile: str) -> str:
    digest = hashlib.sha256()
    text = (FIXTURES / dockerfile).read_text()
    for path in (FIXTURES / dockerfile, *(FIXTURES / name for name in sorted(set(_PROGRAM.findall(text))))):
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _has(client: docker.DockerClient, tag: str) -> bool:
    try:
        client.images.get(tag)
    except ImageNotFound:
        return False
    return True


def _build(client: docker.DockerClient, dockerfile: str, name: str, tag: str) -> None:
    try:
        client.images.build(
            path=str(FIXTURES), dockerfile=dockerfile, target=name, tag=tag, rm=True, forcerm=True, network_mode="host"
        )
    except BuildError as error:
        log = "".join(str(entry.get("stream") or entry.get("error") or "") for entry in error.build_log)
        raise RuntimeError(f"image {tag} was not built: {error}\n{log[-4000:]}") from error


def _pull(client: docker.DockerClient, tag: str) -> bool:
    """Pull `tag`; False if no registry has it or none says anything for a while."""
    repository, _, version = tag.partition(":")
    try:
        with closing(connect(timeout_s=_PULL_SILENCE_S)) as impatient:
            impatient.images.pull(repository, version)
    except (DockerException, requests.RequestException):
        return False
    return True


def _bootstrap(client: docker.DockerClient, suite: str) -> None:
    if not shutil.which("mmdebstrap"):
        raise RuntimeError(
            f"debian:{suite}-slim can't be pulled, and mmdebstrap is missing: apt-get install mmdebstrap"
        )
    with TemporaryDirectory() as folder:
        archive = f"{folder}/{suite}.tar"
        command = ["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", suite, archive]
        bootstrap = subprocess.run(command, capture_output=True, text=True, check=False)
        if bootstrap.returncode:
            raise RuntimeError(f"{' '.join(command)}: exit code {bootstrap.returncode}\n{bootstrap.stderr[-2000:]}")
        client.api.import_image(src=archive, repository="debian", tag=f"{suite}-slim")


@contextmanager
def _said(tag: str) -> Iterator[None]:
    """Say on stderr that an image is being built, and how long that took."""
    sys.stderr.write(f"image {tag} ... ")
    sys.stderr.flush()
    start = time.monotonic()
    yield
    sys.stderr.write(f"{time.monotonic() - start:.0f} s\n")


def main() -> None:
    """Make every image that is missing."""
    with closing(connect()) as client:
        for suite in BASES:
            base(client, suite)
        for name in fixtures():
            image(client, name)


if __name__ == "__main__":
    main()
