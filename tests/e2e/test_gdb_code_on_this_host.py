"""The host's own gdb, which may be older than the sidecar's: memory, code, modules and sources of a process here."""

from base64 import b64decode
from collections.abc import Callable
from pathlib import Path

import pytest
from support.dap_client import DapClient
from support.looking import frames
from support.serving import assert_whole, attach, client_path
from support.targets import running_process

pytestmark = pytest.mark.root


async def test_memory_code_modules_and_sources(client: DapClient, compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled("threads.cpp"), user=1000) as target:
        await attach(client, target, "threads.cpp", "price")
        process = await client.event("process")
        assert process["pointerSize"] == 64
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        pc = top["instructionPointerReference"]
        whole = {"memoryReference": pc, "instructionOffset": -100, "instructionCount": 200}
        instructions = (await client.request("disassemble", whole))["instructions"]
        assert int(instructions[100]["address"], 16) == int(pc, 16)
        assert instructions[100]["line"] == top["line"]
        upper = {"memoryReference": instructions[100]["address"], "instructionOffset": -100, "instructionCount": 100}
        assert (await client.request("disassemble", upper))["instructions"] == instructions[:100]
        memory = await client.request("readMemory", {"memoryReference": pc, "count": 8})
        code = " ".join(each["instructionBytes"] for each in instructions[100:])
        assert code.startswith(b64decode(memory["data"]).hex(" "))
        data = {"memoryReference": pc, "data": memory["data"]}
        assert (await client.request("writeMemory", data))["bytesWritten"] == 8
        modules = {each["name"]: each for each in (await client.request("modules", {}))["modules"]}
        assert modules["threads"]["symbolStatus"] == "Symbols loaded."
        assert "addressRange" in modules["libc.so.6"]
        sources = (await client.request("loadedSources"))["sources"]
        assert client_path("threads.cpp") in {each["path"] for each in sources}
        await client.disconnect()
        await assert_whole(target)
