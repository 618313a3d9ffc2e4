"""`dapbridge run` in a Go program: a hit with its variables, a log point, all goroutines, and a panic."""

from pathlib import Path

import pytest
from support.headless import Run, at
from support.marks import PROGRAMS, mark
from support.targets import running

pytestmark = [pytest.mark.docker, pytest.mark.root]


async def test_a_go_program_is_looked_into_and_ends_by_its_panic(tmp_path: Path) -> None:
    async with running("go_gophers") as target:
        probes = (
            *("--break", at("gophers.go", "work"), "--max-hits", "1", "--expect", "hit"),
            *("--log", f"{at('gophers.go', 'main')}: number {{number}}", "--max-hits", "2"),
            *("--on-crash", "--expect", "no-hit"),
        )
        async with Run(tmp_path, target.name, *probes) as run:
            hit = await run.event("hit", probe=1)
            await run.event("log")
            target.trigger()
            crash = await run.event("hit", probe=3)
            ended = await run.event("target-ended")
            assert await run.finish(0) == 65
        assert await target.wait_exit() == 2
        await target.wait_until_alone()
        assert target.sidecars() == []
    assert hit["thread"]["frames"][0]["function"] == "main.work"
    assert {"gopher", "share", "total"} <= {each["name"] for each in hit["variables"]}
    assert "number " in run.all("log")[0]["text"]
    assert "board of 1000" in crash["reason"]
    places = [(each.get("path"), each.get("line")) for each in crash["thread"]["frames"]]
    assert (str(PROGRAMS / "gophers.go"), mark("gophers.go", "panic")) in places
    assert ended["exit_code"] == 2


async def test_a_hang_shows_the_goroutines_by_name(tmp_path: Path) -> None:
    async with running("go_gophers") as target:
        command = ("sleep", "600")
        async with Run(tmp_path, target.name, "--on-hang", "1", "--timeout", "100", command=command) as run:
            hit = await run.event("hit")
            await target.assert_runs_on()
            run.process.terminate()
            assert await run.exit_code() == 143
        await target.assert_let_go()
    functions = {frame["function"] for thread in hit["threads"] for frame in thread["frames"]}
    assert {"main.main", "main.work", "main.watch"} <= functions
