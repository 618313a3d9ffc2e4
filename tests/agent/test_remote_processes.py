"""Which processes are the target's, and their facts, as real agents see them."""

import asyncio
import os
import shlex
import shutil
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from agent_rig import agent_for, agent_process
from support.procfs import children

from dapbridge.agent.client import Agent
from dapbridge.agent.facts import AgentScope
from dapbridge.errors import UserError

CONTAINER_ID = "0123456789abcdef" * 4
NOBODY = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")


# A program that waits and says so by a line: by then it is this program, and no longer the shell that became it.
WAITING = ("tail", "-n1", "-f", "/etc/passwd")


@asynccontextmanager
async def running(*command: str) -> AsyncIterator[int]:
    """Run a command that says a line when it is there; at the end, also a test's that failed, all of it is killed."""
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    await process.stdout.readline()
    try:
        yield process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()  # until nobody has its output open any more: a child that lived on would keep it waiting


@contextmanager
def cgroup(path: str) -> Iterator[Path]:
    """Make a control group of that name below the root of one hierarchy."""
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    root = next(Path(line[1]) for line in lines if line[2] == "cgroup2" or (line[2] == "cgroup" and "pids" in line[3]))
    directory = root / path
    directory.mkdir(parents=True)
    try:
        yield directory
    finally:
        for each in (directory, *directory.parents):
            if each == root:
                break
            each.rmdir()


def put_into(directory: Path, pid: int) -> None:
    (directory / "cgroup.procs").write_text(str(pid))


@pytest.mark.root
@pytest.mark.parametrize("form", [f"dapbridge-test/{CONTAINER_ID}", f"docker-{CONTAINER_ID}.scope/init"])
async def test_a_containers_processes_are_those_of_its_control_group(form: str) -> None:
    with cgroup(form) as directory:
        async with running(*WAITING) as inside, running(*WAITING):
            put_into(directory, inside)
            async with agent_for(AgentScope(container_id=CONTAINER_ID)) as (agent, _):
                assert [process.pid for process in agent.hello.processes] == [inside]
                assert agent.hello.main_pid == inside


async def test_a_container_of_which_nothing_runs_has_no_process() -> None:
    async with agent_for(AgentScope(container_id=CONTAINER_ID)) as (agent, _):
        assert agent.hello.processes == ()
        assert agent.hello.main_pid is None


async def test_the_target_of_a_pid_is_it_and_what_descends_from_it() -> None:
    descending = f"sh -c '{shlex.join(WAITING)} & wait' & wait"
    async with running("sh", "-c", descending) as shell, agent_for(AgentScope(main_pid=shell)) as (agent, _):
        by_parent = {process.ppid: process for process in agent.hello.processes}
        line = [by_parent[os.getpid()]]
        while line[-1].pid in by_parent:
            line.append(by_parent[line[-1].pid])
        assert [process.name for process in line] == ["sh", "sh", "tail"]
        assert len(agent.hello.processes) == len(line)
        assert agent.hello.main_pid == line[0].pid == shell


async def test_without_a_scope_it_is_all_but_the_agent_and_its_children() -> None:
    async with agent_for(AgentScope()) as (agent, started):
        child = await agent.spawn(["sleep", "1000"], ladder=[("signal", "KILL", 5.0)])
        pids = {process.pid for process in await agent.processes()}
        assert os.getpid() in pids
        assert started.pid not in pids
        assert not [process for process in await agent.processes() if process.ppid == started.pid]
        await child.aclose()


async def test_odd_names_survive(tmp_path: Path) -> None:
    program = os.fsencode(tmp_path) + b"/a) R 1 (\xff"
    shutil.copy("/usr/bin/tail", program)
    async with running(os.fsdecode(program), *WAITING[1:]) as pid, agent_for(AgentScope(main_pid=pid)) as (agent, _):
        main = next(process for process in await agent.processes() if process.pid == pid)
        assert main.name == "a) R 1 (\\xff"
        assert main.exe == f"{tmp_path}/a) R 1 (\\xff"
        assert main.ppid == os.getpid()


@contextmanager
def zombie() -> Iterator[int]:
    """Have a process that has ended with exit code 3, and that nobody has waited for."""
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", "exit 3"], os.environ)
    try:
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        yield pid
    finally:
        os.waitpid(pid, 0)


