"""What is true of LLDB alone: its parts die together, and libraries are the target's own."""

import os
import signal

import pytest
from support import procfs
from support.dap_client import DapClient
from support.serving import assert_whole, attach, held_in_letting_go
from support.targets import running

from dapbridge.agent.remote import healing

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("stopped", [False, True], ids=["running", "stopped"])
async def test_a_killed_client_of_lldb_server_is_replaced_for_the_letting_go(client: DapClient, stopped: bool) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        if not stopped:
            await client.request("continue", {"threadId": 1})
        (tracer,) = target.tracer_pids()
        (mi_server,) = (pid for pid in procfs.children(procfs.parent(tracer)) if pid != tracer)
        assert procfs.name(mi_server) == "lldb-mi"
        os.kill(mi_server, signal.SIGKILL)
        await client.output("lldb has ended unexpectedly (killed by signal 9)")
        await client.event("terminated")
        await client.disconnect()
        await assert_whole(target)


async def test_the_code_is_whole_while_lldb_server_has_still_to_let_go(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp", "worker")
        await client.event("stopped", reason="breakpoint")
        async with held_in_letting_go(client, target) as lldb_server:
            assert healing.find_breakpoints(target.pid) == {}
            os.kill(lldb_server, signal.SIGCONT)
        await assert_whole(target)
