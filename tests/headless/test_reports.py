"""Each form of report of one run, with all that a hostile target may put into names and values."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from support.reports import parse_line, problems, read_junit

from dapbridge.headless.happenings import (
    Armed,
    Attached,
    CommandEnded,
    CommandStarted,
    Ended,
    Frame,
    Happening,
    Hit,
    Logged,
    ProbeResult,
    ProbeStart,
    Progress,
    Report,
    Started,
    TargetEnded,
    Thread,
    Variable,
    Warned,
)
from dapbridge.headless.report_github import MAX_ANNOTATIONS, MAX_SUMMARY_BYTES, GithubReport
from dapbridge.headless.report_json import JsonReport
from dapbridge.headless.report_junit import JunitReport
from dapbridge.headless.report_text import TextReport

NOW = "2026-01-02T03:04:05.678+00:00"
HOSTILE = "a\x1b[31m\0\n::error::b ##[error] \udcff ]]> </x> ``` | <script> %0A"


def hit(probe: int = 1, number: int = 1, path: str = "/work/src/api.c", text: str = HOSTILE) -> Hit:
    inner = Variable("x", text, "int")
    return Hit(
        NOW,
        "api",
        probe,
        number,
        "breakpoint",
        1.5,
        Thread(1, text, (Frame(text), Frame("main", path, 12)), more_frames=True),
        variables=(Variable("::error::job", text, "struct", (inner, Variable("y", error=text))),),
        captures=(Variable("n", "3", "int"),),
        incomplete=text,
    )


def run(exit_code: int = 65, more: Sequence[Happening] = ()) -> list[Happening]:
    probes = (
        ProbeStart(1, "break", "break src/api.c:12", "no-hit"),
        ProbeStart(2, "log", f"log src/api.c:13: {HOSTILE}"),
        ProbeStart(3, "hang", "on-hang 3", "no-hit"),
    )
    results = (
        ProbeResult(1, 1, "failed", "hit once, expected: no hit"),
        ProbeResult(2, 1, "none", "hit once"),
        ProbeResult(3, 0, "error", HOSTILE),
    )
    return [
        Started(NOW, "0.1.0", ("api",), ("make", "test"), probes),
        Progress("api", "reading symbols"),
        Armed("api", 1, "armed", "/work/src/api.c", 12),
        Armed("api", 3, "failed", message=HOSTILE),
        Attached(NOW, "api", 1, 0.5),
        CommandStarted(NOW, ("make", "test")),
        hit(),
        Logged(NOW, "api", 2, 1, HOSTILE),
        Hit(NOW, "api", 3, 1, "no output", 9.0, threads=(Thread(1, HOSTILE, (Frame("f"),)), Thread(2, "idle"))),
        Warned(HOSTILE, "api"),
        *more,
        TargetEnded(NOW, "api", "the target has ended with exit code 3", exit_code=3),
        CommandEnded(NOW, 0, 2.5),
        Ended(NOW, exit_code, "an expectation has failed", 3.25, results),
    ]


def tell(report: Report, happenings: Sequence[Happening]) -> None:
    for each in happenings:
        report.tell(each)


def test_text_for_people_holds_no_control_characters_and_no_commands_of_a_ci() -> None:
    lines: list[str] = []
    tell(TextReport(lines.append), run())
    text = "".join(lines)
    assert all(each.isprintable() or each == "\n" for each in text)
    assert "##[" not in text
    assert not any(line.lstrip().startswith("::") for line in text.splitlines())
    assert "dapbridge: failed: break src/api.c:12: hit once, expected: no hit\n" in text
    assert "    #1  main  /work/src/api.c:12\n" in text
    assert "    n = 3  int\n" in text
    assert text.endswith("dapbridge: an expectation has failed; exit code 65\n")


def test_json_lines_are_valid_whatever_the_target_says() -> None:
    lines: list[str] = []
    tell(JsonReport(lines.append), run())
    found = [parse_line(each) for each in lines]
    assert all(each.count("\n") == 1 for each in lines)
    assert [each["event"] for each in found][-2:] == ["command-ended", "end"]
    (first,) = [each for each in found if each["event"] == "hit" and each["probe"] == 1]
    assert first["variables"][0]["children"][0]["value"] == HOSTILE.replace("\udcff", "\ufffd")


def test_a_junit_file_is_valid_from_the_beginning(tmp_path: Path) -> None:
    path = tmp_path / "reports" / "junit.xml"
    report = JunitReport(path)
    happenings = run()
    tell(report, happenings[:-1])
    assert all("dapbridge was ended before" in each for each in problems(read_junit(path)).values())
    tell(report, happenings[-1:])
    suite = read_junit(path)
    assert problems(suite)["break src/api.c:12"] == "failure: hit once, expected: no hit"
    assert problems(suite)["on-hang 3"].startswith("error: ")
    assert len(problems(suite)) == 2
    assert "#1  main  /work/src/api.c:12" in (suite.findtext("testcase/system-out") or "")
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("command_code", "exit_code", "problem"),
    [(3, 3, "failure"), (0, 124, "error"), (0, 0, None), (0, 65, None)],
)
def test_the_commands_own_test_case(tmp_path: Path, command_code: int, exit_code: int, problem: str | None) -> None:
    probes = (ProbeStart(1, "break", "break a.c:1", "hit"),)
    result = ProbeResult(1, 0, "failed" if exit_code == 65 else "passed", "")
    happenings: list[Happening] = [
        Started(NOW, "0.1.0", ("api",), ("make", "test"), probes),
        CommandEnded(NOW, command_code, 2.5),
        Ended(NOW, exit_code, "so it is", 3.25, (result,)),
    ]
    tell(JunitReport(tmp_path / "junit.xml"), happenings)
    suite = read_junit(tmp_path / "junit.xml")
    assert problems(suite).get("make test") == (f"{problem}: so it is" if problem else None)


def github(tmp_path: Path, happenings: Sequence[Happening], **options: Any) -> tuple[list[str], str]:
    """Return the workflow commands and the summary."""
    written: list[str] = []
    summary = tmp_path / "summary.md"
    tell(GithubReport(written.append, "/work", summary, **options), happenings)
    return "".join(written).splitlines(), summary.read_text()


def test_annotations_stand_at_the_clients_path_in_the_workspace(tmp_path: Path) -> None:
    commands, summary = github(tmp_path, run())
    assert commands[0].startswith(
        "::error file=src/api.c,line=12,title=hit 1 of break src/api.c%3A12::api: breakpoint%0A"
    )
    assert commands[1].startswith("::error title=hit 1 of on-hang 3::")
    assert all(each.startswith("::") for each in commands)
    assert "an expectation has failed; exit code 65" in summary
    assert "| <code>break src/api.c:12</code> | 1 | ❌ failed | hit once, expected: no hit |" in summary
    assert "<script>" not in "".join(line for line in summary.splitlines() if line.startswith(("|", "-", "<details")))
    # The text block ends where we end it.
    assert "\n````text\n" in summary


def test_sources_elsewhere_are_not_annotated(tmp_path: Path) -> None:
    commands, _ = github(tmp_path, [*run()[:1], hit(path="/rustc/lib.rs"), *run()[-1:]])
    assert commands[0].startswith("::error title=hit 1 of break")


def test_annotations_and_summary_are_limited(tmp_path: Path) -> None:
    many = [hit(number=number, text="x" * 50_000) for number in range(2, 30)]
    commands, summary = github(tmp_path, run(more=many))
    assert sum(each.startswith("::error") for each in commands) <= MAX_ANNOTATIONS
    assert len(summary.encode()) <= MAX_SUMMARY_BYTES
    assert summary.endswith("The summary is cut here: it would be too long for GitHub.\n")
