"""Measure the relay to delve beside a client of `dlv dap` itself, both in one run, taking turns, each at a new target.

The direct client is connected to dlv's own socket, in a sidecar container of the same image and rights. `make bench-go`
runs it; docs/benchmarks.md explains it.
"""

import asyncio
import secrets
import socket
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from subprocess import PIPE, Popen, run
from time import perf_counter, sleep
from typing import Protocol

import click
from attach import make_sidecar_image
from dap_contenders import INITIALIZE
from lean_client import JsonObject, LeanClient
from report import write_markdown
from support.gauge import Gauge
from support.marks import mark
from support.targets import DockerTarget, running

_PAGE = Path(__file__).resolve().parents[1] / "docs" / "benchmarks.md"
_SOURCE = "gauged.go"
_BUILD_FOLDER, _CLIENT_FOLDER = "/build/src", "/workspace"
THINKS_S = 0.4
"""How long a client takes between `initialized` and `configurationDone`."""


class WrongFactsError(Exception):
    """A contender has shown what is not true."""


@dataclass
class Sample:
    """What one contender took in one run: how long the target stood still, and each request's times."""

    stood_still_s: float = 0
    stood_still_at_once_s: float = 0
    """The same with a client that takes no time."""
    round_trips_s: dict[str, list[float]] = field(default_factory=dict)


class Adapter(Protocol):
    """One way to delve."""

    folder: str

    def attach_arguments(self, target: DockerTarget) -> JsonObject:
        """Return the arguments of `attach`."""
        ...

    def open(self, target: DockerTarget) -> AbstractContextManager[LeanClient]:
        """Start it; end it with the block."""
        ...


class Dapbridge:
    """`dapbridge serve` over stdio."""

    folder = _CLIENT_FOLDER

    def attach_arguments(self, target: DockerTarget) -> JsonObject:
        return {"target": target.name, "substitutePath": [{"from": _CLIENT_FOLDER, "to": _BUILD_FOLDER}]}

    def open(self, target: DockerTarget) -> LeanClient:
        return LeanClient([sys.executable, "-m", "dapbridge", "serve"])


