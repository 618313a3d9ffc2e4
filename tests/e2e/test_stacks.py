"""`dapbridge stacks` and `watch` against real containers: what they show, how they fail, and that nothing is left."""

import asyncio
import json
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.marks import mark
from support.targets import DockerTarget, running, running_process
from support.tracer import tracer_of

pytestmark = [pytest.mark.docker, pytest.mark.root]

LIMIT_S = 60.0
SOURCE = "stuck.cpp"


@asynccontextmanager
async def dapbridge(*arguments: str, **environment: str) -> AsyncIterator[Process]:
    """Run the command line; it is killed if it has not ended at the end of the block."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "dapbridge", *arguments), stdout=PIPE, stderr=PIPE, env={**os.environ, **environment}
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
    """Run the command line to its end; return its exit code, stdout and stderr."""
    async with dapbridge(*arguments, **environment) as process:
        async with asyncio.timeout(LIMIT_S):
            stdout, stderr = await process.communicate()
        assert process.returncode is not None
        assert b"Traceback" not in stderr, stderr.decode()
        return process.returncode, stdout.decode(), stderr.decode()


async def report_of(target: str, *options: str) -> dict[str, Any]:
    """Return the report of one target."""
    code, stdout, stderr = await run("stacks", "--json", *options, target)
    assert code == 0, stderr
    report: dict[str, Any] = json.loads(stdout)
    return report


def by_name(report: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {thread["name"]: thread for thread in report["threads"]}


def frame_in(thread: dict[str, Any], path: str) -> dict[str, Any]:
    """Return the innermost frame of a thread in a source."""
    return next(frame for frame in thread["frames"] if frame.get("path") == path)


async def until_hung(target: DockerTarget) -> None:
    """Wait until the threads of `stuck` stand where they will stand."""
    await target.lines.wait_for("tick 3")


async def test_a_service_that_hangs() -> None:
    """Another libc than the sidecar's, an ordinary user, an image with nothing else in it."""
    async with running("stuck", read_only=True, tmpfs={"/tmp": "mode=1777"}) as target:
        await until_hung(target)
        report = await report_of(target.name, "--substitute-path", "/home/me/api=/build/src")
        await target.assert_let_go()
    threads = by_name(report)
    source = f"/home/me/api/{SOURCE}"
    left, right = threads["left"], threads["right"]
    waits = {
        name: (each["wait"]["text"], each["wait"].get("thread")) for name, each in threads.items() if "wait" in each
    }
    assert waits["left"][1] == right["id"]
    assert re.fullmatch(rf"waits for mutex 0x[0-9a-f]+, held by 'left' \({left['id']}\)", waits["right"][0])
    assert waits["stuck"] == (f"waits for the end of 'left' ({left['id']})", left["id"])
    assert re.fullmatch(r"reads fd \d+ \(pipe:\[\d+\]\)", waits["server"][0])
    assert re.fullmatch(r"accepts on fd \d+ \(tcp 127\.0\.0\.1:8080\)", waits["acceptor"][0])
    assert re.fullmatch(r"waits for epoll of 1: \d+ \(fd \d+\)", waits["poller"][0])
    assert waits["idle-0"][0].startswith("waits for condition variable 0x")
    assert waits["ticker"][0] == "sleeps"
    assert [set(ring) for ring in report["deadlocks"]] == [{left["id"], right["id"]}]
    lines = {
        name: frame_in(threads[name], source)["line"] for name in ("left", "right", "server", "acceptor", "idle-4")
    }
    marks = {"left": "deadlock", "right": "deadlock", "server": "serve", "acceptor": "accept", "idle-4": "idle"}
    assert lines == {name: mark(SOURCE, at) for name, at in marks.items()}
    idle = {threads[f"idle-{number}"]["id"] for number in range(5)}
    assert idle in [set(group) for group in report["groups"]]
    assert set(report["groups"][0]) <= {left["id"], right["id"]}
    assert all(
        thread["frames"][-1]["function"] in ("clone", "clone3") for thread in threads.values() if thread["id"] != 1
    )
    assert report["target"] == target.uri
    assert report["stood_still_ms"] > 0


async def test_text_and_page(tmp_path: Path) -> None:
    page = tmp_path / "stacks.html"
    async with running("stuck", read_only=True, tmpfs={"/tmp": "mode=1777"}) as target:
        await until_hung(target)
        code, stdout, _ = await run("stacks", target.name, "--html", str(page))
        await target.assert_let_go()
    assert code == 0
    assert re.match(rf"{target.uri}, process 1 \(/stuck\): \d+ threads; it stood still for [\d.]+ ms at ", stdout)
    assert re.search(r"^deadlock: '(left|right)' \(\d+\) waits for '(left|right)' ", stdout, re.MULTILINE)
    assert re.search(r"^5 threads: 'idle-0' \(\d+\), .*\n  waits for condition variable\n  #0 ", stdout, re.MULTILINE)
    assert f"  serve()  /build/src/{SOURCE}" not in stdout
    html = page.read_text()
    assert "<b>Deadlock</b>" in html
    assert f"/build/src/{SOURCE}:{mark(SOURCE, 'serve')}" in html


