"""Runs the steps of a composite GitHub Action as GitHub's runner does: expressions, files for outputs, bash.

`uses` steps are not run, but kept with what they were given: another action is not ours to run.
"""

import asyncio
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
_CONDITION = re.compile(r"always\(\) && inputs\.([\w-]+) != ''")


class ActionRun:
    """One use of an action in a workflow's step. `outputs` are the action's, `used` the actions that it uses."""

    def __init__(self, action: Path, workspace: Path, temp: Path, inputs: Mapping[str, str]) -> None:
        self.definition: dict[str, Any] = yaml.safe_load(action.read_text())
        declared: dict[str, Any] = self.definition["inputs"]
        assert not set(inputs) - set(declared), f"inputs that the action has not: {set(inputs) - set(declared)}"
        self.inputs = {name: str(inputs.get(name, its.get("default", ""))) for name, its in declared.items()}
        self.outputs: dict[str, str] = {}
        self.used: list[tuple[str, dict[str, str]]] = []
        self.summary = temp / "summary.md"
        self.output = ""
        self.failed = False
        self._action = action
        self._workspace = workspace
        self._temp = temp
        self._step_outputs: dict[str, dict[str, str]] = {}

    async def run(self) -> None:
        """Run all steps; after one that fails only those that always run."""
        self.summary.touch()
        for number, step in enumerate(self.definition["runs"]["steps"]):
            if not self._is_due(step.get("if")):
                continue
            if "uses" in step:
                self.used.append((step["uses"], {key: self._evaluate(str(its)) for key, its in step["with"].items()}))
            else:
                await self._run_script(step, self._temp / f"step-{number}")
        self.outputs = {name: self._evaluate(its["value"]) for name, its in self.definition["outputs"].items()}

    def _is_due(self, condition: str | None) -> bool:
        if condition is None:
            return not self.failed
        text = _EXPRESSION.fullmatch(condition)
        known = _CONDITION.fullmatch(text[1] if text else condition)
        assert known, f"this runner doesn't know the condition {condition!r}"
        return self.inputs[known[1]] != ""

    async def _run_script(self, step: Mapping[str, Any], place: Path) -> None:
        # A script is run as it stands: an expression in it would put the user's text into the code.
        assert not _EXPRESSION.search(step["run"]), step["name"]
        assert step["shell"] == "bash"
        script, outputs = place.with_suffix(".sh"), place.with_suffix(".output")
        script.write_text(step["run"])
        outputs.touch()
        env = {
            **os.environ,
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_WORKSPACE": str(self._workspace),
            "GITHUB_OUTPUT": str(outputs),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self._temp),
            **{name: self._evaluate(str(value)) for name, value in step.get("env", {}).items()},
        }
        process = await asyncio.create_subprocess_exec(
            *("bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)),
            cwd=self._workspace,
            env=env,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        written, _ = await process.communicate()
        self.output += written.decode(errors="replace")
        self.failed |= process.returncode != 0
        pairs = (line.partition("=") for line in outputs.read_text().splitlines())
        self._step_outputs[step.get("id", "")] = {name: value for name, _, value in pairs}

    def _evaluate(self, text: str) -> str:
        return _EXPRESSION.sub(lambda found: self._look_up(found[1]), text)

    def _look_up(self, expression: str) -> str:
        if expression == "github.action_path":
            return str(self._action.parent)
        if expression == "runner.temp":
            return str(self._temp)
        if found := re.fullmatch(r"inputs\.([\w-]+)", expression):
            return self.inputs[found[1]]
        found = re.fullmatch(r"steps\.([\w-]+)\.outputs\.([\w-]+)", expression)
        assert found, f"this runner doesn't know the expression {expression!r}"
        return self._step_outputs.get(found[1], {}).get(found[2], "")
