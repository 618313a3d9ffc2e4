"""`dapbridge run`: each kind of probe on a real target, which is let go on at once and left whole."""

import json
import shutil
import sys
from pathlib import Path

import pytest
from support.headless import Run, at
from support.marks import PROGRAMS, mark
from support.reports import problems
from support.serving import assert_whole
from support.targets import running

pytestmark = pytest.mark.docker


async def test_hits_show_stack_and_variables_and_the_target_goes_on(tmp_path: Path) -> None:
    async with running("spin") as target:
        probes = ("--break", f"{at('spin.c', 'work')} if round % 2 == 0", "--max-hits", "2", "--expect", "hit")
        async with Run(tmp_path, target.name, *probes) as run:
            first, second = await run.event("hit", number=1), await run.event("hit", number=2)
            # Two are all that is wanted: the probe is taken out, so that the target isn't slowed down any more.
            await target.assert_runs_on()
            assert await run.finish(0) == 0
        await assert_whole(target)
    assert len(run.all("hit")) == 2
    for hit in (first, second):
        frames = hit["thread"]["frames"]
        assert [each["function"] for each in frames[:2]] == ["work", "main"]
        assert (frames[0]["path"], frames[0]["line"]) == (str(PROGRAMS / "spin.c"), mark("spin.c", "work"))
        shown = {each["name"]: each for each in hit["variables"]}
        assert int(shown["round"]["value"]) % 2 == 0
        job = {each["name"]: each["value"] for each in shown["job"]["children"]}
        assert job["color"] == "BLUE"
        assert hit["stood_ms"] > 0
    assert problems(run.junit()) == {}
    assert "hit 1 of break" in run.stderr
    assert "passed: break" in run.stderr


async def test_functions_captures_data_and_log_points(tmp_path: Path) -> None:
    async with running("watched") as target:
        path = str(PROGRAMS / "watched.c")
        probes = (
            *("--break-function", "local_work if seed > 2", "--max-hits", "1"),
            *("--capture", "seed", "--capture", "no_such"),
            *("--watch", "origin.x", "--max-hits", "2"),
            *("--log", f"{path}:{mark('watched.c', 'total-write')}: round {{round}}", "--max-hits", "3"),
        )
        async with Run(tmp_path, target.uri, *probes) as run:
            function = await run.event("hit", probe=1)
            await run.event("hit", probe=2, number=2)
            await run.event("log", probe=3, number=3)
            await target.assert_runs_on()
            assert await run.finish(0) == 0
        await assert_whole(target)
    seed, missing = function["captures"]
    assert (seed["name"], int(seed["value"]) > 2) == ("seed", True)
    assert "no_such" in missing["error"]
    assert all("origin.x: " in each["reason"] for each in run.all("hit", probe=2))
    assert len(run.all("hit", probe=2)) == 2
    rounds = [int(each["text"].removeprefix("round ")) for each in run.all("log")]
    assert rounds == list(range(rounds[0], rounds[0] + 3))


async def test_two_targets_with_probes_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "src").mkdir()
    for program in ("spin.c", "throwing.cpp"):
        shutil.copy(PROGRAMS / program, tmp_path / "src")
    async with running("spin") as spin, running("throwing") as throwing:
        # JSON is YAML too.
        content = {
            "targets": [spin.name, throwing.name],
            "attach": {"substitutePath": [{"from": str(tmp_path / "src"), "to": "/build/src"}]},
            "probes": [
                {
                    "break": f"src/spin.c:{mark('spin.c', 'report')}",
                    "targets": [spin.name],
                    "max-hits": 1,
                    "expect": "hit",
                },
                {"break": f"src/throwing.cpp:{mark('throwing.cpp', 'rethrow')}", "max-hits": 1, "expect": "hit"},
                {"break-function": "no_such_function", "expect": "no-hit"},
            ],
        }
        (tmp_path / "dapbridge.yml").write_text(json.dumps(content))
        async with Run(tmp_path) as run:
            assert (await run.event("hit", probe=1))["target"] == spin.name
            assert (await run.event("hit", probe=2))["target"] == throwing.name
            # A probe that is armed nowhere proves nothing.
            assert await run.finish(0) == 65
        await assert_whole(spin)
        await assert_whole(throwing)
    ended = run.events[-1]
    assert [each["verdict"] for each in ended["probes"]] == ["passed", "passed", "error"]
    assert "never armed" in ended["reason"]
    assert "never armed" in problems(run.junit())["break-function no_such_function"]


async def test_a_failed_expectation_counts_where_command_has_not_failed(tmp_path: Path) -> None:
    async with running("spin") as target:
        never = ("--break", at("spin.c", "work") + " if round < 0", "--expect", "hit")
        async with Run(tmp_path, target.name, *never, "--break", at("spin.c", "leaf"), "--expect", "no-hit") as run:
            await run.event("hit", probe=2)
            assert await run.finish(0) == 65
        (tmp_path / "again").mkdir()
        async with Run(tmp_path / "again", target.name, *never) as again:
            assert await again.finish(3) == 3
        await assert_whole(target)
    failed = problems(run.junit())
    assert sum(each.startswith("failure: ") for each in failed.values()) == 2
    assert [each["verdict"] for each in again.events[-1]["probes"]] == ["failed"]


async def test_annotations_and_summary_for_github(tmp_path: Path) -> None:
    source = tmp_path / "workspace" / "programs" / "spin.c"
    source.parent.mkdir(parents=True)
    shutil.copy(PROGRAMS / "spin.c", source)
    summary = tmp_path / "summary.md"
    summary.write_text("# Of a step before\n")
    line = mark("spin.c", "work")
    env = {"GITHUB_WORKSPACE": str(tmp_path / "workspace"), "GITHUB_STEP_SUMMARY": str(summary)}
    probes = ("--github", "--break", f"programs/spin.c:{line}", "--max-hits", "1", "--expect", "no-hit")
    async with running("spin") as target:
        async with Run(tmp_path, target.name, *probes, env=env, cwd=tmp_path / "workspace") as run:
            await run.event("hit")
            assert await run.finish(0) == 65
        await assert_whole(target)
    annotations = [each for each in run.stderr.splitlines() if each.startswith("::")]
    assert annotations[0].startswith(f"::error file=programs/spin.c,line={line},title=hit 1 of break")
    text = summary.read_text()
    assert text.startswith("# Of a step before\n## dapbridge: ")
    assert "❌ failed" in text
    assert f"#0  work  programs/spin.c:{line}" in text


async def test_output_of_the_command_is_passed_through_while_its_silence_is_watched(tmp_path: Path) -> None:
    script = "import sys; print('to stdout'); print('to stderr', file=sys.stderr); sys.exit(7)"
    async with running("spin") as target:
        command = (sys.executable, "-c", script)
        async with Run(tmp_path, target.name, "--on-hang", "600", command=command) as run:
            assert await run.exit_code() == 7
        await assert_whole(target)
    # With --json, stdout is the report's: COMMAND's goes to stderr.
    assert "to stdout" in run.stderr
    assert "to stderr" in run.stderr
