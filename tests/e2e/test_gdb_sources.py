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


def put_file(target: DockerTarget, path: str, content: bytes) -> None:
    Path(f"/proc/{target.pid}/root{path}").write_bytes(content)


def put_link(target: DockerTarget, path: str, to: str) -> None:
    Path(f"/proc/{target.pid}/root{path}").symlink_to(to)


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


async def source(client: DapClient, path: str) -> str:
    body = await client.request("source", {"source": {"path": path}, "sourceReference": 0})
    return str(body["content"])


@pytest.mark.shows("source")
async def test_a_source_that_only_the_target_has_is_read_inside_its_root(client: DapClient) -> None:
    async with running("swap") as target:
        text = "int only_here; // \u00e4\n"
        put_file(target, "/tmp/only.c", text.encode())
        put_link(target, "/tmp/link.c", "/tmp/only.c")
        put_file(target, "/tmp/latin.c", b"caf\xe9")
        rules = [{"from": "/home/me/target", "to": "/tmp"}]
        await attach(client, target, "swap.c", substitutePath=rules)
        assert await source(client, "/home/me/target/only.c") == text
        assert await source(client, "/tmp/link.c") == text
        assert await source(client, "/tmp/latin.c") == "caf\ufffd"
        missing = await client.refused("source", {"source": {"path": "/tmp/none.c"}, "sourceReference": 0})
        assert "/tmp/none.c" in missing.text
        await client.refused("source", {"source": {"path": "/tmp"}, "sourceReference": 0})
        await client.refused("source", {"sourceReference": 0})
        await leave(client, target)


async def test_no_source_is_read_where_source_request_is_off(client: DapClient) -> None:
    async with running("swap") as target:
        put_file(target, "/tmp/only.c", b"int only_here;")
        await attach(client, target, "swap.c", sourceRequest=False)
        refused = await client.refused("source", {"source": {"path": "/tmp/only.c"}, "sourceReference": 0})
        assert "sourceRequest" in refused.text
        await leave(client, target)
