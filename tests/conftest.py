"""What all tests share: the marks `docker` and `root` skip where they can't run; in CI nothing may be skipped.

The one exception are tests marked `may_skip`, which need what no registry has; those skipped are counted at the end.
"""

import os
import signal
import tempfile
from collections.abc import Callable, Generator, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from support import engines
from support.engine import find_why_absent
from support.targets import compile_program

_IN_CI = os.environ.get("CI", "").lower() in ("1", "true", "yes")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--engine",
        default="gdb,lldb",
        help="the engines that the matrix of end-to-end tests runs with, or one of them (default: gdb,lldb)",
    )
    parser.addoption("--sidecar", help="an image for the sidecars of the matrix, instead of dapbridge's own")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    file, name = metafunc.definition.path.name, metafunc.function.__name__
    if "engine" in metafunc.fixturenames and engines.is_in_matrix(file):
        wanted = metafunc.config.getoption("--engine").split(",")
        metafunc.parametrize("engine", engines.parameters(file, name, wanted), indirect=True)


def pytest_configure() -> None:
    # A shell starts what it runs in the background with SIGINT ignored, nohup with SIGHUP. What the tests start would
    # inherit that, but no handlers.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.get_closest_marker("docker") and (why := _why_no_engine()):
            item.add_marker(pytest.mark.skip(reason=f"no Docker engine answers: {why}"))
        if item.get_closest_marker("root") and os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if item.get_closest_marker("may_skip"):
        report.may_skip = True
    else:
        _refuse_skip_in_ci(report)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [each for each in terminalreporter.stats.get("skipped", ()) if getattr(each, "may_skip", False)]
    for reason in sorted({each.longrepr[2] for each in skipped}):
        count = sum(each.longrepr[2] == reason for each in skipped)
        terminalreporter.line(f"{count} allowed to be skipped: {reason.removeprefix('Skipped: ')}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip_in_ci(report)
    return report


@pytest.fixture(scope="session")
def compiled() -> Iterator[Callable[[str], Path]]:
    """Compile a fixture source for this host, once; the binary can be run by any user."""
    with tempfile.TemporaryDirectory(prefix="dapbridge-fixtures-") as folder:
        Path(folder).chmod(0o755)
        yield cache(lambda source: compile_program(source, Path(folder)))


@cache
def _why_no_engine() -> str | None:
    return find_why_absent()


def _refuse_skip_in_ci(report: Any) -> None:
    if _IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"nothing may be skipped in CI: {reason}"
