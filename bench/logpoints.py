"""Log points a second at full speed, in the fixture `logged` with 1 and with 23 threads; raw MI's are gdb's `dprintf`.

The target numbers its hits, so the rate is what the numbers in the lines grow by, seen at the client's end.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from time import perf_counter

import dap_contenders
import raw_mi
from dap_contenders import Adapter
from report import CONTENDERS, Row
from scene import BUILD_FOLDER
from support.marks import mark
from support.targets import DockerTarget, running

from dapbridge.engines.mi.gdb import Gdb
from dapbridge.mi.commands import command

SOURCE = "logged.cpp"
LINE = mark(SOURCE, "hot")
THREADS = (1, 23)
WARM_UP_S = 0.5
MEASURED_S = 2.0

_HIT = re.compile(rb"hot (\d+)\b")


async def rows_of_log_points(sidecar_image: str, runs: int) -> list[Row]:
    """Measure every contender `runs` times, taking turns."""
    measures: Mapping[str, Callable[[DockerTarget], Awaitable[float]]] = {
        "dapbridge": _with_dap(dap_contenders.Dapbridge()),
        "gdb -i=dap": _with_dap(dap_contenders.GdbDap(sidecar_image)),
        "raw MI": measure_mi,
    }
    rows = []
    for threads in THREADS:
        rates: dict[str, list[float]] = {name: [] for name in CONTENDERS}
        for run in range(runs):
            turn = run % len(CONTENDERS)
            for name in CONTENDERS[turn:] + CONTENDERS[:turn]:
                async with running("logged", str(threads)) as target:
                    rates[name].append(await measures[name](target))
        title = f"(i) log points a second, {threads} thread{'s' if threads > 1 else ''}; raw MI: `dprintf`"
        rows.append(Row(title, rates, is_rate=True))
    return rows


def _with_dap(adapter: Adapter) -> Callable[[DockerTarget], Awaitable[float]]:
    return lambda target: asyncio.to_thread(measure_dap, adapter, target)


class _Rate:
    """Takes what comes and the moment; knows the rate once enough has come."""

    def __init__(self) -> None:
        self._first: tuple[int, float] | None = None
        self._begin = perf_counter()
        self.value: float | None = None

    def take(self, data: bytes) -> None:
        """Take a piece of output, in which a number may be cut."""
        now = perf_counter()
        if now - self._begin < WARM_UP_S or not (hits := _HIT.findall(data)):
            return
        # Not the last one in the piece: its end may be in the next.
        number = int(hits[-2] if len(hits) > 1 else hits[-1])
        if self._first is None:
            self._first = number, now
        elif now - self._first[1] >= MEASURED_S:
            self.value = (number - self._first[0]) / (now - self._first[1])


def measure_dap(adapter: Adapter, target: DockerTarget) -> float:
    """Return the log points a second of a DAP adapter."""
    with adapter.open(target) as client:
        client.request("initialize", **dap_contenders.INITIALIZE)
        attach = client.send("attach", **adapter.attach_arguments(target))
        client.event("initialized")
        source = {"path": f"{adapter.folder}/{SOURCE}"}
        log_point = {"line": LINE, "logMessage": "hot {number}"}
        client.request("setBreakpoints", source=source, breakpoints=[log_point])
        client.request("configurationDone")
        client.response(attach)
        if adapter.stands_after_attach:
            client.request("continue", threadId=client.event("stopped")["threadId"])
        rate = _Rate()
        while rate.value is None:
            rate.take(client.event("output")["output"].encode())
        client.request("setBreakpoints", source=source, breakpoints=[])
        client.request("disconnect", terminateDebuggee=False)
    return rate.value


async def measure_mi(target: DockerTarget) -> float:
    """Return the hits a second of gdb's own `dprintf`."""
    dialect = Gdb()
    dprintf = f'-dprintf-insert --source {BUILD_FOLDER}/{SOURCE} --line {LINE} "hot %ld\\n" number'
    async with raw_mi.agent_in_sidecar(target) as agent:
        mi, child, process, _ = await raw_mi.prepare(agent, target, dprintf)
        mi.send(*dialect.attach(process.pid, stop=False))
        rate = _Rate()
        while rate.value is None:
            data = await child.read()
            if not data:
                raise RuntimeError("gdb has ended")
            rate.take(data)
        mi.send(command("break-delete", 1), "-target-detach")
        await child.aclose()
    return rate.value
