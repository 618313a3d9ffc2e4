import json
from pathlib import Path

import msgspec
import pytest

from dapbridge.agent.facts import Process
from dapbridge.config import SubstitutePathRule
from dapbridge.editors.files import PLACES, make_entry, write_entry
from dapbridge.editors.looking import Findings, name_process
from dapbridge.errors import UserError

MAIN = Process(1, 0, "sh", ("sh", "-c", "run all"), "/bin/sh", 0, 0, "S", 1, 0, 0, 10, False, 0)
WORKER = msgspec.structs.replace(MAIN, pid=7, ppid=1, name="worker", command=("/srv/worker", "--queue", "a.b"))
OTHER = msgspec.structs.replace(WORKER, pid=8, command=("/srv/worker", "--queue", "aXb"))
FOUND = Findings("docker://api", MAIN, None, 1, None, "gdb")
ENTRY = {"type": "dapbridge", "request": "attach", "target": "docker://api", "engine": "gdb"}


def test_an_entry_says_what_was_found_and_nothing_more() -> None:
    folder = Path("/home/me/shop")
    assert make_entry(PLACES["vscode"], msgspec.structs.replace(FOUND, engine=None), folder) == {
        "type": "dapbridge",
        "request": "attach",
        "target": "docker://api",
    }
    rules = (SubstitutePathRule("/home/me/shop/src", "/build"), SubstitutePathRule("/home/me/shop", "/app"))
    findings = msgspec.structs.replace(FOUND, wanted_process="worker", rules=rules)
    assert make_entry(PLACES["zed"], findings, folder) == {
        "adapter": "GDB",
        "request": "attach",
        "target": "docker://api",
        "process": "worker",
        "engine": "gdb",
        "substitutePath": [
            {"from": "$ZED_WORKTREE_ROOT/src", "to": "/build"},
            {"from": "$ZED_WORKTREE_ROOT", "to": "/app"},
        ],
    }


@pytest.mark.parametrize(
    ("wanted", "process", "name"),
    [
        ("work.*b", WORKER, "work.*b"),
        (7, WORKER, r"^/srv/worker \-\-queue a\.b$"),
        (1, MAIN, "sh"),
    ],
)
def test_a_process_is_named_by_what_outlives_a_restart(wanted: int | str, process: Process, name: str) -> None:
    assert name_process(wanted, process, [MAIN, WORKER, OTHER]) == name


def test_a_process_that_only_its_pid_tells_from_another() -> None:
    assert name_process(8, OTHER, [WORKER, msgspec.structs.replace(WORKER, pid=8)]) == 8


@pytest.mark.parametrize("editor", PLACES)
def test_a_new_file_for_each_editor(tmp_path: Path, editor: str) -> None:
    place = PLACES[editor]
    entry = make_entry(place, FOUND, tmp_path)
    written = write_entry(place, entry, tmp_path, "Attach to api")
    assert (written.file, written.name, written.is_new) == (tmp_path / place.file, "Attach to api", True)
    value = json.loads(written.file.read_text())
    entries = value if place.list_key is None else value[place.list_key]
    assert entries == [{place.name_key: "Attach to api", **entry}]


def test_a_second_run_changes_nothing(tmp_path: Path) -> None:
    file = tmp_path / ".vscode/launch.json"
    file.parent.mkdir()
    # Somebody has shortened the target, named it and added to it.
    file.write_text('{"configurations": [{"name": "mine", "type": "dapbridge", "target": "api", "maxPause": 3}]} // x')
    before = file.read_bytes()
    written = write_entry(PLACES["vscode"], ENTRY, tmp_path, "Attach to api")
    assert (written.name, written.is_new) == ("mine", False)
    assert file.read_bytes() == before


def test_another_process_and_another_target_are_added_under_free_names(tmp_path: Path) -> None:
    place = PLACES["vscode"]
    for entry in (ENTRY, {**ENTRY, "process": "worker"}, {**ENTRY, "target": "docker://web"}):
        assert write_entry(place, entry, tmp_path, "Attach to api").is_new
    present = json.loads((tmp_path / place.file).read_text())["configurations"]
    assert [each["name"] for each in present] == ["Attach to api", "Attach to api 2", "Attach to api 3"]


def test_a_linked_file_stays_a_link_with_its_permissions(tmp_path: Path) -> None:
    real = tmp_path / "shared.json"
    real.write_text("// team\n{}\n")
    real.chmod(0o640)
    (tmp_path / ".vscode").mkdir()
    link = tmp_path / ".vscode/launch.json"
    link.symlink_to(real)
    assert write_entry(PLACES["vscode"], ENTRY, tmp_path, "Attach to api").is_new
    assert link.is_symlink()
    assert real.read_text().startswith("// team\n{")
    assert real.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] in (["shared.json", ".vscode"], [".vscode", "shared.json"])


@pytest.mark.parametrize("text", ["{", "[]", '{"configurations": 1}', '"text"', "\udcff"])
def test_a_file_that_is_not_understood_is_left_alone(tmp_path: Path, text: str) -> None:
    file = tmp_path / ".vscode/launch.json"
    file.parent.mkdir()
    file.write_bytes(before := text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=r"launch\.json (is not understood, and was left as it is|can't be read)"):
        write_entry(PLACES["vscode"], ENTRY, tmp_path, "Attach to api")
    assert file.read_bytes() == before
