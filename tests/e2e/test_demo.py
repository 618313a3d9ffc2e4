"""`fixtures/demo.py`, what `make demo` runs: the facts that it prints, and that nothing is left of it."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import pytest
from support import procfs
from support.engine import connect
from support.marks import FIXTURES, mark

pytestmark = pytest.mark.root

ROOT = FIXTURES.parent
DEMO = (sys.executable, str(FIXTURES / "demo.py"))
NO_NAMESPACES = ("setpriv", "--bounding-set", "-sys_admin")
LIMIT_S = 100


def start(*command: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
    environment = {**os.environ, **(env or {}), "PYTHONPATH": str(ROOT)}
    return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=-1, stderr=subprocess.STDOUT, text=True)


def run(*command: str, env: Mapping[str, str] | None = None) -> tuple[int, str]:
    with start(*command, env=env) as demo:
        output, _ = demo.communicate(timeout=LIMIT_S)
        return demo.returncode, output


def assert_shows_the_main_job(output: str) -> None:
    work, after = mark("spin.c", "work"), mark("spin.c", "work-next")
    for fact in (
        f"breakpoint at spin.c:{work}, verified",
        f"Stopped (breakpoint): work(), fixtures/programs/spin.c:{work}",
        f"❱  {work}     int change = middle(&job, round);",
        f"#0  work  fixtures/programs/spin.c:{work}",
        "#1  main  fixtures/programs/spin.c:",
        "home = {x = 3, y = 4}  struct point",
        "color = BLUE  enum color",
        f"Stopped (step): work(), fixtures/programs/spin.c:{after}",
        "✓ nobody traces it, nothing has stopped it",
    ):
        assert fact in output, output
    # What the program computes from the round that the demo shows, and from there it has gone on.
    number = int(get(output, r"round = (\d+)  int"))
    assert int(get(output, r"change \+ job\.where\.x = (-?\d+)")) == 4 * number + ord("l") - (number % 8 + 1)
    stopped = int(get(output, r"it was stopped in round (\d+)"))
    ticks = get(output, r"✓ the program runs on: tick (\d+, tick \d+)").split(", tick ")
    assert stopped < int(ticks[0]) < int(ticks[1])
    assert "✗" not in output


def get(output: str, pattern: str) -> str:
    found = re.search(pattern, output)
    assert found, f"no {pattern} in: {output}"
    return found[1]


def assert_nothing_left(output: str) -> None:
    if uri := re.search(r"pid://(\d+)", output):
        assert not Path(f"/proc/{uri[1]}").exists()
    demo_targets = [pid for pid in procfs.pids() if "dapbridge-demo-" in " ".join(procfs.command(pid))]
    assert not demo_targets, [procfs.command(pid) for pid in demo_targets]
    if name := re.search(r"dapbridge-demo-[0-9a-f]{6}", output):
        with closing(connect()) as engine:
            assert not engine.containers.list(all=True, filters={"name": name[0]}, ignore_removed=True)
            assert not engine.images.list(name[0])


@pytest.mark.docker
def test_in_a_container() -> None:
    code, output = run(*DEMO, "--runtime", "docker")
    assert code == 0, output
    assert_shows_the_main_job(output)
    assert "alone in a container FROM scratch, as uid 1000" in output
    assert "✓ no process, not even a zombie, is left beside it" in output
    assert "✓ no sidecar is left" in output
    assert_nothing_left(output)


def test_in_namespaces_of_its_own() -> None:
    code, output = run(*DEMO, "--runtime", "pid")
    assert code == 0, output
    assert_shows_the_main_job(output)
    assert "in PID and mount namespaces of its own" in output
    assert "✓ no process, not even a zombie, is left beside it" in output
    assert_nothing_left(output)


def test_where_namespaces_are_refused() -> None:
    code, output = run(*NO_NAMESPACES, *DEMO, "--runtime", "pid")
    assert code == 0, output
    assert_shows_the_main_job(output)
    assert "no namespaces of its own for the target" in output
    assert "in the same namespaces as this demo" in output
    assert_nothing_left(output)


def test_without_an_engine_the_target_is_a_process() -> None:
    code, output = run(*DEMO, env={"DOCKER_HOST": "tcp://127.0.0.1:9"})
    assert code == 0, output
    assert "Without Docker" in output
    assert_shows_the_main_job(output)
    assert_nothing_left(output)


def test_docker_asked_for_and_not_there_is_said() -> None:
    code, output = run(*DEMO, "--runtime", "docker", env={"DOCKER_HOST": "tcp://127.0.0.1:9"})
    assert (code, output.splitlines()[-1]) == (1, "The demo has failed: no Docker engine answers")


def test_a_missing_compiler_is_said() -> None:
    code, output = run(*DEMO, env={"PATH": "/nonexistent"})
    assert code == 1
    assert output.splitlines()[-1] == (
        "The demo has failed: gcc is missing: apt-get install gcc libc6-dev, or `make demo`, which does it"
    )


@pytest.mark.parametrize("runtime", [pytest.param("docker", marks=pytest.mark.docker), "pid"])
def test_ctrl_c_lets_go_and_leaves_nothing(runtime: str) -> None:
    with start(*DEMO, "--runtime", runtime) as demo:
        assert demo.stdout
        seen = ""
        for line in demo.stdout:
            seen += line
            if "attached in" in line:
                break
        demo.send_signal(signal.SIGINT)
        rest, _ = demo.communicate(timeout=LIMIT_S)
    assert demo.returncode == 130, seen + rest
    assert rest.splitlines()[-1] == "interrupted; everything was let go and removed"
    assert "Traceback" not in rest
    assert_nothing_left(seen)
