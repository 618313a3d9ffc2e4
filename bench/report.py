"""What was measured, as a table for the terminal and as Markdown for docs/benchmarks.md."""

import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from large import LargeSample
from rich.table import Table
from scene import AFTER_S, STEPS_PER_STOP, Sample

CONTENDERS = ("dapbridge", "gdb -i=dap", "raw MI")


@dataclass(frozen=True)
class Row:
    """One line of the table: `values` by contender, in seconds, or hits a second where `is_rate`."""

    title: str
    values: Mapping[str, Sequence[float]]
    is_rate: bool = False
    has_ratios: bool = True

    def cells(self, contenders: Sequence[str]) -> tuple[str, ...]:
        """Return the title, a median with its least and most for each contender, and the ratios to the first one."""
        by_contender = [self.values.get(name, ()) for name in contenders]
        show = _per_second if self.is_rate else _ms
        shown = [
            f"{show(median(each))} ({show(min(each))}–{show(max(each))})" if each else "–" for each in by_contender
        ]
        ratios = [_ratio(by_contender[0], other) if self.has_ratios and other else "" for other in by_contender[1:]]
        return (self.title, *shown, *ratios)


@dataclass(frozen=True)
class Report:
    """All rows, and where they were measured."""

    rows: Sequence[Row]
    machine: str
    runs: int
    stops: int
    contenders: Sequence[str] = CONTENDERS

    def to_table(self) -> Table:
        """Return the table for a terminal."""
        table = Table(*self._header(), title=self._caption(), title_justify="left", caption=self.machine)
        for row in self.rows:
            table.add_row(*(cell.replace("`", "") for cell in row.cells(self.contenders)))
        return table

    def to_markdown(self) -> str:
        """Return the same table as Markdown, with what it was made on."""
        header = self._header()
        lines = [header, ("---", *("---:" for _ in header[1:])), *(row.cells(self.contenders) for row in self.rows)]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        return f"{table}\n\n{self._caption()}. {self.machine}."

    def _header(self) -> tuple[str, ...]:
        return ("ms", *self.contenders, *(f"dapbridge / {other}" for other in self.contenders[1:]))

    def _caption(self) -> str:
        steps = self.stops * STEPS_PER_STOP
        return (
            f"Medians of {self.runs} runs, least and most in brackets; in (c) a run counts with its median of {steps}"
        )


def rows_of_attach(samples: Mapping[str, Sequence[Sample]]) -> list[Row]:
    """Return the rows for attaches and steps."""

    def row(title: str, value: Callable[[Sample], float], **options: bool) -> Row:
        return Row(title, {name: [value(each) for each in of_name] for name, of_name in samples.items()}, **options)

    return [
        row("(a) `attach` until answered", lambda sample: sample.attach_s),
        row("adapter's start until `attach` answered", lambda sample: sample.from_nothing_s),
        row("(b) target stood still at a stretch until then", lambda sample: sample.stood_still_s),
        row(f"the same until {AFTER_S:g} s later", lambda sample: sample.stood_still_after_s),
        row("the same without a debugger (noise)", lambda sample: sample.noise_floor_s, has_ratios=False),
        row("(c) `next` until stack, scopes, variables", lambda sample: median(sample.steps_s)),
        row("the same but containers' elements", lambda sample: median(sample.lists_s)),
    ]


def rows_of_large(samples: Mapping[str, Sequence[LargeSample]]) -> list[Row]:
    """Return the rows for what is large."""

    def row(title: str, value: Callable[[LargeSample], list[float]]) -> Row:
        return Row(title, {name: [median(value(each)) for each in of_name] for name, of_name in samples.items()})

    return [
        row("(d) `threads`: 501", lambda sample: sample.threads_s),
        row("(e) a stack of 10,000 frames", lambda sample: sample.stack_s),
        row("(f) 100 elements in the middle of 1,000,000", lambda sample: sample.page_s),
        row("(g) 1,000 breakpoints set", lambda sample: sample.set_s),
        row("(h) 1,000 breakpoints cleared", lambda sample: sample.cleared_s),
    ]


def write_markdown(text: str, page: Path, name: str) -> None:
    """Replace what stands between the page's marks of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")


def describe_machine(sidecar_image: str, debugger: str = "gdb", command: str = "gdb") -> str:
    """Return what the figures depend on, in neutral words; `command` is the debugger's in the image."""
    version = subprocess.run(
        ["docker", "run", "--rm", "--network=none", f"--entrypoint={command}", sidecar_image, "--version"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    docker = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    kernel = ".".join(platform.release().split(".")[:2])
    number = version.splitlines()[0].rpartition(" ")[2]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Linux {kernel}, Docker {docker}, {debugger} {number} in the"
        f" sidecar, Python {platform.python_version()}"
    )


def _ratio(own: Sequence[float], other: Sequence[float]) -> str:
    return f"{median(own) / median(other):.2f}×"


def _per_second(rate: float) -> str:
    return f"{rate:,.0f}/s"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"
