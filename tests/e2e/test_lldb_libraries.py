"""LLDB's modules are the target's own files, whatever lies by the same path in the sidecar."""

import hashlib
import re
import shutil
from pathlib import Path

import pytest
from support.dap_client import DapClient
from support.looking import frames
from support.serving import assert_whole, attach
from support.targets import running

pytestmark = pytest.mark.docker

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
        root = Path(f"/proc/{target.pid}/root")
        # As a deploy does: another file by the same name.
        fresh = root / "libm.new"
        shutil.copy(root / libm.lstrip("/").replace("libm.so.6", "libgcc_s.so.1"), fresh)
        fresh.rename(root / libm.lstrip("/"))
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        said = await client.output(f"{libm} has no symbols: it was deleted or replaced since it was loaded")
        assert said["category"] == "important"
        modules = (await client.request("modules", {}))["modules"]
        (replaced,) = (each for each in modules if each["path"] == libm)
        assert replaced["symbolStatus"] == "Symbols not loaded."
        await client.disconnect()
        await assert_whole(target)


def _hash_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _maps(pid: int) -> list[str]:
    with open(f"/proc/{pid}/maps") as maps:
        return maps.read().splitlines()
