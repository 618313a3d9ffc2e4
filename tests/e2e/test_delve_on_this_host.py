"""A Go program that is a process of this host, in namespaces of its own; dlv and the program come out of images."""

import asyncio
import io
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from docker import DockerClient
from support.engine import connect
from support.images import image
from support.serving import assert_whole, attach, serving
from support.targets import running_process

from dapbridge.runtimes.sidecar_image import image_tag

pytestmark = [pytest.mark.docker, pytest.mark.root]


def copy_out(client: DockerClient, tag: str, path: str, folder: Path) -> None:
    """Copy a file out of an image."""
    container = client.containers.create(tag, "nothing")
    try:
        stream, _ = container.get_archive(path)
        with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
            archive.extractall(folder, filter="data")
    finally:
        container.remove()


@pytest.fixture
async def tools(tmp_path: Path) -> Path:
    with closing(connect()) as client:
        await asyncio.to_thread(copy_out, client, image_tag(), "/usr/bin/dlv", tmp_path)
        tag = await asyncio.to_thread(image, client, "go_gophers")
        await asyncio.to_thread(copy_out, client, tag, "/go_gophers", tmp_path)
    return tmp_path


async def test_it_is_debugged_and_lives_on(tools: Path) -> None:
    path = {"PATH": f"{tools}:/usr/local/bin:/usr/bin:/bin"}
    async with running_process(tools / "go_gophers") as target, serving(env=path) as client:
        await attach(client, target, "gophers.go", "work")
        stopped = await client.event("stopped", reason="breakpoint")
        stack = await client.request("stackTrace", {"threadId": stopped["threadId"], "levels": 1})
        assert stack["stackFrames"][0]["name"] == "main.work"
        await client.disconnect()
        await assert_whole(target)


async def test_a_host_without_dlv_says_so(tools: Path) -> None:
    (tools / "dlv").unlink()
    async with running_process(tools / "go_gophers") as target, serving(env={"PATH": str(tools)}) as client:
        await client.initialize()
        refused = await client.refused("attach", {"target": target.uri})
        assert "can't start 'dlv' in the sidecar: No such file or directory" in refused.text
        assert "Delve" in refused.text
        await client.disconnect()
        await assert_whole(target)
