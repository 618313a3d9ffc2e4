"""Measure for how long a target stands still while all its threads' stacks are taken, by what it says itself.

The target is the fixture `heavy`: 100 threads, 100 MB of debug information. Each contender gets a new one, in turns.
`make bench-stacks` runs it; docs/benchmarks.md explains it.
"""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter

import click
from attach import make_sidecar_image
from report import describe_machine, write_markdown
from rich.console import Console
from scene import WrongFactsError
from support.engine import connect
from support.gauge import Gauge
from support.images import image
from support.targets import DockerTarget, running

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
_THREADS = 100
_GDB = (
    *("gdb", "--nx", "--quiet", "--batch", "-iex", "set auto-load off", "-iex", "set debuginfod enabled off"),
    *("-iex", "set sysroot /proc/1/root", "-iex", "set pagination off", "-iex", "set width 0"),
)
_ALL = ("-ex", "thread apply all bt")
_RIGHTS = ("--cap-drop=ALL", "--cap-add=SYS_PTRACE", "--cap-add=DAC_OVERRIDE", "--cap-add=KILL", "--user=0:0")
_NOISE_S = 3.0

Command = Callable[[DockerTarget], Sequence[str]]


@dataclass(frozen=True)
class Contender:
    """One way to take the stacks: its command, and what must stand in its output for each thread that waits."""

    title: str
    command: Command
    count: Callable[[str], int]


@dataclass(frozen=True)
class Sample:
    """One run: for how long the target stood still at a stretch, and how long all of it took, in seconds."""

    stood_still_s: float
    whole_s: float


def contenders(sidecar: str, elfutils: str) -> list[Contender]:
    """Return all contenders, those of gdb in the same image and with the same rights as dapbridge's own sidecar."""

    def beside(image_: str, *command: str) -> Command:
        def run(target: DockerTarget) -> Sequence[str]:
            place = ("--rm", f"--pid=container:{target.id}", "--network=none", "--log-driver=none", "--read-only")
            return (
                "docker",
                "run",
                *place,
                "--tmpfs=/tmp",
                *_RIGHTS,
                f"--entrypoint={command[0]}",
                image_,
                *command[1:],
            )

        return run

    def dapbridge(*options: str) -> Command:
        return lambda target: (sys.executable, "-m", "dapbridge", "stacks", "--json", *options, target.name)

    def count_json(text: str) -> int:
        threads = json.loads(text)["threads"]
        return sum(any("stand" in frame["function"] for frame in each["frames"]) for each in threads)

    def count_text(text: str) -> int:
        return text.count("stand")

    return [
        Contender("`dapbridge stacks`", dapbridge(), count_json),
        Contender("`dapbridge stacks --locals`", dapbridge("--locals"), count_json),
        Contender("`gdb -p`, `thread apply all bt`", beside(sidecar, *_GDB, "-p", "1", *_ALL), count_text),
        Contender(
            "the same, symbols of the program first",
            beside(sidecar, *_GDB, "/proc/1/exe", "-ex", "attach 1", *_ALL),
            count_text,
        ),
        Contender("`eu-stack -p` (thread by thread)", beside(elfutils, "eu-stack", "-p", "1"), count_text),
    ]


async def benchmark(runs: int, console: Console) -> tuple[dict[str, list[Sample]], str]:
    """Measure each contender `runs` times, in turns; return the samples by title, and the machine in words."""
    sidecar = await make_sidecar_image()
    all_contenders = contenders(sidecar, await asyncio.to_thread(_make_elfutils_image, sidecar))
    samples: dict[str, list[Sample]] = {each.title: [] for each in all_contenders} | {"nothing (noise)": []}
    for run in range(runs):
        turn = run % len(all_contenders)
        for contender in all_contenders[turn:] + all_contenders[:turn]:
            console.print(f"run {run + 1} of {runs}: {contender.title}", style="dim", markup=False)
            samples[contender.title].append(await _measure(contender))
        async with _place() as (_, gauge):
            gauge.reset()
            await asyncio.sleep(_NOISE_S)
            samples["nothing (noise)"].append(Sample(gauge.stood_still_ns() / 1e9, _NOISE_S))
    return samples, describe_machine(sidecar)


def to_markdown(samples: Mapping[str, Sequence[Sample]], machine: str, runs: int) -> str:
    """Return the table."""
    still = {title: median(each.stood_still_s for each in of_one) for title, of_one in samples.items()}
    gdb = next(value for title, value in still.items() if title.startswith("`gdb -p`"))
    lines = ["| taken by | target stood still at a stretch, ms | to `gdb -p` | until all is printed, ms |"]
    lines.append("| --- | ---: | ---: | ---: |")
    for title, of_one in samples.items():
        spread = _shown([each.stood_still_s for each in of_one])
        whole = "" if title.startswith("nothing") else _shown([each.whole_s for each in of_one])
        lines.append(f"| {title} | {spread} | {still[title] / gdb:.3f}× | {whole} |")
    return "\n".join(lines) + f"\n\nMedians of {runs} runs, least and most in brackets. {machine}."


async def _measure(contender: Contender) -> Sample:
    async with _place() as (target, gauge):
        command = contender.command(target)
        gauge.reset()
        begin = perf_counter()
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=False)
        whole_s = perf_counter() - begin
        stood_still_s = gauge.stood_still_ns() / 1e9
        found = contender.count(done.stdout) if done.returncode == 0 else 0
        if found < _THREADS - 1:
            raise WrongFactsError(
                f"{contender.title}: {found} threads that stand\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
            )
        # gdb leaves a zombie in the PID namespace, which is no news.
        await target.assert_runs_on()
        return Sample(stood_still_s, whole_s)


@asynccontextmanager
async def _place() -> AsyncIterator[tuple[DockerTarget, Gauge]]:
    async with running("heavy", read_only=True, tmpfs={"/tmp": "mode=1777"}) as target:
        with closing(Gauge(target.pid)) as gauge:
            yield target, gauge


def _make_elfutils_image(sidecar: str) -> str:
    """Return an image with eu-stack and the target's program: it looks for files at their paths in its own root."""
    with closing(connect()) as client:
        heavy = image(client, "heavy")
    tag = f"dapbridge-bench-elfutils:{sidecar.rpartition(':')[2]}-{heavy.rpartition(':')[2]}"
    install = "apt-get update && apt-get install -y --no-install-recommends elfutils && rm -rf /var/lib/apt/lists/*"
    dockerfile = f"FROM {sidecar}\nRUN {install}\nCOPY --from={heavy} /heavy /heavy\n"
    with TemporaryDirectory() as folder:
        Path(folder, "Dockerfile").write_text(dockerfile)
        subprocess.run(
            ["docker", "build", "--quiet", "--network=host", "--tag", tag, folder], check=True, stdout=sys.stderr
        )
    return tag


def _shown(seconds: Sequence[float]) -> str:
    return f"{_ms(median(seconds))} ({_ms(min(seconds))}–{_ms(max(seconds))})"


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:,.0f}" if seconds >= 0.1 else f"{seconds * 1000:.1f}"


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="Targets per contender.")
@click.option("--write", is_flag=True, help="Put the table into docs/benchmarks.md.")
def main(runs: int, write: bool) -> None:
    """Measure the freeze for all threads' stacks with dapbridge, gdb and eu-stack."""
    samples, machine = asyncio.run(benchmark(runs, Console(stderr=True)))
    table = to_markdown(samples, machine, runs)
    click.echo(table)
    if write:
        write_markdown(table, _PAGE, "stacks")


if __name__ == "__main__":
    main()
