"""The report for people, while the run goes on."""

import shlex
from collections.abc import Callable

from dapbridge.headless.happenings import (
    Armed,
    Attached,
    CommandStarted,
    Ended,
    Happening,
    Hit,
    Logged,
    Progress,
    Started,
    TargetEnded,
    Warned,
)
from dapbridge.headless.shown import hit_lines, plain, short_path

_MARK = "dapbridge: "


class TextReport:
    """Writes lines with `write`; those that say something new begin with "dapbridge: "."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write
        self._probes: dict[int, str] = {}

    def tell(self, happening: Happening) -> None:
        """See happenings.Report."""
        match happening:
            case Started(probes=probes):
                self._probes = {each.id: each.text for each in probes}
            case Progress(target, text):
                self._say(f"{target}: {text}")
            case Attached(target=target, seconds=seconds):
                self._say(f"{target}: attached in {seconds:.1f} s")
            case Armed():
                self._say(f"{happening.target}: {self._armed(happening)}")
            case CommandStarted(command=command):
                self._say(f"running {shlex.join(command)}")
            case Hit():
                self._say_hit(happening)
            case Logged(target=target, text=text):
                self._say(f"{target}: log: {text}")
            case Warned(text, target):
                self._say(f"{target}: warning: {text}" if target else f"warning: {text}")
            case TargetEnded(target=target, reason=reason):
                self._say(f"{target}: {reason}")
            case Ended():
                self._say_end(happening)

    def _armed(self, armed: Armed) -> str:
        place = f" at {short_path(armed.path)}:{armed.line}" if armed.path else ""
        message = f" ({armed.message})" if armed.message else ""
        return f"{armed.state}: {self._probes[armed.probe]}{place}{message}"

    def _say_hit(self, hit: Hit) -> None:
        self._say(f"{hit.target}: hit {hit.number} of {self._probes[hit.probe]}: {hit.reason}; stood {hit.stood_ms} ms")
        self._write("".join(f"    {line}\n" for line in hit_lines(hit)))

    def _say_end(self, ended: Ended) -> None:
        for each in ended.probes:
            verdict = "" if each.verdict == "none" else f"{each.verdict}: "
            self._say(f"{verdict}{self._probes[each.id]}: {each.message}")
        self._say(f"{ended.reason}; exit code {ended.exit_code}")

    def _say(self, text: str) -> None:
        self._write(f"{_MARK}{plain(text)}\n")
