"""What the MI server on LLDB needs of an image; where something is missing it says so to every command. No debugger."""

import io
import os
from pathlib import Path

import pytest

from dapbridge.agent.remote.lldb_mi import fitness
from dapbridge.agent.remote.lldb_mi.output import Output


def make_program(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(0o755)
    return path


def test_every_command_is_answered_with_the_problem_up_to_the_exit() -> None:
    read_end, write_end = os.pipe()
    lines = io.StringIO('1-x-prepare\nnonsense\n2-file-exec-and-symbols "/proc/1/exe"\n3-gdb-exit\n4-x-threads\n')
    fitness.refuse(fitness.UnfitImageError('no "lldb"'), lines, Output(write_end))
    os.close(write_end)
    with open(read_end) as output:
        answers = [line for line in output.read().splitlines() if not line.startswith("(gdb)")]
    assert answers == [rf'{token}^error,msg="no \"lldb\""' for token in (1, 2, 3)]


def test_the_lldb_server_beside_the_module_is_taken_before_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = make_program(tmp_path / "llvm-22/lib/python3.13/site-packages/lldb/__init__.py").parent
    beside = make_program(tmp_path / "llvm-22/bin/lldb-server")
    make_program(tmp_path / "bin/lldb-server-23")
    (tmp_path / "packages").mkdir()
    # As Debian has it: a link to the module is what Python finds.
    (tmp_path / "packages/lldb").symlink_to(module)
    monkeypatch.syspath_prepend(tmp_path / "packages")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    assert fitness.find_lldb_server() == str(beside)


def test_else_it_is_the_newest_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fitness, "_above_module", lambda: iter(()))
    for name in ("lldb-server", "lldb-server-9", "lldb-server-21", "lldb-server-21.1.8", "lldb-22"):
        make_program(tmp_path / "bin" / name)
    monkeypatch.setenv("PATH", f"{tmp_path}/nowhere:{tmp_path}/bin")
    assert fitness.find_lldb_server() == f"{tmp_path}/bin/lldb-server-21"


@pytest.mark.parametrize(("text", "version"), [("lldb version 19.1.7", "19.1.7"), ("lldb-23.1.0git (x)", "23.1.0")])
def test_a_version_is_found_in_what_is_said_of_it(text: str, version: str) -> None:
    assert fitness.version_of(text) == version


def test_a_version_with_a_known_fault_is_warned_of() -> None:
    assert "202087" in fitness.warning_of("lldb version 22.1.8")
    assert fitness.warning_of("lldb version 19.1.7") == ""
