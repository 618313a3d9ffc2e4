"""What docs/ci.md shows works as it stands: the file, the workflow's inputs, the command lines, the exit codes."""

import re
import shlex
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from support.headless import ROOT
from support.reports import DOCS, validator

from dapbridge.cli import main
from dapbridge.headless import exit_codes
from dapbridge.headless.probe_file import parse_run_file, to_probes

TEXT = (DOCS / "ci.md").read_text()
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```", TEXT, re.MULTILINE | re.DOTALL)]


@pytest.fixture
def plans(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    found: list[Any] = []
    monkeypatch.setattr("dapbridge.headless.main.run_plan", lambda plan, outputs: found.append(plan) or 0)
    return found


def test_the_probe_file_is_valid() -> None:
    (block,) = [each for each in BLOCKS if "probes" in each]
    validator("dapbridge.schema.json").validate(block)
    assert len(to_probes(parse_run_file(yaml.safe_dump(block), "docs"))) == 6


def test_the_workflow_uses_the_action_as_it_is() -> None:
    (block,) = [each for each in BLOCKS if "jobs" in each]
    (given,) = [step["with"] for step in block["jobs"]["test"]["steps"] if "with" in step]
    action = yaml.safe_load((ROOT / "action.yml").read_text())
    assert set(given) <= set(action["inputs"])
    assert len(to_probes(parse_run_file("probes:\n" + given["probes"], "docs"))) == 3
    options = [word for line in given["options"].splitlines() for word in line.split(maxsplit=1)]
    assert CliRunner().invoke(main, ["run", *options, "--help"]).exit_code == 0
    for output in re.findall(r"`([\w-]+)`", TEXT.partition("Its outputs are ")[2].partition(".")[0]):
        assert output in action["outputs"]


def test_the_command_lines_are_understood(plans: list[Any]) -> None:
    joined = TEXT.replace("\\\n", " ")
    lines = re.findall(r"^(?:\s+- )?(?:\.dapbridge/bin/)?dapbridge (run .*(?:\n      --.*)?)$", joined, re.MULTILINE)
    assert len(lines) == 3
    for line in lines:
        result = CliRunner().invoke(main, shlex.split(line))
        assert result.exit_code == 0, result.output
    assert all(plan.command for plan in plans)


def test_all_exit_codes_are_explained() -> None:
    codes = {value for name, value in vars(exit_codes).items() if name.isupper()}
    table = TEXT.partition("## Exit codes")[2].partition("## ")[0]
    assert codes <= {int(each) for each in re.findall(r"\b\d+\b", table)}
