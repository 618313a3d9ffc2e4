"""Measure dapbridge with LLDB beside `lldb-dap` of the same sidecar image, and compare what both show of stacks.

`lldb-dap` takes part twice: as its documentation has it, and set up with the target's own libraries by hand. All in
one run, taking turns, each time at a new target. `make bench-lldb` runs it; docs/benchmarks.md explains it.
"""

import asyncio
import dataclasses
from collections.abc import Mapping, Sequence

import click
import dap_contenders
import large
import shown_stacks
from attach import PAGE, Measure, MeasureLarge, make_sidecar_image, measure_at_large, measure_at_ticker
from dap_contenders import Adapter
from large import LargeSample
from report import Report, Row, describe_machine, rows_of_attach, rows_of_large, write_markdown
from rich.console import Console
from scene import Sample
from support.targets import running

from dapbridge.errors import DapbridgeError

CONTENDERS = ("dapbridge", "lldb-dap", "lldb-dap, set up")
TRUTH = "gdb (true)"
LARGE_STOPS = 3
"""The medians of these count: a first one is special to every debugger."""


async def benchmark(runs: int, stops: int, console: Console) -> tuple[Report, str]:
    """Measure every contender `runs` times, stepping at `stops` stops each; return the times, and what stacks show."""
    image = await make_sidecar_image()
    adapters: dict[str, Adapter] = dict(zip(CONTENDERS, _adapters(image), strict=True))
    samples: dict[str, list[Sample]] = {name: [] for name in CONTENDERS}
    large_samples: dict[str, list[LargeSample]] = {name: [] for name in CONTENDERS}
    for run in range(runs):
        turn = run % len(CONTENDERS)
        for name in CONTENDERS[turn:] + CONTENDERS[:turn]:
            console.print(f"run {run + 1} of {runs}: {name}", style="dim")
            with_ticker, with_large = _measures(adapters[name], stops)
            samples[name].append(await measure_at_ticker(with_ticker))
            large_samples[name].append(await measure_at_large(with_large))
    console.print("stacks", style="dim")
    rows = rows_of(samples, large_samples)
    machine = describe_machine(image, "lldb", "lldb-19")
    return Report(rows, machine, runs, stops, CONTENDERS), await _compare_stacks(image)


def _adapters(image: str) -> tuple[Adapter, ...]:
    lldb_dap = dap_contenders.LldbDap
    return dap_contenders.Dapbridge("lldb"), lldb_dap(image), lldb_dap(image, set_up=True)


def _measures(adapter: Adapter, stops: int) -> tuple[Measure, MeasureLarge]:
    return (
        lambda place: asyncio.to_thread(dap_contenders.measure, adapter, place, stops, asks_threads=True),
        lambda target: asyncio.to_thread(large.measure_dap, adapter, target, LARGE_STOPS),
    )


def rows_of(samples: Mapping[str, Sequence[Sample]], large_samples: Mapping[str, Sequence[LargeSample]]) -> list[Row]:
    """Return all rows of the table of times."""
    # Of lldb-dap's own request the first row would be, which comes when all that dapbridge does in it is behind.
    _, from_nothing, *others = rows_of_attach(samples)
    in_place = {name: [each.in_place_s for each in of_name] for name, of_name in samples.items()}
    return [
        dataclasses.replace(from_nothing, title=f"(a) {from_nothing.title}"),
        Row("of that, with the container started", in_place),
        *others,
        *rows_of_large(large_samples),
    ]


async def _compare_stacks(image: str) -> str:
    """Return the tables of what each contender shows of the same threads."""
    lldb_dap = dap_contenders.LldbDap
    adapters: dict[str, Adapter] = {
        TRUTH: dap_contenders.GdbDap(image),
        "dapbridge": dap_contenders.Dapbridge("lldb"),
        "lldb-dap, `pid`": lldb_dap(image, has_program=False),
        "lldb-dap, `pid` and `program`": lldb_dap(image),
        "lldb-dap, set up": lldb_dap(image, set_up=True),
    }
    async with running("threads") as target:
        stacks = {}
        for name, adapter in adapters.items():
            stacks[name] = await asyncio.to_thread(shown_stacks.read, adapter, target)
            await target.assert_runs_on()
    shown_stacks.check_truth(stacks[TRUTH])
    return shown_stacks.to_markdown(stacks, TRUTH)


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="Attaches per contender.")
@click.option(
    "--stops", default=5, show_default=True, type=click.IntRange(min=1), help="Stops per attach, four steps each."
)
@click.option("--markdown", is_flag=True, help="Print Markdown.")
@click.option("--write", is_flag=True, help="Put the tables into docs/benchmarks.md.")
def main(runs: int, stops: int, markdown: bool, write: bool) -> None:
    """Measure dapbridge with LLDB beside `lldb-dap`, and compare what both show of stacks."""
    console = Console(stderr=True)
    try:
        report, stacks = asyncio.run(benchmark(runs, stops, console))
    except DapbridgeError as error:
        raise click.ClickException(str(error)) from None
    if markdown:
        click.echo(f"{report.to_markdown()}\n\n{stacks}")
    else:
        Console().print(report.to_table())
        click.echo(f"\n{stacks}")
    if write:
        write_markdown(report.to_markdown(), PAGE, "lldb")
        write_markdown(stacks, PAGE, "lldb stacks")


if __name__ == "__main__":
    main()