class SocketClient(LeanClient):
    """A client of what listens on a unix socket."""

    def __init__(self, path: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(path)
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - closed at the end of the block
        self._listen_to(self._socket.fileno(), self._socket.fileno())

    def __exit__(self, *_: object) -> None:
        """End the connection."""
        self._socket.close()
        self._stderr.close()


class DirectDelve:
    """`dlv dap` in a sidecar container, its socket reached without anything in between."""

    folder = _BUILD_FOLDER

    def __init__(self, image: str) -> None:
        self._image = image

    def attach_arguments(self, target: DockerTarget) -> JsonObject:
        return {"mode": "local", "processId": 1}

    @contextmanager
    def open(self, target: DockerTarget) -> Iterator[LeanClient]:
        name = f"dapbridge-bench-{secrets.token_hex(4)}"
        options = ["--rm", f"--name={name}", f"--pid=container:{target.id}", "--network=none", "--user=1000:1000"]
        # The bounding set alone, as dapbridge has it with older engines (privileges.let_read).
        rights = ["--cap-drop=ALL", "--cap-add=SYS_PTRACE", "--security-opt=no-new-privileges"]
        rights += ["--read-only", "--tmpfs=/tmp:mode=1777", "--env=XDG_CONFIG_HOME=/tmp"]
        command = ["--entrypoint=dlv", self._image, "dap", "--listen=unix:/tmp/dlv.sock"]
        process = Popen(["docker", "run", *options, *rights, *command], stdout=PIPE)
        assert process.stdout
        try:
            while b"listening at" not in (line := process.stdout.readline()):
                if not line:
                    raise RuntimeError("dlv did not start")
            pid = run(["docker", "inspect", "-f", "{{.State.Pid}}", name], check=True, stdout=PIPE, text=True).stdout
            with SocketClient(f"/proc/{pid.strip()}/root/tmp/dlv.sock") as client:
                yield client
            process.wait(10)
        finally:
            run(["docker", "rm", "-f", name], check=False, capture_output=True)
            process.stdout.close()
            process.wait()


def measure(adapter: Adapter, target: DockerTarget, stops: int, thinks_s: float = THINKS_S) -> Sample:
    """Attach, then time what an editor asks at `stops` stops. Raises WrongFactsError."""
    sample = Sample()
    path = f"{adapter.folder}/{_SOURCE}"
    line = mark(_SOURCE, "step")
    with adapter.open(target) as client, closing(Gauge(target.pid)) as gauge:
        client.request("initialize", **INITIALIZE)
        gauge.reset()
        attach = client.send("attach", **adapter.attach_arguments(target))
        client.event("initialized")
        client.request("setBreakpoints", source={"path": path}, breakpoints=[{"line": mark(_SOURCE, "handler")}])
        sleep(thinks_s)
        client.request("configurationDone")
        client.response(attach)
        sample.stood_still_s = _gap_s(gauge)
        if stops:
            client.request("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}])
            client.event("stopped")

        def timed(command: str, **arguments: object) -> JsonObject:
            start = perf_counter()
            body = client.request(command, **arguments)
            sample.round_trips_s.setdefault(command, []).append(perf_counter() - start)
            return body

        def look() -> tuple[int, str, int]:
            """Ask what an editor asks at a stop; return the goroutine, its function and the line."""
            thread = _main_goroutine(timed("threads"))
            frames = timed("stackTrace", threadId=thread, startFrame=0, levels=20)["stackFrames"]
            scopes = timed("scopes", frameId=frames[0]["id"])["scopes"]
            variables = timed("variables", variablesReference=scopes[0]["variablesReference"])["variables"]
            number = next(each["value"] for each in variables if each["name"] == "number")
            result = timed("evaluate", expression="number + 1", frameId=frames[0]["id"], context="watch")["result"]
            if int(result) != int(number) + 1:
                raise WrongFactsError(f"number {number}, number + 1 {result}")
            return thread, frames[0]["name"], frames[0]["line"]

        for _ in range(stops):
            thread, *place = look()
            if place != ["main.step", line]:
                raise WrongFactsError(f"stopped in {place}")
            start = perf_counter()
            client.request("next", threadId=thread)
            client.event("stopped")
            sample.round_trips_s.setdefault("next until `stopped`", []).append(perf_counter() - start)
            thread, *place = look()
            if place != ["main.step", line + 1]:
                raise WrongFactsError(f"stepped to {place}")
            timed("setBreakpoints", source={"path": path}, breakpoints=[{"line": line}])
            client.request("continue", threadId=thread)
            client.event("stopped")
    return sample


def _gap_s(gauge: Gauge) -> float:
    """Return the largest gap, once the target has ticked after it."""
    ticks = gauge.read().ticks
    while gauge.read().ticks < ticks + 3:
        sleep(0.005)
    return gauge.read().largest_gap_ns / 1e9


def _main_goroutine(body: JsonObject) -> int:
    return next(int(each["id"]) for each in body["threads"] if each["name"].startswith("* "))


async def benchmark(runs: int, stops: int) -> dict[str, list[Sample]]:
    """Measure each contender `runs` times."""
    contenders: dict[str, Adapter] = {"dapbridge": Dapbridge(), "dlv dap": DirectDelve(await make_sidecar_image())}
    samples: dict[str, list[Sample]] = {name: [] for name in contenders}
    for number in range(runs):
        for name in sorted(contenders, reverse=number % 2 == 1):
            async with running("go_gauged") as target:
                sample = await asyncio.to_thread(measure, contenders[name], target, stops)
            async with running("go_gauged") as target:
                at_once = await asyncio.to_thread(measure, contenders[name], target, 0, 0)
            sample.stood_still_at_once_s = at_once.stood_still_s
            samples[name].append(sample)
    return samples


def _of(samples: Mapping[str, Sequence[Sample]], value: Callable[[Sample], float]) -> dict[str, list[float]]:
    return {name: [value(each) for each in of_name] for name, of_name in samples.items()}


def to_markdown(samples: Mapping[str, Sequence[Sample]], stops: int) -> str:
    """Return the table: medians of the runs, of each run its median."""
    rows = {
        f"target stood still at the attach, client takes {THINKS_S:g} s": _of(samples, lambda each: each.stood_still_s),
        "the same, client takes no time": _of(samples, lambda each: each.stood_still_at_once_s),
    }
    for title in samples["dapbridge"][0].round_trips_s:
        rows[title if " " in title else f"`{title}`"] = {
            name: [median(each.round_trips_s[title]) for each in samples[name]] for name in samples
        }
    lines = ["| ms | dapbridge | dlv dap | difference |", "| --- | ---: | ---: | ---: |"]
    for title, by_name in rows.items():
        ours, theirs = (median(by_name[name]) * 1000 for name in ("dapbridge", "dlv dap"))
        shown = [f"{median(v) * 1000:.2f} ({min(v) * 1000:.2f}–{max(v) * 1000:.2f})" for v in by_name.values()]
        lines.append(f"| {title} | {' | '.join(shown)} | {ours - theirs:+.2f} ({(ours / theirs - 1) * 100:+.0f} %) |")
    count = len(samples["dapbridge"])
    return (
        "\n".join(lines)
        + f"\n\nMedians of {count} runs, least and most in brackets; a run counts with its median of {stops}."
    )


@click.command()
@click.option("--runs", default=5, show_default=True, type=click.IntRange(min=1), help="Attaches per contender.")
@click.option("--stops", default=20, show_default=True, type=click.IntRange(min=1), help="Stops per attach.")
@click.option("--write", is_flag=True, help="Put the table into docs/benchmarks.md.")
def main(runs: int, stops: int, write: bool) -> None:
    """Measure dapbridge beside a client of `dlv dap` itself."""
    table = to_markdown(asyncio.run(benchmark(runs, stops)), stops)
    click.echo(table)
    if write:
        write_markdown(table, _PAGE, "delve")


if __name__ == "__main__":
    main()
