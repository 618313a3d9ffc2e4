"""The report for CI servers: a JUnit file with a test case for each probe, and one for COMMAND.

The file is there from the beginning, and says until the run's end that it was broken off: so it is a whole and valid
one even if dapbridge is killed.
"""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

from dapbridge.headless.happenings import (
    CommandEnded,
    Ended,
    Happening,
    Hit,
    Logged,
    ProbeResult,
    Started,
    TargetEnded,
    Warned,
)
from dapbridge.headless.shown import hit_lines
from dapbridge.whole_file import write_whole

MAX_HITS = 50
"""Of a probe that are written; a CI server has to load the whole file."""

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BROKEN_OFF = "dapbridge was ended before the run was: nothing is known of this"


class JunitReport:
    """Keeps a JUnit file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._started: Started | None = None
        self._hits: dict[int, list[Hit | Logged]] = {}
        self._notes: list[str] = []
        self._command: CommandEnded | None = None

    def tell(self, happening: Happening) -> None:
        """See happenings.Report. Raises OSError at the beginning and at the end."""
        match happening:
            case Started():
                self._started = happening
                self._hits = {each.id: [] for each in happening.probes}
                self._write(None)
            case Hit() | Logged():
                self._hits[happening.probe].append(happening)
            case Warned(text, target):
                self._notes.append(f"{target}: {text}" if target else text)
            case TargetEnded(target=target, reason=reason):
                self._notes.append(f"{target}: {reason}")
            case CommandEnded():
                self._command = happening
            case Ended():
                self._write(happening)

    def _write(self, ended: Ended | None) -> None:
        assert self._started
        suite = ElementTree.Element("testsuite", name="dapbridge " + " ".join(self._started.targets))
        for case in self._cases(ended):
            suite.append(case)
        counts = {"tests": len(suite)} | {f"{kind}s": len(suite.findall(f"*/{kind}")) for kind in ("failure", "error")}
        time = f"{ended.seconds if ended else 0:.3f}"
        for name, value in counts.items():
            suite.set(name, str(value))
        suite.set("skipped", "0")
        suite.set("time", time)
        suite.set("timestamp", self._started.time.partition(".")[0])
        if self._notes:
            ElementTree.SubElement(suite, "system-err").text = _xml("\n".join(self._notes))
        suites = ElementTree.Element("testsuites", {"name": "dapbridge", "time": time})
        for name, value in counts.items():
            suites.set(name, str(value))
        suites.append(suite)
        ElementTree.indent(suites)
        write_whole(self._path, ElementTree.tostring(suites, encoding="utf-8", xml_declaration=True) + b"\n")

    def _cases(self, ended: Ended | None) -> Iterator[ElementTree.Element]:
        assert self._started
        results = {each.id: each for each in ended.probes} if ended else {}
        for probe in self._started.probes:
            yield self._probe_case(probe.id, probe.text, results.get(probe.id))
        name = shlex.join(self._started.command) or "the run"
        case = _case("dapbridge.run", name, self._command.seconds if self._command else 0)
        if ended is None:
            _problem(case, "error", _BROKEN_OFF)
        elif self._command and self._command.exit_code == ended.exit_code != 0:
            _problem(case, "failure", ended.reason)
        elif ended.exit_code != 0 and not any(each.verdict in ("failed", "error") for each in ended.probes):
            _problem(case, "error", ended.reason)
        yield case

    def _probe_case(self, id_: int, text: str, result: ProbeResult | None) -> ElementTree.Element:
        case = _case("dapbridge.probes", text, 0)
        if result is None:
            _problem(case, "error", _BROKEN_OFF)
        elif result.verdict == "failed":
            _problem(case, "failure", result.message)
        elif result.verdict == "error":
            _problem(case, "error", result.message)
        hits = self._hits[id_]
        if hits:
            lines = [line for hit in hits[:MAX_HITS] for line in _lines(hit)]
            if len(hits) > MAX_HITS:
                lines.append(f"… and {len(hits) - MAX_HITS} more")
            ElementTree.SubElement(case, "system-out").text = _xml("\n".join(lines))
        return case


def _lines(hit: Hit | Logged) -> Iterator[str]:
    if isinstance(hit, Logged):
        yield f"{hit.time} {hit.target}: {hit.text}"
        return
    yield f"{hit.time} {hit.target}: hit {hit.number}: {hit.reason}"
    yield from (f"    {line}" for line in hit_lines(hit))


def _case(class_name: str, name: str, seconds: float) -> ElementTree.Element:
    return ElementTree.Element("testcase", classname=class_name, name=_xml(name), time=f"{seconds:.3f}")


def _problem(case: ElementTree.Element, kind: str, text: str) -> None:
    ElementTree.SubElement(case, kind, message=_xml(text), type="dapbridge").text = _xml(text)


def _xml(text: str) -> str:
    """Return a text without the characters that XML can't hold."""
    return _NO_XML.sub("\ufffd", text)
