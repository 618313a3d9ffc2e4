"""LLDB's modules are the target's own files, whatever lies by the same path in the sidecar."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from elftools.elf.elffile import ELFFile
from support.dap_client import DapClient, JsonObject
from support.looking import frames
from support.serving import assert_whole, attach
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

PLUGIN, BARE, LIBC = "/srv/lib/libplugin.so", "/srv/lib/libbare.so", "/lib/x86_64-linux-gnu/libc.so.6"
_STARTS = re.compile(r"_start|(__)?clone3?( \(.*\))?")


async def test_every_thread_unwinds_to_its_start_function_in_a_libc_that_is_not_the_sidecars(client: DapClient) -> None:
    async with running("threads") as target:
        (libc,) = {line.split()[-1] for line in _maps(target.pid) if line.endswith("libc.so.6") and "r-xp" in line}
        await attach(client, target, "threads.cpp", "worker")
        stopped = await client.event("stopped", reason="breakpoint")
        (sidecar,) = target.sidecars()
        hashed = "import hashlib; print(hashlib.sha256(open({!r}, 'rb').read()).hexdigest())"
        theirs = sidecar.exec_run(["python3", "-c", hashed.format(libc)]).output.decode().strip()
        assert _hash_of(Path(f"/proc/{target.pid}/root{libc}")) != theirs

        threads = (await client.request("threads"))["threads"]
        assert len(threads) > 10
        for thread in threads:
            stack = await frames(client, thread["id"])
            assert _STARTS.fullmatch(stack[-1]["name"]) or stack[-1]["name"] == "main", (thread, stack)
        assert stopped["threadId"] in {thread["id"] for thread in threads}
        modules = (await client.request("modules", {}))["modules"]
        (c_library,) = (each for each in modules if each["path"] == libc)
        assert c_library["symbolStatus"] == "No debug info."
        await client.disconnect()
        await assert_whole(target)


async def test_a_library_that_was_replaced_since_it_was_loaded_is_refused_and_that_is_said(client: DapClient) -> None:
    async with running("threads", read_only=False) as target:
        (libm,) = {line.split()[-1] for line in _maps(target.pid) if line.endswith("libm.so.6") and "r-xp" in line}
        _replace(target, libm, libm.replace("libm.so.6", "libgcc_s.so.1"))
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        said = await client.output(f"{libm} has no symbols: it was deleted or replaced since it was loaded")
        assert said["category"] == "important"
        assert (await _modules(client))[libm]["symbolStatus"] == "Symbols not loaded."
        await client.disconnect()
        await assert_whole(target)


async def test_a_library_with_another_build_id_than_the_loaded_one_is_refused(client: DapClient) -> None:
    async with running("swap", PLUGIN, "/tmp/trigger") as target:
        target.trigger()
        await target.assert_runs_on()
        loaded = _build_id(target, PLUGIN)
        _overwrite(target, PLUGIN, BARE)
        replaced = _build_id(target, PLUGIN)
        assert len({loaded, replaced}) == 2
        assert [line for line in _maps(target.pid) if line.endswith(PLUGIN)]

        await attach(client, target, "swap.c")
        said = await client.output(f"{PLUGIN} has no symbols: the file's build id is {replaced}, that of the loaded")
        assert said["output"].endswith(f" one {loaded}\n")
        assert said["category"] == "important"
        names = {"breakpoints": [{"name": "transform"}, {"name": "churn"}]}
        transform, churn = (await client.request("setFunctionBreakpoints", names))["breakpoints"]
        # The file that lies there has a `transform` as well.
        assert not transform["verified"]
        assert churn["verified"]
        await client.event("stopped", reason="function breakpoint")
        found = await _modules(client)
        assert found[PLUGIN]["symbolStatus"] == "Symbols not loaded."
        assert "version" not in found[PLUGIN]
        assert found["/swap"]["symbolStatus"] == "Symbols loaded."
        assert found[LIBC]["symbolStatus"] == "No debug info."
        await client.disconnect()
        await assert_whole(target)


async def test_the_loaded_library_itself_is_read_where_the_kernel_may_show_it(client: DapClient) -> None:
    async with running("swap", PLUGIN, "/tmp/trigger") as target:
        target.trigger()
        await target.assert_runs_on()
        loaded = _build_id(target, PLUGIN)
        _replace(target, PLUGIN, BARE)
        assert [line for line in _maps(target.pid) if line.endswith(f"{PLUGIN} (deleted)")]
        await attach(client, target, "plugin.c", "transform", sidecar={"user": "0:0", "capAdd": ["SYS_ADMIN"]})
        thread = (await client.event("stopped", reason="breakpoint"))["threadId"]
        assert [each["name"] for each in await frames(client, thread)] == ["transform", "main"]
        module = (await _modules(client))[PLUGIN]
        assert (module["symbolStatus"], module["version"]) == ("Symbols loaded.", loaded)
        assert not [each for each in client.received("output") if "has no symbols" in each["output"]]
        await client.disconnect()
        await assert_whole(target)


async def test_a_library_that_comes_again_as_another_one_is_the_other_one(client: DapClient) -> None:
    async with running("swap", PLUGIN, "/tmp/trigger") as target:
        await attach(client, target, "swap.c")
        versions = []
        for wanted in ("Symbols loaded.", "No debug info."):
            target.trigger()
            while (await client.event("module", reason="new"))["module"]["id"] != PLUGIN:
                pass
            while (module := (await _modules(client))[PLUGIN])["symbolStatus"] != wanted:
                await client.event("module", reason="changed")
            assert module["version"] == _build_id(target, PLUGIN)
            versions.append(module["version"])
            _take_trigger_away(target)
            while (await client.event("module", reason="removed"))["module"]["id"] != PLUGIN:
                pass
            _replace(target, PLUGIN, BARE)
        assert len(set(versions)) == 2
        await client.disconnect()
        await assert_whole(target)


def _replace(target: DockerTarget, path: str, other: str) -> None:
    """Put another file of the target's in the place of one, as an upgrade does: under a new name first."""
    root = f"/proc/{target.pid}/root"
    shutil.copy(f"{root}{other}", f"{root}{path}.new")
    Path(f"{root}{path}.new").rename(f"{root}{path}")


def _overwrite(target: DockerTarget, path: str, other: str) -> None:
    """Write another file of the target's into one; the program goes on with the image's own file, by the same name."""
    root = f"/proc/{target.pid}/root"
    with open(f"{root}{path}", "r+b") as file:
        file.write(Path(f"{root}{other}").read_bytes())


def _take_trigger_away(target: DockerTarget) -> None:
    Path(f"/proc/{target.pid}/root/tmp/trigger").unlink()


def _build_id(target: DockerTarget, path: str) -> str:
    """Return the build id of a file of the target's."""
    with open(f"/proc/{target.pid}/root{path}", "rb") as file:
        notes = ELFFile(file).get_section_by_name(".note.gnu.build-id").iter_notes()
        return str(next(notes)["n_desc"])


async def _modules(client: DapClient) -> dict[str, JsonObject]:
    return {each["id"]: each for each in (await client.request("modules", {}))["modules"]}


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _maps(pid: int) -> list[str]:
    with open(f"/proc/{pid}/maps") as maps:
        return maps.read().splitlines()
