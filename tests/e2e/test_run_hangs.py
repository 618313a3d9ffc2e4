"""`dapbridge run` beside an integration test of a real service, which locks itself up or crashes under it."""

import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from support.headless import Run
from support.marks import PROGRAMS, mark
from support.serving import assert_whole
from support.targets import DockerTarget, running

pytestmark = [pytest.mark.docker, pytest.mark.root]

# An integration test in Python, as one would write it: requests of two clients at once.
_TEST = """
import socket, sys, threading
def ask(request):
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(sys.argv[1])
        client.sendall(request.encode() + b"\\n")
        answer = client.makefile().readline().strip()
        print(request, "->", answer or "no answer", flush=True)
        if not answer:
            failed.append(request)
failed = []
for together in sys.argv[2:]:
    print("asking", together, flush=True)
    clients = [threading.Thread(target=ask, args=(each,)) for each in together.split(",")]
    for each in clients:
        each.start()
    for each in clients:
        each.join()
sys.exit(1 if failed else 0)
"""


def integration_test(target: DockerTarget, *requests: str) -> tuple[str, ...]:
    """Return the command of a test that sends requests, those with commas between them at once."""
    return (sys.executable, "-c", _TEST, f"/proc/{target.pid}/root/tmp/service.sock", *requests)


async def test_a_test_that_passes_beside_a_service(tmp_path: Path) -> None:
    async with running("service") as target:
        probe = ("--break-function", "transfer if from->balance > 0", "--capture", "from->owner", "--expect", "hit")
        command = integration_test(target, "balance 1", "transfer 0 1")
        async with Run(tmp_path, target.name, *probe, command=command) as run:
            assert await run.exit_code() == 0
        await assert_whole(target)
    (hit,) = run.all("hit")
    assert '"ada"' in hit["captures"][0]["value"]
    assert "transfer 0 1 -> 99" in run.stderr


async def test_a_deadlock_shows_what_all_threads_wait_for(tmp_path: Path) -> None:
    async with running("service") as target:
        command = integration_test(target, "transfer 0 1,transfer 1 0")
        rule = ("--substitute-path", f"{PROGRAMS}=/build/src")
        async with Run(tmp_path, target.name, *rule, "--on-hang", "2", "--expect", "no-hit", command=command) as run:
            await run.written("asking")
            number = 1
            # On a busy machine COMMAND may be silent before it has begun.
            while len(locked := in_second_lock(hit := await run.event("hit", number=number))) < 2:
                number += 1
            # COMMAND goes on: it is somebody else's to end it.
            run.send_signal(signal.SIGTERM)
            assert await run.exit_code() == 128 + signal.SIGTERM
        await assert_whole(target)
    assert "no output of COMMAND for 2 s" in hit["reason"]
    assert all(thread["name"].startswith("client") for thread in locked)
    assert {thread["name"].split(" ")[0] for thread in hit["threads"]} == {"service", "acceptor", "client"}


def in_second_lock(hit: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the threads that wait for their second lock."""
    line = (str(PROGRAMS / "service.c"), mark("service.c", "second-lock"))
    return [
        thread
        for thread in hit["threads"]
        if any((frame.get("path"), frame.get("line")) == line for frame in thread["frames"])
    ]


async def test_a_crash_under_the_test_is_shown_and_the_tests_own_exit_code_stays(tmp_path: Path) -> None:
    async with running("service") as target:
        command = integration_test(target, "balance 2", "crash")
        async with Run(tmp_path, target.name, "--on-crash", command=command) as run:
            assert await run.exit_code() == 1
        assert await target.wait_exit() == 139
        await target.wait_until_alone()
    (hit,) = run.all("hit")
    assert [each["function"] for each in hit["thread"]["frames"][:2]] == ["answer", "serve"]
    assert "crash -> no answer" in run.stderr