async def test_locals_with_what_they_point_to() -> None:
    async with running("stuck", read_only=True, tmpfs={"/tmp": "mode=1777"}) as target:
        await until_hung(target)
        report = await report_of(target.name, "--locals")
        await target.assert_let_go()
    server = frame_in(by_name(report)["server"], f"/build/src/{SOURCE}")
    values = {each["name"]: each["value"] for each in server["variables"]}
    # It is too long to lie in the string itself, that is on the stack.
    assert values["order"] == '"order 42 of a customer with a name that is long"'
    number = next(each for each in server["variables"] if each["name"] == "number")
    assert number == {"name": "number", "value": "42", "type": "int", "argument": True}


async def test_a_program_without_symbols() -> None:
    async with running("stuck_stripped") as target:
        await until_hung(target)
        report = await report_of(target.name)
        await target.assert_let_go()
    threads = by_name(report)
    assert any("stripped" in note for note in report["notes"])
    assert [set(ring) for ring in report["deadlocks"]] == [{threads["left"]["id"], threads["right"]["id"]}]
    assert all(len(thread["frames"]) > 2 for thread in threads.values())


async def test_500_threads_of_a_static_program() -> None:
    async with running("many", "stand", "500", "/tmp/trigger") as target:
        report = await report_of(target.name)
        await target.assert_let_go()
    assert len(report["threads"]) == 501
    assert len(report["groups"][0]) == 500
    assert {thread["name"] for thread in report["threads"]} >= {f"stands-{number}" for number in range(500)}


async def test_a_process_of_this_host(compiled: Callable[[str], Path]) -> None:
    async with running_process(compiled(SOURCE), "/none", user=4711) as target:
        await target.lines.wait_for("tick 3")
        code, stdout, stderr = await run("stacks", "--collapsed", target.uri)
        assert code == 0, stderr
        await target.assert_let_go()
    counts = dict(line.rsplit(" ", 1) for line in stdout.splitlines())
    assert sum(map(int, counts.values())) == 14
    assert [count for stack, count in counts.items() if "::idle;" in stack] == ["5"]


async def test_several_targets_of_which_one_is_not_there(tmp_path: Path) -> None:
    async with running("stuck") as one, running("many", "stand", "3", "/tmp/trigger") as other:
        code, stdout, stderr = await run("stacks", "--json", one.name, "no-such-container", other.name)
        assert code == 77
        assert [json.loads(line)["target"] for line in stdout.splitlines()] == [one.uri, other.uri]
        assert "Error: no container named 'no-such-container'" in stderr
        await one.assert_let_go()
        await other.assert_let_go()


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        ((), 64, "Missing argument 'TARGET...'"),
        (("--odd", "api"), 64, "No such option '--odd'"),
        (("--json", "--collapsed", "api"), 64, "--json and --collapsed exclude each other"),
        (("--substitute-path", "/src", "api"), 64, "'/src' is no rule: write FROM=TO"),
        (("odd://api",), 64, "'odd://api' is no target"),
        (("podman://api",), 69, "podman:// targets are not supported yet"),
        (("pid://4194304",), 77, "there is no process 4194304 on this host"),
    ],
)
async def test_what_can_not_be_done_is_told_with_an_exit_code(arguments: tuple[str, ...], code: int, text: str) -> None:
    found, stdout, stderr = await run("stacks", *arguments)
    assert (found, stdout) == (code, "")
    assert text in stderr


async def test_without_an_engine() -> None:
    code, _, stderr = await run("stacks", "api", DOCKER_HOST="tcp://127.0.0.1:9")
    assert code == 69
    assert stderr.startswith("Error: no Docker engine answers (DOCKER_HOST, tcp://127.0.0.1:9)")


async def test_a_paused_target_is_refused() -> None:
    async with running("stuck") as target:
        await asyncio.to_thread(target.container.pause)
        code, _, stderr = await run("stacks", target.name)
        await asyncio.to_thread(target.container.unpause)
        assert code == 77
        assert "is paused" in stderr
        await target.assert_let_go()


async def test_a_target_that_does_not_run_is_refused() -> None:
    async with running("exit", "3", "/tmp/trigger") as target:
        target.trigger()
        await target.wait_exit()
        code, _, stderr = await run("stacks", target.name)
        assert code == 77
        assert f"container '{target.name}' is not running: exited with exit code 3" in stderr


