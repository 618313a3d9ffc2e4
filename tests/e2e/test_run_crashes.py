"""`dapbridge run --on-crash`: what ends a program is shown before it ends; its own end is not changed by that."""

from pathlib import Path

import pytest
from support.headless import Run
from support.marks import PROGRAMS, mark
from support.reports import problems
from support.targets import running

pytestmark = [pytest.mark.docker, pytest.mark.root]


@pytest.mark.parametrize(
    ("fixture", "arguments", "program", "place", "reason"),
    [
        ("crash", ["segv", "/tmp/trigger"], "crash.c", "segv", "SIGSEGV"),
        ("crash", ["abort", "/tmp/trigger"], "crash.c", "abort", "SIGABRT"),
        ("panicking_abort", [], "panicking.rs", "last", "sold out"),
    ],
    ids=["segv", "abort", "rust-panic"],
)
async def test_a_crash_is_shown_and_the_target_ends_by_it(
    tmp_path: Path, fixture: str, arguments: list[str], program: str, place: str, reason: str
) -> None:
    async with running(fixture, *arguments) as target:
        rule = ("--substitute-path", f"{PROGRAMS}=/build/src")
        async with Run(tmp_path, target.name, *rule, "--on-crash", "--expect", "no-hit") as run:
            await run.event("command-started")
            target.trigger()
            hit = await run.event("hit")
            ended = await run.event("target-ended")
            # A PID 1 that is traced would not end by a signal; and SIGABRT doesn't end one at all, what follows does.
            assert await target.wait_exit() == 139
            assert await run.finish(0) == 65
        await target.wait_until_alone()
        assert target.sidecars() == []
    assert reason in hit["reason"]
    places = [(each.get("path"), each.get("line")) for each in hit["thread"]["frames"]]
    assert (str(PROGRAMS / program), mark(program, place)) in places
    assert "the target crashes and was let go for it: SIGSEGV" in ended["reason"]
    assert "lost" not in ended
    assert "failure: hit" in problems(run.junit())["on-crash"]


@pytest.mark.parametrize("probes", [(), ("--on-crash", "--capture", "value")], ids=["no-probe", "probe"])
async def test_a_process_that_is_no_pid_1_ends_with_its_own_exit_code(tmp_path: Path, probes: tuple[str, ...]) -> None:
    async with running("crash", init=True) as target:
        async with Run(tmp_path, target.name, "--process", "^/crash ", *probes) as run:
            await run.event("command-started")
            target.trigger()
            ended = await run.event("target-ended")
            assert await run.finish(0) == 0
        assert await target.wait_exit() == 139
        await target.wait_until_alone()
    assert ended["exit_code"] == 139
    assert "(SIGSEGV)" in ended["reason"]
    assert [each["captures"][0]["value"] for each in run.all("hit")] == ["42"][: len(probes)]


async def test_a_crash_without_the_probe_is_the_targets_own_business(tmp_path: Path) -> None:
    async with running("crash") as target:
        async with Run(tmp_path, target.name) as run:
            await run.event("command-started")
            target.trigger()
            assert await target.wait_exit() == 139
            assert await run.finish(0) == 0
        await target.wait_until_alone()
    assert run.all("hit") == []
