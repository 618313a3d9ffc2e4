"""How `dapbridge run` ends, and what then is true: its exit code, whole and valid reports, a target that runs on."""

import asyncio
import json
import os
import signal
from contextlib import closing
from pathlib import Path

import pytest
from support.engine import connect
from support.headless import Run, at
from support.reports import problems, read_junit
from support.serving import assert_whole
from support.targets import DockerTarget, running

pytestmark = pytest.mark.docker


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_command_and_run(tmp_path: Path, number: signal.Signals) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    # The report has the command's own text before it runs: what is waited for is no part of that.
    program = f"trap 'echo to\"\"ld; exit 5' INT TERM HUP; echo rea''dy; while :; do read line <{fifo}; done"
    command = ("sh", "-c", program)
    async with running("spin") as target:
        async with Run(tmp_path, target.name, "--break", at("spin.c", "work"), command=command) as run:
            await run.event("hit")
            await run.written("ready")
            run.send_signal(number)
            assert await run.exit_code() == 128 + number
        await assert_whole(target)
    assert run.all("command-ended")[0]["exit_code"] == 5
    assert "told" in run.stderr
    assert f"interrupted by {number.name}" in run.events[-1]["reason"]


async def test_a_signal_on_the_way_to_the_target(tmp_path: Path) -> None:
    async with running("spin") as target:
        async with Run(tmp_path, target.name, "--break", at("spin.c", "work")) as run:
            await run.event("progress", text="looking at the target's processes")
            run.send_signal(signal.SIGTERM)
            assert await run.exit_code() == 128 + signal.SIGTERM
        await assert_whole(target)
    assert run.all("command-started") == []


async def test_a_command_that_does_not_listen_is_killed_at_the_second_signal(tmp_path: Path) -> None:
    command = ("sh", "-c", "trap '' INT TERM; echo de''af; while :; do sleep 1; done")
    async with running("spin") as target:
        async with Run(tmp_path, target.name, command=command) as run:
            await run.event("command-started")
            await run.written("deaf")
            run.send_signal(signal.SIGINT)
            await run.event("warning")
            run.send_signal(signal.SIGINT)
            assert await run.exit_code() == 128 + signal.SIGINT
        await assert_whole(target)
    assert run.all("command-ended")[0]["exit_code"] == 128 + signal.SIGKILL


async def test_a_killed_run_leaves_a_valid_junit_file_and_a_whole_target(tmp_path: Path) -> None:
    async with running("spin") as target:
        async with Run(tmp_path, target.name, "--break", at("spin.c", "work"), "--max-hits", "0") as run:
            await run.event("hit", number=3)
            await run.kill()
        await assert_whole(target)
    suite = read_junit(run.junit_file)
    assert len(problems(suite)) == len(suite.findall("testcase")) == 2
    assert all("dapbridge was ended before the run was" in each for each in problems(suite).values())
    lines = run.json_file.read_text().splitlines()
    assert all(json.loads(line) for line in lines[:-1])


async def test_a_time_limit(tmp_path: Path) -> None:
    async with running("spin") as target:
        async with Run(tmp_path, target.name, "--timeout", "6", command=("sleep", "600")) as run:
            assert await run.exit_code() == 124
        await assert_whole(target)
    assert "error: the time limit of 6 s is over" in problems(run.junit())["sleep 600"]


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--no-such-option", "api"], 64, "No such option"),
        (["--break", "nowhere", "api"], 64, "'nowhere' is no place to break at"),
        (["api", "--on-hang", "3"], 64, "write one behind --"),
        ([], 64, "no target: name a container"),
        (["smtp://api"], 64, "'smtp://api' is no target"),
        (["api", "--follow", "pid://1"], 64, "pid://1 can't be followed"),
        (["api", "--junit", "/proc/nowhere/junit.xml"], 64, "a report can't be written"),
        (["no-such-container", "--on-crash"], 77, "no container named 'no-such-container'"),
    ],
    ids=["option", "probe", "hang", "target", "scheme", "follow", "report", "missing"],
)
async def test_what_cannot_be_is_said_with_its_exit_code(
    tmp_path: Path, arguments: list[str], code: int, text: str
) -> None:
    command = None if "--on-hang" in arguments else ("false",)
    async with Run(tmp_path, *arguments, command=command) as run:
        assert await run.exit_code() == code
    assert text in run.stderr
    assert run.all("command-started") == []


