"""Measure attaches, steps and what is large with dapbridge, `gdb -i=dap` in a like sidecar, and raw gdb/MI.

All three in one run, taking turns, each time at a new target. `make bench` runs it; docs/benchmarks.md explains it.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path

import click
import dap_contenders
import large
import raw_mi
from large import LargeSample
from logpoints import rows_of_log_points
from report import CONTENDERS, Report, describe_machine, rows_of_attach, rows_of_large, write_markdown
from rich.console import Console
from scene import Place, Sample
from support.engine import connect
from support.gauge import Gauge
from support.images import base
from support.targets import DockerTarget, running

from dapbridge.errors import DapbridgeError
from dapbridge.runtimes.docker import DockerRuntime
from dapbridge.runtimes.sidecar_image import image_tag

PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"

LARGE_STOPS = 2
"""At each of these `gdb -i=dap` looks for a page of a vector for ten seconds and more."""

Measure = Callable[[Place], Awaitable[Sample]]
MeasureLarge = Callable[[DockerTarget], Awaitable[LargeSample]]


async def benchmark(runs: int, stops: int, console: Console) -> Report:
    """Measure every contender `runs` times, stepping at `stops` stops each."""
    sidecar_image = await make_sidecar_image()

    def with_dap(adapter: dap_contenders.Adapter) -> Measure:
        return lambda place: asyncio.to_thread(dap_contenders.measure, adapter, place, stops)

    measures: dict[str, Measure] = {
        "dapbridge": with_dap(dap_contenders.Dapbridge()),
        "gdb -i=dap": with_dap(dap_contenders.GdbDap(sidecar_image)),
        "raw MI": lambda place: raw_mi.measure(place, stops),
    }

    def with_large(adapter: dap_contenders.Adapter) -> MeasureLarge:
        return lambda target: asyncio.to_thread(large.measure_dap, adapter, target, LARGE_STOPS)

    large_measures: dict[str, MeasureLarge] = {
        "dapbridge": with_large(dap_contenders.Dapbridge()),
        "gdb -i=dap": with_large(dap_contenders.GdbDap(sidecar_image)),
        "raw MI": lambda target: large.measure_mi(target, LARGE_STOPS),
    }
    large_samples: dict[str, list[LargeSample]] = {name: [] for name in CONTENDERS}
    samples: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
    for run in range(runs):
        turn = run % len(CONTENDERS)
        for name in CONTENDERS[turn:] + CONTENDERS[:turn]:
            console.print(f"run {run + 1} of {runs}: {name}", style="dim")
            samples[name].append(await measure_at_ticker(measures[name]))
            large_samples[name].append(await measure_at_large(large_measures[name]))
    console.print("log points", style="dim")
    log_points = await rows_of_log_points(sidecar_image, runs)
    rows = [*rows_of_attach(samples), *rows_of_large(large_samples), *log_points]
    return Report(rows, describe_machine(sidecar_image), runs, stops)


async def measure_at_large(measure: MeasureLarge) -> LargeSample:
    """Measure once, at a new target."""
    async with running("large") as target:
        return await measure(target)


async def measure_at_ticker(measure: Measure) -> Sample:
    """Measure once, at a new target."""
    async with fresh_place() as place:
        sample = await measure(place)
    # A new target again: the noise must have nothing of the debugger that was there.
    async with fresh_place() as place:
        place.gauge.reset()
        await asyncio.sleep(sample.attach_s)
        sample.noise_floor_s = place.gauge.stood_still_ns() / 1e9
    return sample


@asynccontextmanager
async def fresh_place() -> AsyncIterator[Place]:
    """Run a new target until the block ends."""
    async with running("ticker") as target:
        with closing(Gauge(target.pid)) as gauge:
            yield Place(target, gauge)


async def make_sidecar_image() -> str:
    """Return the tag of the sidecar's image, built if it is missing."""
    with closing(connect()) as client:
        tag = image_tag()
        if not client.images.list(name=tag):
            await asyncio.to_thread(base, client, "trixie")
            runtime = DockerRuntime()
            try:
                tag = await runtime.build_image(lambda _: None)
            finally:
                await runtime.aclose()
    return tag


@click.command()
@click.option("--runs", default=10, show_default=True, type=click.IntRange(min=1), help="Attaches per contender.")
@click.option(
    "--stops", default=5, show_default=True, type=click.IntRange(min=1), help="Stops per attach, four steps each."
)
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--write", is_flag=True, help="Put the Markdown into docs/benchmarks.md.")
def main(runs: int, stops: int, markdown: bool, write: bool) -> None:
    """Measure dapbridge beside `gdb -i=dap` and raw gdb/MI."""
    console = Console(stderr=True)
    try:
        report = asyncio.run(benchmark(runs, stops, console))
    except DapbridgeError as error:
        raise click.ClickException(str(error)) from None
    if markdown:
        click.echo(report.to_markdown())
    else:
        Console().print(report.to_table())
    if write:
        write_markdown(report.to_markdown(), PAGE, "table")


if __name__ == "__main__":
    main()
