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
    """What a client knows after a step: functions from the innermost frame on, its line, its arguments and locals."""

    functions: list[str]
    line: int
    variables: dict[str, str]


@dataclass
class Sample:
    """What one contender took in one run."""

    from_nothing_s: float = 0
    in_place_s: float = 0
    """Of that, what came after the debugger's container had started."""
    attach_s: float = 0
    stood_still_s: float = 0
    stood_still_after_s: float = 0
    noise_floor_s: float = 0
    steps_s: list[float] = field(default_factory=list)
    lists_s: list[float] = field(default_factory=list)
    """Of the same steps, the time until variables were listed, but containers not opened where that is needed."""


def check(seen: Seen, step: int, *, whole_stack: bool = True) -> None:
    """Compare what was seen after the `step`th `next` from the mark `serve`. Raises WrongFactsError.

    whole_stack: whether the stack has to reach the thread's start, through the libraries.
    """
    wrong: list[str] = []

    def expect(what: str, found: object, pattern: str) -> None:
        if not re.search(pattern, str(found)):
            wrong.append(f"{what} is {found!r}, expected {pattern!r}")

    expect("function", seen.functions[0], r"\bserve\b")
    expect("its caller", seen.functions[1:2], r"\bwork\b")
    if whole_stack:
        expect("outermost function", seen.functions[-1], r"^(__)?clone3?\b")
    expect("line", seen.line, rf"^{SERVE_LINE + step}$")
    expect(
        "variables", sorted(seen.variables), r"^\['ages', 'half', 'name', 'numbers', 'quarter', 'round', 'weight'\]$"
    )
    if not wrong:
        name = f"round {seen.variables['round']}"
        weight = 46 + (len(name) if step >= 2 else 0)
        expect("name", seen.variables["name"], rf'^"{name}"$')
        expect("numbers", seen.variables["numbers"], r"(length |size=)4\b.*\{1, 2, 3, 4\}$")
        # lldb-dap leaves out what takes it too long, or shows an address instead.
        expect("ages", seen.variables["ages"], r"(2 elements|size=2)\b.*(\bada\b.*36.*\bbob\b.*41|\.\.\.|@ 0x)")
        expect("weight", seen.variables["weight"], rf"^{weight}$")
        if step >= 3:
            expect("half", seen.variables["half"], rf"^{weight // 2}$")
        if step >= 4:
            expect("quarter", seen.variables["quarter"], rf"^{weight // 4}$")
    if wrong:
        raise WrongFactsError(f"after step {step}: {'; '.join(wrong)}; seen: {seen}")