async def test_one_that_has_ended_is_known_with_its_exit_status() -> None:
    with zombie() as pid:
        async with agent_for(AgentScope(main_pid=os.getpid())) as (agent, _):
            ended = (await agent.inspect(pid)).process
            running = (await agent.inspect(os.getpid())).process
    assert (ended.state, ended.has_ended, ended.exit_status) == ("Z", True, 3 << 8)
    assert (running.has_ended, running.exit_status) == (False, 0)


TRACE = (
    "import ctypes, sys, time; ctypes.CDLL(None).ptrace(0x4206, int(sys.argv[1]), None, None); print(1, flush=True); "
)


@pytest.mark.root
async def test_inspect_says_who_traces() -> None:
    async with running(*WAITING) as pid, agent_for(AgentScope(main_pid=pid)) as (agent, _):
        free = await agent.inspect(pid)
        assert (free.tracer, free.denial, free.process.pid) == (None, None, pid)
        async with running("/usr/bin/python3", "-c", TRACE + "time.sleep(1000)", str(pid)) as tracer:
            traced = await agent.inspect(pid)
            assert traced.tracer == f"python3 (pid {tracer})"
            assert traced.process.tracer_pid == tracer


@pytest.mark.root
async def test_inspect_says_what_right_is_missing() -> None:
    async with running(*WAITING) as pid:
        async with agent_for(AgentScope(main_pid=pid), *NOBODY, python="/usr/bin/python3") as (agent, _):
            assert agent.hello.uid == 65534
            assert agent.hello.processes[0].exe is None
            inspection = await agent.inspect(pid)
        text = f"process {pid} of uid 0 can't be traced by uid 65534: the capability SYS_PTRACE is missing"
        assert inspection.denial == text


THREADED = "import threading, time; threading.Thread(target=time.sleep, args=[1000]).start(); print(1, flush=True)"


@pytest.mark.root
@pytest.mark.parametrize(
    ("capabilities", "denial"),
    [
        ("-all,+sys_ptrace", "the capability DAC_OVERRIDE is missing"),
        ("-all,+sys_ptrace,+dac_override", "can't be stopped: the capability KILL is missing"),
        ("-all,+sys_ptrace,+dac_override,+kill", ""),
    ],
)
async def test_inspect_knows_what_threads_of_another_uid_need(capabilities: str, denial: str) -> None:
    limited = ("setpriv", f"--bounding-set={capabilities}")
    async with running(*NOBODY, "/usr/bin/python3", "-c", THREADED) as pid:
        scope = AgentScope(main_pid=pid)
        async with agent_for(scope, *limited, python="/usr/bin/python3") as (agent, _):
            inspection = await agent.inspect(pid)
    assert (inspection.denial or "").endswith(denial)
    assert bool(inspection.denial) == bool(denial)


@asynccontextmanager
async def in_own_namespaces() -> AsyncIterator[int]:
    """Run a process as number 1 of a PID namespace; yield its pid here."""
    unshare = ("unshare", "--pid", "--mount", "--fork", "--mount-proc", "--kill-child")
    async with running(*unshare, *WAITING) as outer:
        yield children(outer)[0]


@pytest.mark.root
async def test_another_pid_namespace_is_joined() -> None:
    async with in_own_namespaces() as pid, agent_for(AgentScope(main_pid=1, join_pid=pid)) as (agent, started):
        assert agent.hello.main_pid == 1
        assert agent.hello.pid < started.pid
        assert [process.name for process in agent.hello.processes] == ["tail"]
        assert await agent.read_file(1, "/proc/1/comm", 0, 100) == b"tail\n"


async def refusal(scope: AgentScope, *prefix: str) -> str:
    async with agent_process(*prefix, python="/usr/bin/python3") as started:
        with pytest.raises(UserError) as caught:
            await Agent.connect(started.transport, scope)
        assert await started.wait() == 1
    return str(caught.value)


@pytest.mark.root
async def test_a_namespace_that_may_not_be_joined_is_refused_with_the_right() -> None:
    async with in_own_namespaces() as pid:
        scope = AgentScope(main_pid=1, join_pid=pid)
        by_nobody = await refusal(scope, *NOBODY)
        assert by_nobody == f"can't look into process {pid}: the capability SYS_PTRACE is missing, run as root"
        without = await refusal(scope, "setpriv", "--bounding-set=-sys_admin")
        text = f"can't join the PID namespace of process {pid}: the capability SYS_ADMIN is missing, run as root"
        assert without == text


async def test_a_process_that_is_not_there_cannot_be_joined() -> None:
    assert await refusal(AgentScope(join_pid=4194304)) == "there is no process 4194304"
