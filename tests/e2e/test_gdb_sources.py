"""gdb: the sources that the debug info names, and those that libraries bring and take away."""

from pathlib import Path

import pytest
from support.dap_client import DapClient
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def loaded_sources(client: DapClient) -> dict[str, str]:
    """Return the names of the loaded sources by path."""
    found = (await client.request("loadedSources"))["sources"]
    paths = {each["path"]: each["name"] for each in found}
    assert len(paths) == len(found)
    return paths


def take_trigger_away(target: DockerTarget) -> None:
    Path(f"/proc/{target.pid}/root/tmp/trigger").unlink()


@pytest.mark.shows("loadedSources", "supportsLoadedSourcesRequest")
async def test_all_sources_of_the_debug_info_are_listed_by_the_clients_paths(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        paths = await loaded_sources(client)
        assert paths[client_path("swap.c")] == "swap.c"
        assert "/usr/include/stdio.h" in paths
        assert client_path("plugin.c") not in paths
        await leave(client, target)


@pytest.mark.shows("loadedSource")
async def test_sources_of_a_library_come_and_go_with_it(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        await loaded_sources(client)
        for _ in range(2):
            target.trigger()
            told = await client.event("loadedSource", reason="new")
            assert told["source"] == {"name": "plugin.c", "path": client_path("plugin.c")}
            take_trigger_away(target)
            told = await client.event("loadedSource", reason="removed")
            assert told["source"]["path"] == client_path("plugin.c")
        assert client_path("plugin.c") not in await loaded_sources(client)
        await leave(client, target)


async def test_a_client_that_never_asked_is_told_of_no_source(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        target.trigger()
        while (await client.event("module"))["module"].get("symbolFilePath") != "/srv/lib/libplugin.so":
            pass
        assert client_path("plugin.c") in await loaded_sources(client)
        assert client.received("loadedSource") == []
        await leave(client, target)


async def test_a_library_without_debug_info_brings_no_sources(client: DapClient) -> None:
    async with running("swap", "/srv/lib/libbare.so", "/tmp/trigger") as target:
        await attach(client, target, "swap.c")
        before = await loaded_sources(client)
        target.trigger()
        while (await client.event("module"))["module"]["id"] != "/srv/lib/libbare.so":
            pass
        assert await loaded_sources(client) == before
        assert client.received("loadedSource") == []
        await leave(client, target)
