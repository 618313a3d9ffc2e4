"""gdb: the program and its libraries as modules, and what is told when they come and go."""

from pathlib import Path

import pytest
from support.dap_client import DapClient, JsonObject
from support.serving import attach
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

LIBC = "/lib/x86_64-linux-gnu/libc.so.6"
LOADER = "/lib64/ld-linux-x86-64.so.2"
PLUGIN = "/srv/lib/libplugin.so"
BARE = "/srv/lib/libbare.so"


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def modules(client: DapClient, **page: int) -> dict[str, JsonObject]:
    body = await client.request("modules", page)
    return {each["id"]: each for each in body["modules"]}


async def module_event(client: DapClient, reason: str, name: str) -> JsonObject:
    """Take `module` events until the one of that reason for that module."""
    while True:
        module: JsonObject = (await client.event("module", reason=reason))["module"]
        if module["id"] == name:
            return module


def mapped(target: DockerTarget, path: str) -> str:
    """Return the range of a file's mappings as a module's addressRange has it."""
    lines = [line for line in Path(f"/proc/{target.pid}/maps").read_text().splitlines() if line.endswith(path)]
    begin, end = (int(each, 16) for each in (lines[0].split("-")[0], lines[-1].split("-")[1].split()[0]))
    return f"{begin:#x}-{end:#x}"


def take_trigger_away(target: DockerTarget) -> None:
    Path(f"/proc/{target.pid}/root/tmp/trigger").unlink()


@pytest.mark.shows("modules", "supportsModulesRequest", "additionalModuleColumns")
async def test_the_program_and_its_libraries_are_modules(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        await module_event(client, "new", LOADER)
        found = await modules(client)
        assert list(found) == ["/swap", LIBC, LOADER]
        program, libc = found["/swap"], found[LIBC]
        assert (program["name"], program["symbolStatus"]) == ("swap", "Symbols loaded.")
        assert program["symbolFilePath"] == "/swap"
        assert program["addressRange"] == mapped(target, "/swap")
        assert libc["symbolStatus"] == "No debug info."
        assert "symbolFilePath" not in libc
        assert libc["addressRange"] == mapped(target, "/libc.so.6")
        assert len(libc["version"]) == 40
        # Told once each, with nothing to correct afterwards.
        told = [each["body"] for each in client.transcript if each.get("event") == "module"]
        assert [(each["reason"], each["module"]) for each in told] == [("new", each) for each in found.values()]
        await leave(client, target)


async def test_modules_are_paged(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        assert list(await modules(client, startModule=1, moduleCount=1)) == [LIBC]
        assert list(await modules(client, startModule=2, moduleCount=0)) == [LOADER]
        assert await modules(client, startModule=3, moduleCount=9) == {}
        page = await client.request("modules", {"startModule": 0, "moduleCount": 1})
        assert (len(page["modules"]), page["totalModules"]) == (1, 3)
        await leave(client, target)


@pytest.mark.shows("module")
async def test_a_library_that_comes_and_goes_is_told(client: DapClient) -> None:
    async with running("swap") as target:
        await attach(client, target, "swap.c")
        await module_event(client, "new", LOADER)
        for _ in range(2):
            target.trigger()
            await client.event("module", reason="new")
            while (await modules(client))[PLUGIN]["symbolStatus"] != "Symbols loaded.":
                await client.event("module", reason="changed")
            assert (await modules(client))[PLUGIN]["addressRange"] == mapped(target, PLUGIN)
            take_trigger_away(target)
            assert (await client.event("module", reason="removed"))["module"]["id"] == PLUGIN
            assert PLUGIN not in await modules(client)
        await leave(client, target)


async def test_a_library_without_debug_info_says_so(client: DapClient) -> None:
    async with running("swap", BARE, "/tmp/trigger") as target:
        target.trigger()
        await target.assert_runs_on()
        await attach(client, target, "swap.c")
        bare = await module_event(client, "new", BARE)
        assert (bare["symbolStatus"], bare["path"]) == ("No debug info.", BARE)
        assert "symbolFilePath" not in bare
        await leave(client, target)


async def test_a_static_program_is_its_only_module(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        module = await module_event(client, "new", "/spin")
        assert module["addressRange"] == mapped(target, "/spin")
        assert await modules(client) == {"/spin": module}
        await leave(client, target)
