"""The pid:// runtime with real processes; a stand-in runs where the agent would."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest

from dapbridge.agent.facts import AgentScope
from dapbridge.config import SidecarConfig
from dapbridge.errors import UserError
from dapbridge.runtimes.pid import PidRuntime, PidSidecar
from dapbridge.runtimes.pid_preflight import Rights, Status, check_process, explain_denial, read_status

REPOSITORY = Path(__file__).resolve().parents[2]
SYS_PTRACE = 1 << 19


@contextmanager
def running(*command: str) -> Iterator[int]:
    """Run a program that says a line when it is ready; its pid."""
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def sleeper() -> Iterator[int]:
    with running("sh", "-c", "echo; exec sleep 600") as pid:
        yield pid


@contextmanager
def apart() -> Iterator[int]:
    """Run a program in a PID namespace of its own; its pid here."""
    with running(
        "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", "sh", "-c", "echo; exec sleep 600"
    ) as pid:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        yield int(children[0])


@asynccontextmanager
async def sidecar(pid: int, *argv: str) -> AsyncIterator[PidSidecar]:
    started = await PidRuntime(argv).start_sidecar(str(pid), SidecarConfig(), lambda _: None)
    try:
        yield started
    finally:
        await started.aclose()


def exists(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


def command_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")


def refusal(pid: int, *prefix: str) -> str:
    """Return the last words of a check of `pid`, made in another process, which `prefix` starts."""
    code = f"from dapbridge.runtimes.pid_preflight import check_process; print(check_process({pid}))"
    command = [*prefix, sys.executable, "-c", code]
    outcome = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert outcome.returncode != 0, outcome.stdout
    return outcome.stderr.splitlines()[-1]


def test_a_process_in_our_own_pid_namespace_is_not_joined(sleeper: int) -> None:
    assert check_process(sleeper) == AgentScope(main_pid=sleeper)


@pytest.mark.root
def test_a_process_in_a_pid_namespace_of_its_own_is_joined_there() -> None:
    with apart() as pid:
        assert check_process(pid) == AgentScope(main_pid=1, join_pid=pid)


@pytest.mark.root
def test_joining_without_sys_admin_says_so() -> None:
    with apart() as pid:
        words = refusal(pid, "setpriv", "--bounding-set", "-sys_admin")
    assert words.endswith("joining it needs the capability SYS_ADMIN; run dapbridge as root")


def test_a_process_that_is_not_there() -> None:
    with pytest.raises(UserError, match=r"^there is no process 4194305 on this host$"):
        check_process(4194305)


def test_dapbridge_itself_is_refused() -> None:
    with pytest.raises(UserError, match="is dapbridge itself"):
        check_process(os.getpid())


def test_a_zombie_is_refused() -> None:
    process = subprocess.Popen(["true"])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    try:
        with pytest.raises(UserError, match=rf"^process {process.pid} \(true\) has ended and is a zombie"):
            check_process(process.pid)
    finally:
        process.wait()


def test_a_stopped_process_is_refused_with_what_to_do(sleeper: int) -> None:
    os.kill(sleeper, signal.SIGSTOP)
    os.waitid(os.P_PID, sleeper, os.WSTOPPED | os.WNOWAIT)
    with pytest.raises(UserError, match=rf"^process {sleeper} \(\w+\) is stopped .*: kill -CONT {sleeper}$"):
        check_process(sleeper)


def test_a_traced_process_is_refused_with_its_tracers_name(sleeper: int) -> None:
    with subprocess.Popen(
        ["gdb", "-nx", "-q", "-p", str(sleeper)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as gdb:
        assert gdb.stdin is not None
        assert gdb.stdout is not None
        gdb.stdin.write(b"echo attached\\n\n")
        gdb.stdin.flush()
        while b"attached" not in gdb.stdout.readline():
            pass
        try:
            with pytest.raises(UserError, match=rf"is already traced by gdb \(pid {gdb.pid}\): detach that debugger"):
                check_process(sleeper)
        finally:
            gdb.communicate(b"detach\nquit\n")


@pytest.mark.root
def test_another_users_process_without_rights(sleeper: int) -> None:
    words = refusal(sleeper, "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    assert f"no permission to trace process {sleeper} (" in words
    assert " of uid 0 as uid 65534: " in words
    assert "run dapbridge as root" in words


STATUS = Status(name="api", state="S", tracer_pid=0, uid=1000, pids=(7,), cap_effective=0)


@pytest.mark.parametrize(
    ("rights", "told"),
    [
        (Rights(1000, 0, 3), "kernel.yama.ptrace_scope is 3: nobody may trace any process until the next boot"),
        (Rights(0, SYS_PTRACE, 3), "kernel.yama.ptrace_scope is 3: nobody may trace any process until the next boot"),
        (
            Rights(0, SYS_PTRACE, 1),
            "a security module (AppArmor, SELinux) forbids it, or it is in another user namespace",
        ),
        (Rights(2000, 0, 1), "another user's process needs the capability SYS_PTRACE; run dapbridge as root"),
        (
            Rights(1000, 0, 1),
            "ptrace_scope is 1: only its ancestors and those with the capability SYS_PTRACE may trace",
        ),
        (Rights(1000, 0, 1), "run dapbridge as root, or set it to 0: sudo sysctl kernel.yama.ptrace_scope=0"),
        (Rights(1000, 0, 2), "ptrace_scope is 2: only those with the capability SYS_PTRACE may trace a process"),
        (Rights(1000, 0, 0), "it is not dumpable or holds capabilities; this needs SYS_PTRACE: run dapbridge as root"),
    ],
)
def test_the_missing_right_is_named(rights: Rights, told: str) -> None:
    words = explain_denial(7, STATUS, rights)
    assert words.startswith(f"no permission to trace process 7 (api) of uid 1000 as uid {rights.own_uid}: ")
    assert told in words


def test_our_own_status_is_read() -> None:
    status = read_status(os.getpid())
    assert (status.uid, status.pids[0], status.tracer_pid) == (os.geteuid(), os.getpid(), 0)
    assert status.state in "RS"


async def test_the_stream_goes_both_ways_intact(sleeper: int) -> None:
    sent = os.urandom(10 * 1024 * 1024)
    async with sidecar(sleeper, "cat") as started:
        received = bytearray()

        async def receive() -> None:
            while len(received) < len(sent) and (chunk := await started.transport.read()):
                received.extend(chunk)

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(receive())
            for start in range(0, len(sent), 1 << 16):
                started.transport.write(sent[start : start + (1 << 16)])
                await started.transport.drain()
        assert received == sent
        assert started.scope == AgentScope(main_pid=sleeper)
        assert not started.can_widen
        assert await started.target_exit_code() is None


async def test_the_agent_is_in_a_session_of_its_own_and_its_stderr_is_logged(
    sleeper: int, caplog: pytest.LogCaptureFixture
) -> None:
    async with sidecar(sleeper, "sh", "-c", "echo oops >&2; ps -o sid= -p $$; echo $$") as started:
        words = b""
        while chunk := await started.transport.read():
            words += chunk
        session, pid = words.split()
        assert session == pid
        assert int(session) != os.getsid(0)
    assert "agent: oops" in caplog.messages


async def test_closing_ends_the_agent_and_may_be_done_twice(sleeper: int) -> None:
    async with sidecar(sleeper, "sh", "-c", "echo $$; cat") as started:
        pid = int(await started.transport.read())
        await started.aclose()
        assert not exists(pid)


@pytest.mark.parametrize("on_sigterm", ["exit", ""])
async def test_an_agent_that_ignores_the_end_is_asked_and_then_forced(
    sleeper: int, monkeypatch: pytest.MonkeyPatch, on_sigterm: str
) -> None:
    monkeypatch.setattr("dapbridge.runtimes.pid._END_LIMIT_S", 0.3)
    monkeypatch.setattr("dapbridge.runtimes.pid._LET_GO_LIMIT_S", 0.5)
    deaf = f"trap '{on_sigterm}' TERM; echo $$; while :; do sleep 0.1; done"
    async with sidecar(sleeper, "sh", "-c", deaf) as started:
        pid = int(await started.transport.read())
    assert not exists(pid)


async def test_an_agent_with_much_to_say_can_end(sleeper: int) -> None:
    async with sidecar(sleeper, "sh", "-c", "head -c 1000000 /dev/zero; cat") as started:
        pass
    assert not exists(started.process_id)


async def test_the_real_command_is_this_python(sleeper: int) -> None:
    started = await PidRuntime().start_sidecar(str(sleeper), SidecarConfig(), lambda _: None)
    try:
        assert command_of(started.process_id)[:2] == [sys.executable, "-I"]
    finally:
        await started.aclose()
    assert await PidRuntime().targets() == []
