"""The sidecar image with a real engine; all but one test build a small stand-in of the Dockerfile."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress

import docker
import pytest
from docker.errors import ImageNotFound
from docker_targets import BASE

from dapbridge.config import SidecarConfig
from dapbridge.errors import UserError
from dapbridge.runtimes import sidecar_image
from dapbridge.runtimes.docker_client import DockerClient
from dapbridge.runtimes.sidecar_image import BASE_LABEL, build_image, ensure_image, image_tag

pytestmark = pytest.mark.docker

CONFIG = SidecarConfig()


@pytest.fixture
async def client() -> AsyncIterator[DockerClient]:
    client = await DockerClient.connect()
    yield client
    client.close()


class StandIn:
    """A Dockerfile of our own in the place of the real one."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.token = secrets.token_hex(8)
        self._monkeypatch = monkeypatch
        self.write("true")

    def write(self, command: str) -> None:
        text = f"ARG BASE=nothing\nFROM ${{BASE}}\nRUN : {self.token}\nRUN {command}\n"
        self._monkeypatch.setattr(sidecar_image, "_dockerfile", text.encode)


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch, engine: docker.DockerClient) -> Iterator[StandIn]:
    made = StandIn(monkeypatch)
    yield made
    with suppress(ImageNotFound):
        engine.images.remove(image_tag())
    # A build that failed leaves the image of its last good step.
    for image in engine.images.list(filters={"dangling": True}):
        if any(made.token in layer["CreatedBy"] for layer in image.history()):
            engine.images.remove(str(image.id))


async def test_it_is_built_once_with_its_steps_told(
    client: DockerClient, engine: docker.DockerClient, stand_in: StandIn
) -> None:
    told: list[str] = []
    tag = await ensure_image(client, CONFIG, told.append)
    assert tag == image_tag()
    assert told[0] == f"building the sidecar image {tag} from {BASE}, once"
    # The last ones, where this engine has no network of its own for builds.
    assert told[-5:] == [f"building the sidecar image, once: step {number}/5" for number in range(1, 6)]
    assert engine.images.get(tag).labels[BASE_LABEL] == BASE
    told.clear()
    assert await ensure_image(client, CONFIG, told.append) == tag
    assert told == []


async def test_sessions_at_the_same_time_build_it_once(client: DockerClient, stand_in: StandIn) -> None:
    stand_in.write("sleep 1")
    first: list[str] = []
    second: list[str] = []
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(ensure_image(client, CONFIG, first.append))
        tasks.create_task(ensure_image(client, CONFIG, second.append))
    assert sum(line.endswith(f"from {BASE}, once") for line in first + second) == 1
    assert ["waiting for another session that builds the sidecar image"] in (first, second)


async def test_after_a_cancelled_build_the_next_one_is_not_held_up(client: DockerClient, stand_in: StandIn) -> None:
    stand_in.write("for i in 1 2 3 4; do echo $i; sleep 0.5; done")
    begun = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        first = tasks.create_task(ensure_image(client, CONFIG, lambda _: begun.set()))
        await begun.wait()
        first.cancel()
    assert first.cancelled()
    assert await ensure_image(client, CONFIG, lambda _: None) == image_tag()


def test_another_content_is_another_image(stand_in: StandIn) -> None:
    before = image_tag()
    stand_in.write("echo something else")
    assert image_tag() != before


async def test_one_built_from_another_base_is_found_by_default(
    client: DockerClient, engine: docker.DockerClient, stand_in: StandIn
) -> None:
    base = f"dapbridge-rtx-base:{secrets.token_hex(4)}"
    repository, _, version = base.partition(":")
    engine.images.get(BASE).tag(repository, version)
    try:
        tag = await build_image(client, lambda _: None, base=base)
        assert engine.images.get(tag).labels[BASE_LABEL] == base
        told: list[str] = []
        assert await ensure_image(client, CONFIG, told.append) == tag
        assert told == []
    finally:
        engine.images.remove(base)


async def test_a_build_that_fails_says_its_last_lines_and_what_to_do(client: DockerClient, stand_in: StandIn) -> None:
    stand_in.write("echo out of luck && false")
    with pytest.raises(UserError) as caught:
        await ensure_image(client, CONFIG, lambda _: None)
    assert str(caught.value).startswith("the sidecar image can't be built: ")
    assert " | out of luck | " in str(caught.value)
    assert str(caught.value).endswith("dapbridge image build --base IMAGE")


async def test_a_base_that_can_not_be_had_says_what_to_do(client: DockerClient, stand_in: StandIn) -> None:
    with pytest.raises(UserError) as caught:
        await build_image(client, lambda _: None, base="registry.invalid/no/such:image")
    assert "registry.invalid" in str(caught.value)
    assert str(caught.value).endswith("dapbridge image build --base IMAGE")


HOST_NETWORK_ONLY = (
    f'[ "$(readlink /proc/self/ns/net)" = "{os.readlink("/proc/self/ns/net")}" ]'
    ' || { echo "Temporary failure resolving deb.debian.org"; exit 100; }'
)


async def test_a_build_without_network_is_tried_again_with_the_hosts(client: DockerClient, stand_in: StandIn) -> None:
    stand_in.write(HOST_NETWORK_ONLY)
    told: list[str] = []
    await ensure_image(client, CONFIG, told.append)
    assert "building the sidecar image: no network in the build; once more with the host's network" in told


async def test_a_network_that_the_user_chose_is_kept(client: DockerClient, stand_in: StandIn) -> None:
    stand_in.write(HOST_NETWORK_ONLY)
    with pytest.raises(UserError, match="Temporary failure resolving"):
        await build_image(client, lambda _: None, network="none")
    await build_image(client, lambda _: None, network="host")


@pytest.mark.timeout(600)
async def test_the_real_image_has_the_debuggers_for_any_user_on_a_read_only_root(
    client: DockerClient, engine: docker.DockerClient
) -> None:
    tag = await ensure_image(client, CONFIG, lambda _: None)
    script = (
        "set -e; gdb -nx -batch -ex 'python print(\"gdb\", gdb.VERSION)'; dlv version; lldb-server-19 version;"
        "python3 -I -c 'import lldb; print(lldb.SBDebugger.Create().GetVersionString())';"
        "ls /usr/lib/rustlib/etc/gdb_lookup.py /usr/lib/rustlib/etc/lldb_lookup.py;"
        "ls /usr/share/gcc/python/libstdcxx/v6/printers.py"
    )
    words = engine.containers.run(
        tag,
        ["sh", "-c", script],
        user="4711:4711",
        read_only=True,
        tmpfs={"/tmp": ""},
        cap_drop=["ALL"],
        network_mode="none",
        environment={"HOME": "/tmp"},
        remove=True,
    ).decode()
    for expected in ("gdb 1", "Delve Debugger", "lldb version 19", "gdb_lookup.py", "printers.py"):
        assert expected in words
