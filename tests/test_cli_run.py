from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dapbridge.cli import main
from dapbridge.headless.outputs import Outputs
from dapbridge.headless.plan import Plan
from dapbridge.headless.probes import Probe


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[list[tuple[Plan, Outputs]]]:
    """What a run was started with; it ends with 42."""
    found: list[tuple[Plan, Outputs]] = []

    def run_plan(*arguments: Any) -> int:
        found.append(arguments)  # type: ignore[arg-type]
        return 42

    monkeypatch.setattr("dapbridge.headless.main.run_plan", run_plan)
    monkeypatch.chdir(tmp_path)
    return found


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["run", *arguments])


def test_what_stands_behind_a_probe_belongs_to_it(planned: list[tuple[Plan, Outputs]]) -> None:
    result = run(
        *("--max-hits", "3", "--capture", "errno"),
        *("api", "--break", "src/api.c:12 if n", "--expect", "hit", "--capture", "n"),
        *("--on-crash", "--expect", "no-hit", "worker", "--max-hits", "1"),
        *("--log", "/abs/b.c:7: {n}", "--watch", "total", "--on-hang", "2.5", "--break-function", "f"),
        *("--", "pytest", "--break", "x", "--", "-v"),
    )
    assert result.exit_code == 42, result.output
    ((plan, _),) = planned
    here = Path.cwd()
    common: dict[str, Any] = {"capture": ("errno",), "max_hits": 3}
    assert plan.targets == ("api", "worker")
    assert plan.command == ("pytest", "--break", "x", "--", "-v")
    assert plan.probes == {
        1: Probe(
            "break",
            path=f"{here}/src/api.c",
            written_path="src/api.c",
            line=12,
            condition="n",
            capture=("errno", "n"),
            max_hits=3,
            expect="hit",
        ),
        2: Probe("crash", capture=("errno",), max_hits=1, expect="no-hit"),
        3: Probe("log", path="/abs/b.c", written_path="/abs/b.c", line=7, message="{n}", **common),
        4: Probe("watch", expression="total", **common),
        5: Probe("hang", silence_s=2.5, **common),
        6: Probe("function", function="f", **common),
    }


def test_attributes_and_reports(planned: list[tuple[Plan, Outputs]]) -> None:
    options = ("--process", "7", "--engine", "gdb", "--substitute-path", "/a=/b", "--depth", "4", "--timeout", "60")
    reports = ("--json", "--json-file", "r.jsonl", "--junit", "j.xml", "--github", "--follow")
    assert run("api", *options, *reports).exit_code == 42
    ((plan, outputs),) = planned
    arguments = plan.attach_arguments("api", stop_on_entry=True)
    assert arguments == {
        "target": "api",
        "stopOnEntry": True,
        "maxPause": 30,
        "process": "7",
        "engine": "gdb",
        "substitutePath": [{"from": "/a", "to": "/b"}],
    }
    assert (plan.depth, plan.timeout_s, plan.follow, plan.command) == (4, 60, True, ())
    assert outputs == Outputs(json_out=True, json_file=Path("r.jsonl"), junit=Path("j.xml"), github=True)


def test_the_file_of_the_current_folder_and_the_command_line_add_up(planned: list[tuple[Plan, Outputs]]) -> None:
    Path("dapbridge.yml").write_text("targets: [api]\nprobes: [{break: a.c:1}]\ncommand: make test\ntimeout: 5\n")
    assert run("--on-crash", "--timeout", "7").exit_code == 42
    ((plan, _),) = planned
    assert plan.targets == ("api",)
    assert [each.kind for each in plan.probes.values()] == ["break", "crash"]
    assert plan.probes[1].path == f"{Path.cwd()}/a.c"
    assert plan.command == ("sh", "-c", "make test")
    assert plan.timeout_s == 7


def test_paths_in_a_file_are_seen_from_its_folder(planned: list[tuple[Plan, Outputs]]) -> None:
    Path("ci").mkdir()
    Path("ci/probes.yml").write_text("probes: [{break: ../a.c:1}]")
    assert run("api", "--file", "ci/probes.yml").exit_code == 42
    assert planned[0][0].probes[1].path == f"{Path.cwd()}/a.c"


def test_a_file_from_stdin(planned: list[tuple[Plan, Outputs]]) -> None:
    result = CliRunner().invoke(main, ["run", "api", "--file", "-"], input="probes: [{break: a.c:1}]")
    assert result.exit_code == 42
    assert planned[0][0].probes[1].path == f"{Path.cwd()}/a.c"


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["--expect", "maybe", "api"], "maybe"),
        (["--max-hits", "-1", "api"], "-1"),
        (["--on-hang", "soon", "api"], "soon"),
        (["--file", "none.yml", "api"], "can't read none.yml"),
        (["--substitute-path", "/a", "api"], "write FROM=TO"),
        (["--break", "a.c", "api"], "is no place to break at"),
        (["--engine", "windbg", "api"], '"engine"'),
        (["--log-file", "/nonexistent/log", "api"], "can't write the log"),
        ([], "no target"),
    ],
)
def test_wrong_usage_ends_with_64(planned: list[tuple[Plan, Outputs]], arguments: list[str], text: str) -> None:
    result = run(*arguments)
    assert result.exit_code == 64
    assert text in result.output
    assert planned == []


def test_help_names_the_probes_and_the_exit_codes() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for word in ("--break ", "--break-function", "--watch", "--log ", "--on-crash", "--on-hang", "--expect", "124"):
        assert word in result.output
