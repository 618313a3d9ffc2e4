import subprocess
import sys
from pathlib import Path

import pytest

from dapbridge.runtimes.session_mark import has_ended, make_mark

REPOSITORY = Path(__file__).resolve().parents[2]
CODE = "from dapbridge.runtimes.session_mark import make_mark; print(make_mark(), flush=True); input()"


def test_the_mark_of_a_process_tells_its_end() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", CODE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stdout is not None
        mark = process.stdout.readline().rstrip("\n")
        assert not has_ended(mark)
        process.communicate("\n")
    assert has_ended(mark)


def test_a_pid_used_again_is_not_the_marked_process() -> None:
    assert not has_ended(make_mark())
    assert has_ended(f"{make_mark()}1")


@pytest.mark.parametrize("mark", ["", "x", "other-boot 4026531836/1 5", "/", "/1 5"])
def test_of_another_machines_process_nobody_knows(mark: str) -> None:
    assert not has_ended(mark)
