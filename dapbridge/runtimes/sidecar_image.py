"""The sidecar's image: built on first use, tagged by its content, so that a new dapbridge never runs an old image."""

import asyncio
import hashlib
import io
import logging
import re
import threading
from collections import deque
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import docker
from docker.errors import APIError

from dapbridge.config import SidecarConfig
from dapbridge.errors import UnavailableError
from dapbridge.runtimes.base import Progress
from dapbridge.runtimes.docker_client import DockerClient, DockerRefusalError

_log = logging.getLogger(__name__)

REPOSITORY = "dapbridge-sidecar"
BASE_LABEL = "dapbridge.base"
DEFAULT_BASE = "debian:trixie-slim"

_STEP = re.compile(r"Step (\d+/\d+) ")
_NETWORK_TROUBLE = re.compile(
    r"Temporary failure (in name resolution|resolving)|Could not (resolve|connect)|Connection (timed out|refused)"
    r"|Network is unreachable|Unable to (connect|locate package)|failed to create endpoint"
)
_TAIL_LINES = 12
_SHOWN_LINES = 5

_building = threading.Lock()
"""One build at a time in this process: a second session waits for the first one's image."""


class ImageBuildError(UnavailableError):
    """The image was not built; `log` is the end of the build's output."""

    def __init__(self, log: list[str]) -> None:
        shown = " | ".join(log[-_SHOWN_LINES:]) or "no output"
        super().__init__(
            f"the sidecar image can't be built: {shown}; build it by hand from a Debian 13 image that the engine has:"
            " dapbridge image build --base IMAGE"
        )
        self.log = log


def image_tag(platform: str | None = None) -> str:
    """Return the tag of this version's image: by the Dockerfile's content, whatever base it is built from."""
    digest = hashlib.sha256(_dockerfile()).hexdigest()[:12]
    suffix = f"-{platform.replace('/', '-')}" if platform else ""
    return f"{REPOSITORY}:{digest}{suffix}"


async def ensure_image(client: DockerClient, config: SidecarConfig, progress: Progress) -> str:
    """Return an image that the engine has: the user's, pulled as the policy says, else ours, built if missing.

    Raises UserError.
    """
    if config.image:
        await _ensure_pulled(client, config.image, config, progress)
        return config.image
    tag = image_tag(config.platform)
    if not await _has_image(client, tag):
        await build_image(client, progress, platform=config.platform, rebuild=False)
    return tag


async def build_image(
    client: DockerClient,
    progress: Progress,
    *,
    base: str | None = None,
    network: str | None = None,
    platform: str | None = None,
    rebuild: bool = True,
) -> str:
    """Build the image; return its tag.

    base: default debian:trixie-slim. network: of the build's steps; by default the engine's own, and once more with the
    host's where that one reaches nothing. rebuild: also where it exists. Raises UserError: the log's end, what to do.
    """
    loop = asyncio.get_running_loop()
    abandoned = threading.Event()

    def tell(line: str) -> None:
        if not abandoned.is_set():
            loop.call_soon_threadsafe(progress, line)

    def run(api: docker.APIClient) -> None:
        build = _Build(api, image_tag(platform), base or DEFAULT_BASE, platform, tell, abandoned)
        if not _building.acquire(blocking=False):
            tell("waiting for another session that builds the sidecar image")
            _building.acquire()
        try:
            if rebuild or not build.exists():
                build.run(network)
        finally:
            _building.release()

    try:
        await client.call(run)
    finally:
        abandoned.set()
    return image_tag(platform)


class _Build:
    """One build, in a thread."""

    def __init__(
        self,
        api: docker.APIClient,
        tag: str,
        base: str,
        platform: str | None,
        tell: Callable[[str], None],
        abandoned: threading.Event,
    ) -> None:
        self._api = api
        self._tag = tag
        self._base = base
        self._platform = platform
        self._tell = tell
        self._abandoned = abandoned

    def exists(self) -> bool:
        return bool(self._api.images(name=self._tag, quiet=True))

    def run(self, network: str | None) -> None:
        self._tell(f"building the sidecar image {self._tag} from {self._base}, once")
        try:
            self._try(network)
        except ImageBuildError as error:
            if network or not _NETWORK_TROUBLE.search("\n".join(error.log)):
                raise
            self._tell("building the sidecar image: no network in the build; once more with the host's network")
            self._try("host")

    def _try(self, network: str | None) -> None:
        log: deque[str] = deque(maxlen=_TAIL_LINES)
        try:
            entries = self._api.build(
                fileobj=io.BytesIO(_dockerfile()),
                tag=self._tag,
                buildargs={"BASE": self._base},
                labels={BASE_LABEL: self._base},
                network_mode=network,
                platform=self._platform,
                rm=True,
                forcerm=True,
                decode=True,
            )
            for entry in entries:
                if self._abandoned.is_set():
                    # The engine ends a build whose client has gone.
                    entries.close()
                    return
                self._take(entry, log)
        except APIError as error:
            raise ImageBuildError([error.explanation or str(error)]) from error

    def _take(self, entry: dict[str, Any], log: deque[str]) -> None:
        for line in str(entry.get("stream") or entry.get("error") or "").splitlines():
            if line.strip():
                log.append(line.strip())
                _log.debug("build: %s", line)
                if match := _STEP.match(line):
                    self._tell(f"building the sidecar image, once: step {match[1]}")
        if entry.get("error"):
            raise ImageBuildError(list(log))


async def _ensure_pulled(client: DockerClient, image: str, config: SidecarConfig, progress: Progress) -> None:
    has_image = await _has_image(client, image)
    if config.pull == "never" and not has_image:
        raise UnavailableError(
            f"the sidecar image '{image}' is missing ({client.endpoint}), and sidecar.pull is 'never'"
        )
    if config.pull == "never" or (config.pull == "missing" and has_image):
        return
    progress(f"pulling the sidecar image {image}")
    repository, tag = docker.utils.parse_repository_tag(image)
    try:
        await client.call(lambda api: api.pull(repository, tag=tag or "latest", platform=config.platform))
    except DockerRefusalError as error:
        raise UnavailableError(
            f"the sidecar image '{image}' can't be pulled: {error.explanation} ({client.endpoint}); sidecar.image must"
            " be one with Python and a debugger that the engine has or can pull"
        ) from error


async def _has_image(client: DockerClient, image: str) -> bool:
    try:
        await client.call(lambda api: api.inspect_image(image))  # type: ignore[no-untyped-call]
    except DockerRefusalError as error:
        if error.status == 404:
            return False
        raise
    return True


def _dockerfile() -> bytes:
    return (files("dapbridge.agent") / "Dockerfile").read_bytes()
