"""The host's half against real agents, on the Pythons that are there."""

import ast
import asyncio
import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from agent_rig import LIMIT_S, agent_for, agent_process, read_bytes

from dapbridge.agent.bundle import _sources
from dapbridge.agent.client import Agent
from dapbridge.agent.facts import AgentScope
from dapbridge.errors import ProtocolError, UserError

OURSELVES = AgentScope(main_pid=os.getpid())


def pythons() -> list[str]:
    """Return the Pythons of this machine that can run an agent."""
    found = [path for minor in range(9, 16) if (path := shutil.which(f"python3.{minor}"))]
    works = [
        path for path in found if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0
    ]
    return works or [sys.executable]


@pytest.fixture
async def agent() -> AsyncIterator[Agent]:
    async with agent_for(OURSELVES) as (agent, _):
        yield agent


async def test_the_hello_has_the_facts(agent: Agent) -> None:
    hello = agent.hello
    assert hello.main_pid == os.getpid()
    assert (hello.uid, hello.gid) == (os.geteuid(), os.getegid())
    main = next(process for process in hello.processes if process.pid == os.getpid())
    assert main.exe == os.readlink("/proc/self/exe")
    assert main.command == tuple(read_bytes("/proc/self/cmdline").decode().split("\0")[:-1])
    assert main.state in "RS"
    assert hello.pid not in {process.pid for process in hello.processes}


async def test_processes_come_and_go(agent: Agent) -> None:
    process = await asyncio.create_subprocess_exec("sleep", "100")
    assert process.pid in {each.pid for each in await agent.processes()}
    process.kill()
    await process.wait()
    assert process.pid not in {each.pid for each in await agent.processes()}


async def test_a_file_is_read_in_parts(agent: Agent, tmp_path: Path) -> None:
    content = os.urandom(3 << 20)
    (tmp_path / "big").write_bytes(content)
    (tmp_path / "link").symlink_to("big")
    path = str(tmp_path / "link")
    pid = os.getpid()
    async with asyncio.TaskGroup() as tasks:
        parts = [tasks.create_task(agent.read_file(pid, path, at << 20, 1 << 20)) for at in range(3)]
    assert b"".join(part.result() for part in parts) == content
    assert await agent.read_file(pid, path, len(content), 100) == b""
    assert await agent.resolve(pid, path) == str(tmp_path / "big")
    assert await agent.read_file(pid, None, 0, 4) == b"\x7fELF"


async def test_what_cannot_be_done_is_said_with_the_name(agent: Agent) -> None:
    with pytest.raises(UserError, match=f"can't read /nope of process {os.getpid()}: No such file or directory"):
        await agent.read_file(os.getpid(), "/nope", 0, 10)
    with pytest.raises(UserError, match="can't find '/nope'"):
        await agent.resolve(os.getpid(), "/nope")
    with pytest.raises(UserError, match="can't start 'no-such-debugger' in the sidecar: No such file"):
        await agent.spawn(["no-such-debugger"])
    with pytest.raises(UserError, match="can't look at process 4194304: No such file"):
        await agent.inspect(4194304)
    with pytest.raises(UserError, match="is no file name"):
        await agent.write_file("../x", [b"x" * (2 << 20)])
    assert await agent.resolve(os.getpid(), "/") == "/"


async def test_a_file_is_written_and_gone_with_the_agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    content = [os.urandom(1 << 20) for _ in range(3)]
    async with agent_for(OURSELVES) as (agent, _):
        path = await agent.write_file("program", content)
        assert read_bytes(path) == b"".join(content)
        assert os.stat(path).st_mode & 0o777 == 0o600
        again = await agent.write_file("program", [b"shorter"])
        assert read_bytes(again) == b"shorter"
    assert os.listdir(tmp_path) == []


async def test_a_child_is_a_transport(agent: Agent) -> None:
    child = await agent.spawn(["sh", "-c", "cat; echo $GREETING; exit 7"], env={"GREETING": "bye"})
    child.write(b"hello\n")
    assert await child.read() == b"hello\n"
    child.write(b"x" * 100)
    await child.drain()
    received = await child.read()
    await child.aclose()
    while data := await child.read():
        received += data
    assert received == b"x" * 100 + b"bye\n"
    assert await child.wait() == 7


async def test_what_a_child_says_is_fed_until_no_more_is_wanted(agent: Agent) -> None:
    child = await agent.spawn(["cat"])
    fed = b""

    def take(data: bytes) -> bool:
        nonlocal fed
        fed += data
        # What is said in answer goes out from within.
        child.write(b"and more\n" if fed == b"hello\n" else b"")
        return not fed.endswith(b"more\n")

    def fail(data: bytes) -> bool:
        raise LookupError(data)

    child.write(b"hello\n")
    assert await child.feed(take)
    assert fed == b"hello\nand more\n"
    child.write(b"bad\n")
    with pytest.raises(LookupError):
        await child.feed(fail)
    # What comes while nobody takes it waits.
    child.write(b"last\n")
    assert await child.read() == b"last\n"
    await child.aclose()
    assert not await child.feed(fail)


