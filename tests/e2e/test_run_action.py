"""The GitHub Action: its steps, run by a shell as GitHub's runner runs them, beside a real container."""

import shutil
from pathlib import Path

import pytest
from support.action import ActionRun
from support.headless import ROOT
from support.marks import PROGRAMS, mark
from support.reports import problems, read_junit, read_lines
from support.serving import assert_whole
from support.targets import running

pytestmark = pytest.mark.docker


# It installs dapbridge into an environment of its own.
@pytest.mark.timeout(300)
async def test_the_action_runs_a_command_and_leaves_reports_outputs_and_a_summary(tmp_path: Path) -> None:
    workspace, temp = tmp_path / "workspace", tmp_path / "temp"
    (workspace / "src").mkdir(parents=True)
    temp.mkdir()
    shutil.copy(PROGRAMS / "spin.c", workspace / "src")
    line = mark("spin.c", "work")
    async with running("spin") as target:
        inputs = {
            "targets": f"{target.name}\n",
            "probes": f"- break: src/spin.c:{line} if round % 2 == 0\n  max-hits: 1\n  expect: hit\n"
            "- on-crash: true\n  expect: no-hit\n",
            "options": "--timeout 120\n--depth 1\n",
            "run": 'echo "it\'s $((1 + 1))"\nuntil grep -q \'"event":"hit"\' dapbridge-reports/report.jsonl; do\n'
            "  sleep 0.2\ndone\nexit 3",
        }
        action = ActionRun(ROOT / "action.yml", workspace, temp, inputs)
        await action.run()
        # Once more, with what the first has installed: an expectation fails, and no artifact is wanted.
        inputs = {
            "targets": target.name,
            "probes": "- break-function: work\n  expect: no-hit",
            "run": 'until grep -q \'"event":"hit"\' dapbridge-reports/report.jsonl; do sleep 0.2; done',
            "artifact": "",
        }
        again = ActionRun(ROOT / "action.yml", workspace, temp, inputs)
        await again.run()
        await assert_whole(target)
    assert action.failed
    assert action.outputs == {
        "exit-code": "3",
        "junit": "dapbridge-reports/junit.xml",
        "json": "dapbridge-reports/report.jsonl",
    }, action.output
    assert "it's 2" in action.output
    assert f"::notice file=src/spin.c,line={line},title=hit 1 of break src/spin.c" in action.output
    assert action.used == [
        (
            "actions/upload-artifact@v4",
            {"name": "dapbridge-reports", "path": "dapbridge-reports", "if-no-files-found": "ignore"},
        )
    ]
    assert "✅ passed" in action.summary.read_text()
    assert (again.outputs["exit-code"], again.used) == ("65", []), again.output
    assert again.summary.read_text().count("## dapbridge: ") == 2
    (hit, *_) = (each for each in read_lines(workspace / "dapbridge-reports/report.jsonl") if each["event"] == "hit")
    assert hit["thread"]["frames"][0]["function"] == "work"
    assert "failure: " in problems(read_junit(workspace / "dapbridge-reports/junit.xml"))["break-function work"]