async def test_a_target_that_somebody_traces_is_refused() -> None:
    async with running("stuck") as target:
        async with tracer_of(target.pid):
            code, _, stderr = await run("stacks", target.name)
        assert code == 77
        # It is in another PID namespace, where the agent can't see it.
        refused = (
            "Error: can't take a snapshot of process 1: Operation not permitted (the kernel refused ptrace: a debugger"
        )
        assert stderr.splitlines()[-1].startswith(refused)
        await target.assert_let_go()


async def lines_of(process: Process, wanted: str) -> list[str]:
    """Read the process's lines up to one that matches."""
    assert process.stdout is not None
    seen: list[str] = []
    try:
        async with asyncio.timeout(LIMIT_S):
            while not (seen and re.search(wanted, seen[-1])):
                line = await process.stdout.readline()
                assert line, f"it ended before {wanted!r}: {seen[-20:]}"
                seen.append(line.decode().rstrip("\n"))
    except TimeoutError:
        raise AssertionError(f"no line like {wanted!r}, but {seen[-40:]}") from None
    return seen


async def test_watching_shows_what_changes_until_ctrl_c() -> None:
    async with running("stuck", tmpfs={"/tmp": "mode=1777"}) as target:
        await until_hung(target)
        async with dapbridge("watch", target.name, "--interval", "0.2") as process:
            await lines_of(process, r"^= same place for [\d.]+ s[^:]*: .*'left'")
            target.trigger()
            await lines_of(process, r"^- ended: 'leaver'")
            await lines_of(process, r"^(\+ new|= same place for [\d.]+ s)[^:]*: .*'late'")
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(LIMIT_S):
                _, stderr = await process.communicate()
            assert process.returncode == 130
            assert stderr.decode().endswith("interrupted\n")
        await target.assert_let_go()


async def test_watching_a_target_that_ends() -> None:
    async with running("exit", "3", "/tmp/trigger") as target:
        async with dapbridge("watch", target.name, "--interval", "0.2") as process:
            await lines_of(process, r"^= same place")
            target.trigger()
            async with asyncio.timeout(LIMIT_S):
                _, stderr = await process.communicate()
            assert stderr.decode().splitlines()[-1].startswith("Error: the target has ended with exit code 3")
            assert process.returncode == 77


async def test_the_sidecar_is_killed_meanwhile() -> None:
    async with running("stuck") as target:
        async with dapbridge("watch", target.name, "--interval", "0.2") as process:
            await lines_of(process, r"^= same place")
            (sidecar,) = await asyncio.to_thread(target.sidecars)
            await asyncio.to_thread(sidecar.kill)
            async with asyncio.timeout(LIMIT_S):
                _, stderr = await process.communicate()
            assert process.returncode == 69
            assert stderr.decode().splitlines()[-1].startswith("Error: the sidecar has ended: ")
        await target.assert_runs_on()


async def test_who_watches_is_killed() -> None:
    async with running("stuck") as target:
        async with dapbridge("watch", target.name, "--interval", "0.1") as process:
            await lines_of(process, r"^= same place")
            process.kill()
            await process.wait()
        await target.assert_let_go()


async def test_goroutines_with_their_locals() -> None:
    async with running("go_gophers") as target:
        report = await report_of(target.name, "--locals")
        await target.assert_let_go()
    assert report["unit"] == "goroutine"
    assert "notes" not in report
    work = [each for each in report["threads"] if any(frame["function"] == "main.work" for frame in each["frames"])]
    assert len(work) == 3
    assert {each["name"] for each in work} == {"main.main"}
    at = [next(frame for frame in each["frames"] if frame["function"] == "main.work") for each in work]
    assert {frame["path"] for frame in at} == {"/build/src/gophers.go"}
    names = {
        re.search('Name: "(\\w+)"', each["value"])[1]
        for frame in at
        for each in frame["variables"]
        if each["name"] == "gopher"
    }  # type: ignore[index]
    assert names == {"Ada", "Bob", "Eve"}
    asleep = [each for each in report["threads"] if each.get("wait", {}).get("text") == "sleeps"]
    assert {each["frames"][1]["function"] for each in asleep} == {"time.Sleep"}


async def test_a_go_program_that_delve_can_not_read_has_threads() -> None:
    async with running("go_stripped") as target:
        code, stdout, stderr = await run("stacks", target.name)
        assert code == 0, stderr
        await target.assert_let_go()
    assert re.search(r"^note: goroutines can't be shown \(.+\): these are the threads", stdout, re.MULTILINE)
    assert re.search(r"^1 thread: 'go_stripped' \(1\)$", stdout, re.MULTILINE)
