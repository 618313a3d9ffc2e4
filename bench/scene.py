"""Where the contenders are measured: the fixture `ticker` in its container, and what is true in it at every step."""

import re
from dataclasses import dataclass, field

from support.gauge import Gauge
from support.marks import PROGRAMS, mark
from support.targets import DockerTarget

SOURCE = "ticker.cpp"
BUILD_FOLDER = "/build/src"
SERVE_LINE = mark(SOURCE, "serve")
STEPS_PER_STOP = mark(SOURCE, "serve-end") - SERVE_LINE
IDLE_LINE = next(
    number for number, line in enumerate((PROGRAMS / SOURCE).read_text().splitlines(), 1) if '"usage: ticker' in line
)
"""A line that never runs: a breakpoint there is there, but stops nothing."""

AFTER_S = 0.5
"""How long the target is watched after an attach, to catch what a debugger puts off until then."""


class WrongFactsError(Exception):
    """A contender has shown what is not true: its time does not count."""


@dataclass(frozen=True)
class Place:
    """The target, with the gauge that it keeps."""

    target: DockerTarget
    gauge: Gauge


@dataclass(frozen=True)
class Seen:
    """What a client knows after a step: function names from the innermost frame on, its line, its variables."""

    functions: list[str]
    line: int
    arguments: dict[str, str]
    locals: dict[str, str]


@dataclass
class Sample:
    """What one contender took in one run."""

    from_nothing_s: float = 0
    attach_s: float = 0
    stood_still_s: float = 0
    stood_still_after_s: float = 0
    noise_floor_s: float = 0
    steps_s: list[float] = field(default_factory=list)
    lists_s: list[float] = field(default_factory=list)
    """Of the same steps, the time until variables were listed, but containers not opened where that is needed."""


def check(seen: Seen, step: int) -> None:
    """Compare what was seen after the `step`th `next` from the mark `serve`. Raises WrongFactsError."""
    wrong: list[str] = []

    def expect(what: str, found: object, pattern: str) -> None:
        if not re.search(pattern, str(found)):
            wrong.append(f"{what} is {found!r}, expected {pattern!r}")

    expect("function", seen.functions[0], r"\bserve\b")
    expect("its caller", seen.functions[1:2], r"\bwork\b")
    expect("outermost function", seen.functions[-1], r"\bclone3?\b")
    expect("line", seen.line, rf"^{SERVE_LINE + step}$")
    expect("arguments", sorted(seen.arguments), r"^\['round'\]$")
    expect("locals", sorted(seen.locals), r"^\['ages', 'half', 'name', 'numbers', 'quarter', 'weight'\]$")
    if not wrong:
        name = f"round {seen.arguments['round']}"
        weight = 46 + (len(name) if step >= 2 else 0)
        expect("name", seen.locals["name"], rf'^"{name}"$')
        expect("numbers", seen.locals["numbers"], r"length 4\b.*\{1, 2, 3, 4\}$")
        expect("ages", seen.locals["ages"], r"2 elements\b.*\bada\b.*36.*\bbob\b.*41")
        expect("weight", seen.locals["weight"], rf"^{weight}$")
        if step >= 3:
            expect("half", seen.locals["half"], rf"^{weight // 2}$")
        if step >= 4:
            expect("quarter", seen.locals["quarter"], rf"^{weight // 4}$")
    if wrong:
        raise WrongFactsError(f"after step {step}: {'; '.join(wrong)}; seen: {seen}")
