"""What was measured, as a table for the terminal and as Markdown for docs/benchmarks.md."""

import os
import platform
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from rich.table import Table
from scene import AFTER_S, STEPS_PER_STOP, Sample

CONTENDERS = ("dapbridge", "gdb -i=dap", "raw MI")

_BEGIN, _END = "<!-- table: begin -->", "<!-- table: end -->"


def _noise_floor(sample: Sample) -> float:
    return sample.noise_floor_s


_ROWS: tuple[tuple[str, Callable[[Sample], float]], ...] = (
    ("(a) `attach` until answered", lambda sample: sample.attach_s),
    ("adapter's start until `attach` answered", lambda sample: sample.from_nothing_s),
    ("(b) target stood still at a stretch until then", lambda sample: sample.stood_still_s),
    (f"the same until {AFTER_S:g} s later", lambda sample: sample.stood_still_after_s),
    ("the same without a debugger (noise)", _noise_floor),
    ("(c) `next` until stack, scopes, variables", lambda sample: median(sample.steps_s)),
    ("the same but containers' elements", lambda sample: median(sample.lists_s)),
)


@dataclass(frozen=True)
class Report:
    """All samples by contender, and where they were taken."""

    samples: Mapping[str, Sequence[Sample]]
    machine: str
    runs: int
    stops: int

    def to_table(self) -> Table:
        """Return the table for a terminal."""
        table = Table(*self._header(), title=self._caption(), title_justify="left", caption=self.machine)
        for row in self._cells():
            table.add_row(*(cell.replace("`", "") for cell in row))
        return table

    def to_markdown(self) -> str:
        """Return the same table as Markdown, with what it was made on."""
        header = self._header()
        lines = [header, ("---", *("---:" for _ in header[1:])), *self._cells()]
        table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
        return f"{table}\n\n{self._caption()}. {self.machine}."

    def write_into(self, page: Path) -> None:
        """Replace what stands between the page's marks."""
        before, _, rest = page.read_text().partition(_BEGIN)
        _, _, after = rest.partition(_END)
        page.write_text(f"{before}{_BEGIN}\n\n{self.to_markdown()}\n\n{_END}{after}")

    def _header(self) -> tuple[str, ...]:
        return ("ms", *CONTENDERS, *(f"dapbridge / {other}" for other in CONTENDERS[1:]))

    def _caption(self) -> str:
        steps = self.stops * STEPS_PER_STOP
        return (
            f"Medians of {self.runs} runs, least and most in brackets; in (c) a run counts with its median of {steps}"
        )

    def _cells(self) -> list[tuple[str, ...]]:
        rows = []
        for title, value in _ROWS:
            by_contender = [[value(sample) for sample in self.samples[name]] for name in CONTENDERS]
            medians = [median(values) for values in by_contender]
            shown = [f"{_ms(median(values))} ({_ms(min(values))}–{_ms(max(values))})" for values in by_contender]
            ratios = [f"{medians[0] / other:.2f}×" for other in medians[1:]]
            rows.append((title, *shown, *(ratios if value is not _noise_floor else ("",) * len(ratios))))
        return rows


def describe_machine(sidecar_image: str) -> str:
    """Return what the figures depend on, in neutral words."""
    gdb = subprocess.run(
        ["docker", "run", "--rm", "--network=none", "--entrypoint=gdb", sidecar_image, "--version"],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    docker = subprocess.run(
        ["docker", "version", "--format", "{{.Server.Version}}"], check=True, stdout=subprocess.PIPE, text=True
    ).stdout.strip()
    kernel = ".".join(platform.release().split(".")[:2])
    gdb_version = gdb.splitlines()[0].rpartition(" ")[2]
    return (
        f"{os.cpu_count()} cores ({platform.machine()}), Linux {kernel}, Docker {docker}, gdb {gdb_version} in the"
        f" sidecar, Python {platform.python_version()}"
    )


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"