async def test_a_child_gets_no_descriptor_of_the_agent(agent: Agent) -> None:
    child = await agent.spawn(["ls", "/proc/self/fd"])
    listing = b""
    while data := await child.read():
        listing += data
    # 3 is the directory that ls itself reads.
    assert listing.split() == [b"0", b"1", b"2", b"3"]


async def test_a_signal_goes_past_stdin(agent: Agent) -> None:
    child = await agent.spawn(["sleep", "100"])
    await child.signal("INT")
    assert await child.wait() == -2
    await child.signal("INT")
    await child.aclose()


async def test_a_flood_blocks_nothing_and_waits_for_its_reader(agent: Agent) -> None:
    flood = await agent.spawn(["yes"], ladder=[("signal", "KILL", 5.0)])
    quick = await agent.spawn(["cat"])
    for number in range(50):
        quick.write(b"%d\n" % number)
        assert await quick.read() == b"%d\n" % number
    await agent.resolve(os.getpid(), "/")
    total = 0
    while total < 8 << 20:
        total += len(await flood.read())
    await flood.signal("INT")
    assert await flood.wait() == -2


async def test_a_write_flood_waits_for_the_child(agent: Agent) -> None:
    # It ends by itself: to be let go of would end its stdin with what it has not taken yet.
    child = await agent.spawn(["sh", "-c", f"sleep 0.3; head -c {4 << 20} | wc -c"])
    for _ in range(64):
        child.write(b"x" * (1 << 16))
        await child.drain()
    assert await child.read() == b"%d\n" % (4 << 20)
    await child.aclose()


async def test_stderr_of_a_child_goes_to_the_log(agent: Agent, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    child = await agent.spawn(["sh", "-c", "echo oh no >&2; printf rest >&2"])
    await child.wait()
    await agent.aclose()
    assert "agent: sh stderr: oh no" in caplog.messages
    assert "agent: sh stderr: rest" in caplog.messages


async def test_everything_that_waits_fails_when_the_agent_dies() -> None:
    async with agent_process() as started, asyncio.TaskGroup() as tasks:
        agent = await Agent.connect(started.transport, OURSELVES)
        tasks.create_task(agent.run())
        child = await agent.spawn(["cat"])
        started.process.kill()
        async with asyncio.timeout(LIMIT_S):
            assert await child.read() == b""
            with pytest.raises(ProtocolError, match="the agent is gone: its stream ended"):
                await child.wait()
            await agent.wait_closed()
        with pytest.raises(ProtocolError, match="the agent is gone: its stream ended"):
            await agent.processes()
        child.write(b"ignored")
        await child.drain()
        await child.aclose()
        await agent.aclose()


async def test_a_silent_agent_is_taken_for_gone() -> None:
    async with agent_process() as started:
        agent = await Agent.connect(started.transport, OURSELVES, silence_s=0.4)
        started.process.send_signal(signal.SIGSTOP)
        await agent.run()
        assert agent.end_reason == "nothing heard from it for 0.4 s"


async def test_pings_keep_both_sides_together() -> None:
    async with agent_for(OURSELVES, silence_s=0.3) as (agent, started):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await agent.wait_closed()
        assert agent.end_reason is None
        assert started.process.returncode is None


async def test_an_agent_that_hears_nothing_ends() -> None:
    async with agent_process() as started:
        await Agent.connect(started.transport, OURSELVES, silence_s=0.3)
        assert await started.wait() == 0


async def test_a_broken_stream_ends_the_agent() -> None:
    async with agent_process() as started:
        await Agent.connect(started.transport, OURSELVES)
        started.transport.write(b"\xff" * 20)
        assert await started.wait() == 0


async def test_a_bootstrap_without_an_agent_ends_with_its_stream() -> None:
    async with agent_process() as started:
        await started.transport.aclose()
        assert await started.wait() == 1


async def test_no_agent_behind_the_transport_is_said() -> None:
    async with agent_process("true") as started:
        with pytest.raises(ProtocolError, match="no hello from the agent in the sidecar: its stream ended"):
            await Agent.connect(started.transport, OURSELVES)


async def test_an_agent_that_says_nothing_is_not_waited_for_for_ever() -> None:
    async with agent_process("sh", "-c", "exec sleep 100") as started:
        with pytest.raises(ProtocolError, match=r"no hello from the agent in the sidecar within 0\.3 s"):
            await Agent.connect(started.transport, OURSELVES, timeout_s=0.3)


async def test_closing_needs_no_reader() -> None:
    async with agent_process() as started:
        agent = await Agent.connect(started.transport, OURSELVES)
        await agent.aclose()
        await agent.aclose()
        assert await started.wait() == 0


@pytest.mark.parametrize("python", pythons(), ids=os.path.basename)
async def test_it_runs_on_every_python(python: str) -> None:
    async with agent_for(OURSELVES, python=python) as (agent, _):
        child = await agent.spawn(["cat"])
        child.write(b"x")
        assert await child.read() == b"x"
        await agent.link_libraries(os.getpid())
        await child.aclose()
        assert await child.wait() == 0


def test_what_is_sent_is_written_for_python_3_9() -> None:
    for name, source in _sources().items():
        ast.parse(source, name, feature_version=(3, 9))
