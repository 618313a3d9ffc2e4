"""Where the reports of a run go, and who writes where: two kinds of report must not get into each other's lines."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from dapbridge.errors import UserError
from dapbridge.headless.happenings import Report
from dapbridge.headless.outlet import Outlet
from dapbridge.headless.report_github import GithubReport
from dapbridge.headless.report_json import JsonReport
from dapbridge.headless.report_junit import JunitReport
from dapbridge.headless.report_text import TextReport


class Outputs(Struct, frozen=True):
    """The reports that are wanted beside the text on stderr."""

    json_out: bool = False
    json_file: Path | None = None
    junit: Path | None = None
    github: bool = False

    @property
    def stdout_fd(self) -> int:
        """Where COMMAND's stdout goes."""
        return 2 if self.json_out else 1

    @contextmanager
    def open(self) -> Iterator[list[Report]]:
        """Open the reports; at the end all is written. Raises UserError where a file can't be."""
        with ExitStack() as stack:
            errors = Outlet(2)
            stack.callback(errors.close)
            reports: list[Report] = [TextReport(errors.write)]
            if self.json_out:
                lines = Outlet(1)
                stack.callback(lines.close)
                reports.append(JsonReport(lines.write))
            if self.json_file:
                reports.append(JsonReport(_flushed(stack.enter_context(_created(self.json_file)))))
            if self.github:
                summary = os.environ.get("GITHUB_STEP_SUMMARY")
                workspace = os.environ.get("GITHUB_WORKSPACE") or os.curdir
                # To the same stream as the text: a command must stand at the beginning of a line.
                reports.append(GithubReport(errors.write, workspace, Path(summary) if summary else None))
            if self.junit:
                reports.append(JunitReport(self.junit))
            yield reports


def _created(path: Path) -> TextIO:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("w", encoding="utf-8")
    except OSError as error:
        raise UserError(f"can't write {path}: {error.strerror}") from None


def _flushed(file: TextIO) -> Callable[[str], None]:
    def write(text: str) -> None:
        file.write(text)
        file.flush()

    return write
