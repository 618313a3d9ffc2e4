"""The report for GitHub Actions: annotations at the lines of the sources, and a job summary in Markdown."""

import os
import re
from collections.abc import Callable, Sequence
from pathlib import Path

from dapbridge.headless.happenings import Ended, Frame, Happening, Hit, ProbeStart, Started, TargetEnded, Warned
from dapbridge.headless.shown import hit_lines, plain, short_path

MAX_ANNOTATIONS = 10
"""GitHub shows no more of a level from one step."""
MAX_SUMMARY_BYTES = 900_000
"""GitHub refuses a summary of more than 1 MiB."""
MAX_HITS = 5
"""Of a probe that the summary shows."""

_VERDICTS = {"passed": "✅ passed", "failed": "❌ failed", "error": "⚠️ not judged", "none": ""}


class GithubReport:
    """Writes workflow commands with `write`, and the summary to a file at the end (None: nowhere)."""

    def __init__(self, write: Callable[[str], None], workspace: str, summary: Path | None) -> None:
        self._write = write
        self._workspace = workspace
        self._summary = summary
        self._probes: dict[int, ProbeStart] = {}
        self._hits: dict[int, list[Hit]] = {}
        self._notes: list[str] = []
        self._annotations: dict[str, int] = {}
        self._started: Started | None = None

    def tell(self, happening: Happening) -> None:
        """See happenings.Report. Raises OSError at the end."""
        match happening:
            case Started(probes=probes):
                self._started = happening
                self._probes = {each.id: each for each in probes}
                self._hits = {each.id: [] for each in probes}
            case Hit():
                self._hits[happening.probe].append(happening)
                self._annotate_hit(happening)
            case Warned(text, target):
                self._note("warning", f"{target}: {text}" if target else text)
            case TargetEnded(target=target, reason=reason, exit_code=code):
                self._note("notice" if code == 0 else "warning", f"{target}: {reason}")
            case Ended():
                self._annotate_end(happening)
                self._write_summary(happening)

    def _note(self, level: str, text: str) -> None:
        self._notes.append(text)
        self._annotate(level, "dapbridge", text)

    def _annotate_hit(self, hit: Hit) -> None:
        probe = self._probes[hit.probe]
        bad = probe.expect == "no-hit" or (probe.kind == "crash" and probe.expect is None)
        level = "error" if bad else "warning" if probe.kind == "hang" else "notice"
        text = "\n".join([f"{hit.target}: {hit.reason}", *hit_lines(hit, self._workspace)])
        self._annotate(level, f"hit {hit.number} of {probe.text}", text, self._find_place(hit))

    def _annotate_end(self, ended: Ended) -> None:
        for each in ended.probes:
            probe = self._probes[each.id]
            # That one was hit which was not to be is annotated where it was.
            if each.verdict == "error" or (each.verdict == "failed" and probe.expect == "hit"):
                self._annotate("error", probe.text, each.message)
        if ended.exit_code:
            self._annotate("error", "dapbridge", f"{ended.reason}; exit code {ended.exit_code}")

    def _find_place(self, hit: Hit) -> Frame | None:
        """Return the innermost frame in a source of the workspace: annotations on others would show nowhere."""
        frames = hit.thread.frames if hit.thread else ()
        return next((each for each in frames if each.path and self._relative(each.path) is not None), None)

    def _relative(self, path: str) -> str | None:
        relative = short_path(path, self._workspace)
        return None if os.path.isabs(relative) else relative

    def _annotate(self, level: str, title: str, text: str, place: Frame | None = None) -> None:
        count = self._annotations[level] = self._annotations.get(level, 0) + 1
        if count > MAX_ANNOTATIONS:
            return
        properties = {"title": title}
        if place and place.path:
            properties = {"file": self._relative(place.path) or "", "line": str(place.line)} | properties
        listed = ",".join(f"{name}={_escape_property(value)}" for name, value in properties.items())
        self._write(f"::{level} {listed}::{_escape(text)}\n")

    def _write_summary(self, ended: Ended) -> None:
        if self._summary is None:
            return
        data = "".join(self._summary_parts(ended)).encode(errors="replace")
        if len(data) > MAX_SUMMARY_BYTES:
            data = b"".join(_fitting(self._summary_parts(ended)))
        with self._summary.open("ab") as file:
            file.write(data)

    def _summary_parts(self, ended: Ended) -> list[str]:
        """Return the summary in parts that can be left out from the end."""
        assert self._started
        targets = ", ".join(_code(each) for each in self._started.targets)
        parts = [f"## dapbridge: {targets}\n\n{_text(ended.reason)}; exit code {ended.exit_code}\n\n"]
        if ended.probes:
            rows = [
                (_code(self._probes[each.id].text), str(each.hits), _VERDICTS[each.verdict], _text(each.message))
                for each in ended.probes
            ]
            table = "".join(f"| {' | '.join(row)} |\n" for row in rows)
            parts.append(f"| probe | hits | | |\n|---|---|---|---|\n{table}\n")
        if self._notes:
            parts.append("".join(f"- {_text(each)}\n" for each in self._notes[:20]) + "\n")
        for id_, hits in self._hits.items():
            parts += [self._details(id_, each) for each in hits[:MAX_HITS]]
        return parts

    def _details(self, id_: int, hit: Hit) -> str:
        title = f"{hit.target}: hit {hit.number} of {self._probes[id_].text}: {hit.reason}"
        lines = "\n".join(hit_lines(hit, self._workspace))
        fence = _fence(lines)
        return f"<details><summary>{_text(title)}</summary>\n\n{fence}text\n{lines}\n{fence}\n\n</details>\n\n"


def _fitting(parts: Sequence[str]) -> list[bytes]:
    end = b"The summary is cut here: it would be too long for GitHub.\n"
    found, left = [], MAX_SUMMARY_BYTES - len(end)
    for part in parts:
        data = part.encode(errors="replace")
        left -= len(data)
        if left < 0:
            break
        found.append(data)
    return [*found, end]


def _escape(text: str) -> str:
    """Return a text as the data of a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _escape_property(text: str) -> str:
    return _escape(plain(text)).replace(":", "%3A").replace(",", "%2C")


def _text(text: str) -> str:
    """Return a text on one line of Markdown that means nothing but itself."""
    return re.sub(r"([\\`*_\[\]|#<>&~!@$])", lambda found: f"&#{ord(found[1])};", plain(text))


def _code(text: str) -> str:
    return f"<code>{_text(text)}</code>"


def _fence(text: str) -> str:
    """Return a fence that doesn't occur in the text."""
    longest = max((len(each) for each in re.findall("`+", text)), default=0)
    return "`" * max(3, longest + 1)
