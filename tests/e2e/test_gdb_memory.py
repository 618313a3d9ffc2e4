"""gdb: reading and writing the target's memory, standing or running, and what a client is told of it."""

import re
from base64 import b64decode, b64encode
from pathlib import Path

import pytest
from support.dap_client import DapClient, JsonObject
from support.looking import frames
from support.marks import mark
from support.serving import attach, client_path
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker

NOPS = b"\x90" * 8


async def leave(client: DapClient, target: DockerTarget) -> None:
    await client.disconnect()
    await target.assert_let_go()
    await target.assert_runs_on()


async def address_of(client: DapClient, expression: str) -> int:
    """Return the address that a pointer expression has; no frame is needed, so the target may run."""
    result = (await client.request("evaluate", {"expression": expression, "context": "watch"}))["result"]
    found = re.search(r"0x[0-9a-f]+", result)
    assert found, result
    return int(found[0], 16)


async def read(client: DapClient, reference: int, count: int, offset: int = 0) -> tuple[bytes, JsonObject]:
    arguments = {"memoryReference": hex(reference), "offset": offset, "count": count}
    body = await client.request("readMemory", arguments)
    assert int(body["address"], 0) == reference + offset
    return b64decode(body["data"]), body


def write_arguments(reference: int, data: bytes, **more: object) -> JsonObject:
    return {"memoryReference": hex(reference), "data": b64encode(data).decode(), **more}


def bounds_of(target: DockerTarget, name: str) -> tuple[int, int]:
    """Return where the mappings of that name begin and end."""
    lines = [line for line in Path(f"/proc/{target.pid}/maps").read_text().splitlines() if name in line]
    return int(lines[0].split("-")[0], 16), int(lines[-1].split("-")[1].split()[0], 16)


def in_memory(target: DockerTarget, address: int, count: int) -> bytes:
    """Return what truly is in the target's memory."""
    with open(f"/proc/{target.pid}/mem", "rb") as memory:
        memory.seek(address)
        return memory.read(count)


@pytest.mark.shows("process")
async def test_the_process_is_told_after_the_attach(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        process = await client.event("process")
        expected = {"name": "/spin", "systemProcessId": 1, "startMethod": "attach", "isLocalProcess": False}
        assert process == expected | {"pointerSize": 64}
        assert client.received("attach", "process") == ["attach", "process"]
        await leave(client, target)


@pytest.mark.shows("readMemory", "supportsReadMemoryRequest")
async def test_memory_is_read_while_the_target_runs_and_while_it_stands(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        squares = await address_of(client, "&squares")
        whole, body = await read(client, squares, 4000)
        assert [int.from_bytes(whole[at : at + 4], "little") for at in range(0, 4000, 4)] == [
            n * n for n in range(1000)
        ]
        assert "unreadableBytes" not in body
        assert (await read(client, squares + 4000, 8, offset=-4000))[0] == whole[:8]
        assert (await read(client, squares, 0))[1] == {"address": hex(squares), "data": ""}
        decimal = await client.request("readMemory", {"memoryReference": str(squares), "count": 4000})
        assert b64decode(decimal["data"]) == whole
        assert client.received("stopped") == []
        await client.request("pause", {"threadId": 1})
        await client.event("stopped")
        assert (await read(client, squares, 4000))[0] == whole
        await leave(client, target)


async def test_code_is_read_at_a_frames_pc(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        # Some debuggers leave it in the code while the target stands.
        await client.set_breakpoints(client_path("spin.c"))
        pc = int(top["instructionPointerReference"], 16)
        assert (await read(client, pc, 16))[0] == in_memory(target, pc, 16)
        await leave(client, target)


async def test_what_can_not_be_read_is_counted(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        _, end = bounds_of(target, "[stack]")
        data, body = await read(client, end - 100, 100 + 4096)
        assert (data, body["unreadableBytes"]) == (in_memory(target, end - 100, 100), 4096)
        # What comes first can't be read: nothing is, and the count leads to the next that can.
        begin, _ = bounds_of(target, "/spin")
        data, body = await read(client, begin - 8192, 8192 + 16)
        assert (data, body["unreadableBytes"]) == (b"", 8192)
        assert (await read(client, begin, 16))[0][:4] == b"\x7fELF"
        data, body = await read(client, 0, 64)
        assert (data, body["unreadableBytes"]) == (b"", 64)
        last = await client.request("readMemory", {"memoryReference": "0xfffffffffffffff0", "count": 64})
        assert (last["data"], last["unreadableBytes"]) == ("", 64)
        await leave(client, target)


async def test_more_than_one_piece_is_read_as_one(client: DapClient) -> None:
    async with running("threads") as target:
        await attach(client, target, "threads.cpp")
        begin, end = bounds_of(target, "libstdc++.so")
        expected = in_memory(target, begin, end - begin)
        assert len(expected) > 300_000
        assert (await read(client, begin, len(expected)))[0] == expected
        await leave(client, target)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"memoryReference": "main", "count": 4}, "no memory reference"),
        ({"memoryReference": "0x10", "offset": -17, "count": 4}, "no memory at -0x1"),
        ({"memoryReference": "0x10", "count": 2**50}, "at most 8388608"),
    ],
)
async def test_a_read_that_makes_no_sense_is_refused(client: DapClient, arguments: JsonObject, words: str) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        assert words in (await client.refused("readMemory", arguments)).text
        await leave(client, target)