async def test_an_engine_that_does_not_answer_is_unavailable(tmp_path: Path) -> None:
    async with Run(tmp_path, "api", env={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"}, command=("false",)) as run:
        assert await run.exit_code() == 69
    assert "no Docker engine answers" in run.events[-1]["reason"]


async def test_a_paused_target_is_not_debuggable_and_the_others_are_let_go(tmp_path: Path) -> None:
    async with running("spin") as paused, running("threads") as other:
        paused.container.pause()
        try:
            async with Run(tmp_path, other.name, paused.name, command=("false",)) as run:
                assert await run.exit_code() == 77
        finally:
            paused.container.unpause()
        await assert_whole(paused)
        await assert_whole(other)
    assert "is paused; unpause it first" in run.events[-1]["reason"]
    assert run.all("command-started") == []


@pytest.mark.parametrize(("command", "code"), [("no-such-command", 127), ("/etc/passwd", 126)])
async def test_a_command_that_cannot_be_started(tmp_path: Path, command: str, code: int) -> None:
    async with running("spin") as target:
        async with Run(tmp_path, target.name, command=(command,)) as run:
            assert await run.exit_code() == code
        await assert_whole(target)
    assert command in run.events[-1]["reason"]


async def test_without_a_command_a_run_ends_with_its_target(tmp_path: Path) -> None:
    async with running("exit") as target:
        async with Run(tmp_path, target.name, "--break", at("exit.c", "leave"), "--expect", "hit", command=None) as run:
            await run.event("attached")
            target.trigger()
            assert await run.exit_code() == 0
        assert await target.wait_exit() == 7
    assert run.all("target-ended")[0]["exit_code"] == 7
    assert len(run.all("hit")) == 1


async def test_a_lost_debugger_is_said_and_proves_nothing(tmp_path: Path) -> None:
    async with running("host") as target:
        async with Run(tmp_path, target.name, "--break", at("host.c", "call"), "--expect", "no-hit") as run:
            await run.event("command-started")
            _kill_everything_in_the_sidecar_of(target)
            assert (await run.event("target-ended"))["lost"]
            assert await run.finish(0) == 65
        await target.assert_runs_on()
        assert target.sidecars() == []
    assert "was lost" in run.events[-1]["reason"]


async def test_a_target_whose_debugger_was_lost_is_attached_to_again(tmp_path: Path) -> None:
    # Its breakpoint is not run over while nobody is there to handle it.
    async with running("host") as target:
        async with Run(tmp_path, target.name, "--follow", "--break", at("host.c", "call"), "--expect", "hit") as run:
            await run.event("command-started")
            _kill_everything_in_the_sidecar_of(target)
            await run.event("attached", attempt=2)
            target.trigger()
            await run.event("hit")
            assert await run.finish(0) == 0
        await target.assert_runs_on()
        assert target.tracer_pids() == set()
        assert target.sidecars() == []
    assert run.all("target-ended")[0]["lost"]


async def test_a_restarted_container_is_followed(tmp_path: Path) -> None:
    async with running("spin") as target:
        probe = ("--break", f"{at('spin.c', 'work')} if round == 3", "--max-hits", "0")
        async with Run(tmp_path, target.name, "--follow", *probe) as run:
            await run.event("command-started")
            await asyncio.to_thread(target.container.restart, timeout=0)
            await run.event("attached", attempt=2)
            await run.event("hit")
            assert await run.finish(0) == 0
        await asyncio.to_thread(target.container.reload)
        assert target.container.status == "running"
        assert target.sidecars() == []
    assert run.all("target-ended")[0]["exit_code"] == 137


async def test_a_container_that_is_made_anew_under_its_name_is_followed(tmp_path: Path) -> None:
    async with running("spin") as target:
        image = target.container.attrs["Config"]["Image"]
        probe = ("--log", f"{at('spin.c', 'report')}: {{counter}}", "--max-hits", "0", "--expect", "hit")
        async with Run(tmp_path, target.name, "--follow", *probe) as run:
            await run.event("command-started")
            await asyncio.to_thread(target.container.remove, force=True)
            await run.event("target-ended")
            seen = len(run.all("log"))
            # As compose does it: made under another name, renamed, started.
            with closing(connect()) as docker:
                made = docker.containers.create(image, name=f"{target.name}-new", network_mode="none")
                try:
                    made.rename(target.name)
                    made.start()
                    await run.event("attached", attempt=2)
                    await run.event("log", number=seen + 1)
                    assert await run.finish(0) == 0
                finally:
                    made.remove(force=True)


def _kill_everything_in_the_sidecar_of(target: DockerTarget) -> None:
    with closing(connect()) as docker:
        (sidecar,) = docker.containers.list(filters={"label": f"dapbridge.target-name={target.name}"})
        listed = sidecar.top(ps_args="-eo pid,comm")["Processes"]
    pids = {name: int(pid) for pid, name in listed}
    # The agent must not see gdb's end, nor gdb the agent's: either would put things right by itself.
    os.kill(pids["python3"], signal.SIGSTOP)
    os.kill(pids["gdb"], signal.SIGKILL)
    os.kill(pids["python3"], signal.SIGKILL)