@pytest.mark.shows("writeMemory", "supportsWriteMemoryRequest", "memory", "invalidated")
async def test_written_memory_is_told_and_seen_in_variables(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work")
        thread = (await client.event("stopped"))["threadId"]
        (top,) = await frames(client, thread, levels=1)
        limit = await address_of(client, "&limit")
        before = {"expression": "limit", "frameId": top["id"], "context": "watch"}
        assert (await client.request("evaluate", before))["result"] == "1000"
        body = await client.request("writeMemory", write_arguments(limit - 8, (1001).to_bytes(4, "little"), offset=8))
        assert body["bytesWritten"] == 4
        told = {"memoryReference": hex(limit - 8), "offset": 8, "count": 4}
        assert await client.event("memory") == told
        assert (await client.event("invalidated"))["areas"] == ["variables"]
        assert client.received("writeMemory", "memory", "invalidated") == ["writeMemory", "memory", "invalidated"]
        assert (await client.request("evaluate", before))["result"] == "1001"
        assert (await read(client, limit, 4))[0] == (1001).to_bytes(4, "little")
        await leave(client, target)


async def test_memory_is_written_while_the_target_runs(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        squares = await address_of(client, "&squares")
        new = bytes(range(200)) * 20
        assert (await client.request("writeMemory", write_arguments(squares, new)))["bytesWritten"] == 4000
        assert (await read(client, squares, 4000))[0] == new
        assert (await client.request("writeMemory", write_arguments(squares, b"")))["bytesWritten"] == 0
        assert client.received("stopped") == []
        assert client.received("memory") == ["memory"]
        await leave(client, target)


async def test_code_is_read_and_patched_around_a_breakpoint_which_stays(client: DapClient, engine: str) -> None:
    async with running("host") as target:
        await attach(client, target, "host.c", "load")
        where = {"gdb": "info line host.c:{}", "lldb": "source info --file host.c --line {}"}[engine]
        place = {"expression": f"`{where.format(mark('host.c', 'load'))}", "context": "repl"}
        found = re.search(r"0x[0-9a-f]+", (await client.request("evaluate", place))["result"])
        assert found
        pc = int(found[0], 16)
        code, _ = await read(client, pc, 8)
        # While the target runs the breakpoint stands in its memory, and is shown to nobody.
        assert in_memory(target, pc, 8) == b"\xcc" + code[1:]
        assert code[0] != 0xCC
        await client.request("writeMemory", write_arguments(pc, NOPS))
        assert (await read(client, pc, 8))[0] == NOPS
        assert in_memory(target, pc, 8) == b"\xcc" + NOPS[1:]
        await client.request("writeMemory", write_arguments(pc, code))
        target.trigger()
        stopped = await client.event("stopped", reason="breakpoint")
        # It is taken out of the code while the target stands.
        assert in_memory(target, pc, 8) == code
        assert (await read(client, pc, 8))[0] == code
        await client.request("writeMemory", write_arguments(pc, NOPS))
        assert in_memory(target, pc, 8) == NOPS
        await client.request("writeMemory", write_arguments(pc, code))
        await client.request("continue", {"threadId": stopped["threadId"]})
        await leave(client, target)


async def test_what_can_not_be_written_whole_is_not_written_unless_partly_is_enough(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        _, end = bounds_of(target, "[stack]")
        old, _ = await read(client, end - 4, 4)
        new = bytes(byte ^ 0xFF for byte in old) + b"more"
        refused = await client.refused("writeMemory", write_arguments(end - 4, new))
        assert refused.text == f"nothing was written: memory at {end:#x} can't be"
        assert (await read(client, end - 4, 4))[0] == old
        body = await client.request("writeMemory", write_arguments(end - 8, new, offset=4, allowPartial=True))
        assert body == {"offset": 4, "bytesWritten": 4}
        assert (await read(client, end - 4, 4))[0] == new[:4]
        await client.request("writeMemory", write_arguments(end - 4, old))
        assert (await client.request("writeMemory", write_arguments(0, b"x", allowPartial=True)))["bytesWritten"] == 0
        await leave(client, target)


async def test_read_only_writes_nothing(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c", "work", readOnly=True)
        await client.event("stopped")
        limit = await address_of(client, "&limit")
        assert "readOnly" in (await client.refused("writeMemory", write_arguments(limit, b"1234"))).text
        assert int.from_bytes((await read(client, limit, 4))[0], "little") == 1000
        await leave(client, target)


async def test_data_that_is_no_base64_writes_nothing(client: DapClient) -> None:
    async with running("spin") as target:
        await attach(client, target, "spin.c")
        limit = await address_of(client, "&limit")
        for data in ("not base64!", "QUJ", "€"):
            arguments = {"memoryReference": hex(limit), "data": data}
            assert "base64" in (await client.refused("writeMemory", arguments)).text
        assert client.received("memory") == []
        await leave(client, target)
