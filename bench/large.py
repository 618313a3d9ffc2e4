"""What is large, at stops of the fixture `large`: 500 threads, 10,000 frames, 1,000,000 elements, 1,000 breakpoints.

Each stop is looked at once, since all contenders remember what they have looked up.
"""

from dataclasses import dataclass, field
from time import perf_counter

import dap_contenders
import raw_mi
from dap_contenders import Adapter, set_breakpoints, wait_stopped
from lean_client import JsonObject, LeanClient
from scene import WrongFactsError
from support.marks import mark
from support.targets import DockerTarget

from dapbridge.engines.mi.gdb import Gdb
from dapbridge.mi.commands import command

SOURCE = "large.cpp"
BOTTOM_LINE = mark(SOURCE, "bottom")
LINES_SOURCE = "lines.inc"
LINES = range(1, 1001)
THREADS = 501
FRAMES = 10_000
PAGE_START, PAGE_COUNT = 500_000, 100


@dataclass
class LargeSample:
    """Seconds, one for each stop."""

    threads_s: list[float] = field(default_factory=list)
    stack_s: list[float] = field(default_factory=list)
    page_s: list[float] = field(default_factory=list)
    set_s: list[float] = field(default_factory=list)
    cleared_s: list[float] = field(default_factory=list)


def measure_dap(adapter: Adapter, target: DockerTarget, stops: int) -> LargeSample:
    """Look at `stops` stops through a DAP adapter. Raises WrongFactsError."""
    sample = LargeSample()
    with adapter.open(target) as client:
        client.request("initialize", **dap_contenders.INITIALIZE)
        attach = client.send("attach", **adapter.attach_arguments(target))
        client.event("initialized")
        set_breakpoints(client, adapter, SOURCE, BOTTOM_LINE)
        client.request("configurationDone")
        client.response(attach)
        if adapter.stands_after_attach:
            client.request("continue", threadId=client.event("stopped")["threadId"])
        for stop in range(stops):
            thread_id = wait_stopped(client, "breakpoint")
            _look(client, adapter, thread_id, sample)
            if stop == stops - 1:
                set_breakpoints(client, adapter, SOURCE)
            client.request("continue", threadId=thread_id)
        client.request("disconnect", terminateDebuggee=False)
    return sample


def _look(client: LeanClient, adapter: Adapter, thread_id: int, sample: LargeSample) -> None:
    begin = perf_counter()
    threads = client.request("threads")["threads"]
    sample.threads_s.append(perf_counter() - begin)
    _expect("threads", len(threads), THREADS)
    begin = perf_counter()
    frames = client.request("stackTrace", threadId=thread_id, startFrame=0, levels=0)["stackFrames"]
    sample.stack_s.append(perf_counter() - begin)
    _check_stack([each["name"] for each in frames])
    scopes = client.request("scopes", frameId=frames[0]["id"])["scopes"]
    # lldb-dap has no scope for arguments alone.
    hints = ("arguments", "locals")
    arguments = next(each for each in scopes if each.get("presentationHint") in hints)["variablesReference"]
    begin = perf_counter()
    (million,) = (each for each in _variables(client, arguments) if each["name"].startswith("million"))
    page = _open_page(client, million)
    sample.page_s.append(perf_counter() - begin)
    _check_page([each["value"] for each in page])
    begin = perf_counter()
    set_breakpoints(client, adapter, LINES_SOURCE, *LINES)
    sample.set_s.append(perf_counter() - begin)
    begin = perf_counter()
    set_breakpoints(client, adapter, LINES_SOURCE)
    sample.cleared_s.append(perf_counter() - begin)


def _variables(client: LeanClient, reference: int, **page: int) -> list[JsonObject]:
    found: list[JsonObject] = client.request("variables", variablesReference=reference, **page)["variables"]
    return found


def _open_page(client: LeanClient, vector: JsonObject) -> list[JsonObject]:
    reference = vector["variablesReference"]
    if not vector.get("indexedVariables"):
        # A reference to a vector, shown as something that holds the vector.
        (inner,) = _variables(client, reference)
        reference = inner["variablesReference"]
    return _variables(client, reference, start=PAGE_START, count=PAGE_COUNT)


async def measure_mi(target: DockerTarget, stops: int) -> LargeSample:
    """Look at `stops` stops through raw MI: the same questions, each in one burst."""
    sample = LargeSample()
    dialect = Gdb()
    async with raw_mi.agent_in_sidecar(target) as agent:
        at_bottom = raw_mi.break_at(SOURCE, BOTTOM_LINE)
        mi, child, process, libraries = await raw_mi.prepare(agent, target, at_bottom)
        await mi.results(mi.send(*dialect.attach(process.pid, stop=False)))
        await mi.run(*dialect.load_libraries(libraries.sysroot, process.pid))
        for stop in range(stops):
            thread_id = int((await mi.stop("breakpoint-hit"))["thread-id"])
            await _look_mi(mi, thread_id, f"m{stop}", sample)
            if stop == stops - 1:
                await mi.run("-break-delete 1")
            await mi.run("-exec-continue")
        await mi.run("-target-detach")
        await child.aclose()
    return sample


async def _look_mi(mi: raw_mi.Mi, thread_id: int, name: str, sample: LargeSample) -> None:
    begin = perf_counter()
    [threads] = await mi.run("-thread-info")
    sample.threads_s.append(perf_counter() - begin)
    _expect("threads", len(threads["threads"]), THREADS)
    begin = perf_counter()
    [stack] = await mi.run(command("stack-list-frames", thread=thread_id))
    sample.stack_s.append(perf_counter() - begin)
    _check_stack([each["func"] for each in stack["stack"]])
    begin = perf_counter()
    page = f"-var-list-children --all-values {name} {PAGE_START} {PAGE_START + PAGE_COUNT}"
    [_, children] = await mi.run(command("var-create", name, "*", "million", thread=thread_id, frame=0), page)
    sample.page_s.append(perf_counter() - begin)
    _check_page([each["value"] for each in children["children"]])
    begin = perf_counter()
    inserted = await mi.run(*(raw_mi.break_at(LINES_SOURCE, line) for line in LINES))
    sample.set_s.append(perf_counter() - begin)
    begin = perf_counter()
    await mi.run(command("break-delete", *(each["bkpt"]["number"] for each in inserted)))
    sample.cleared_s.append(perf_counter() - begin)


def _check_stack(functions: list[str]) -> None:
    _expect("innermost function", "measure" in functions[0], True)
    _expect("frames of descend", sum("descend" in each for each in functions), FRAMES)


def _check_page(values: list[str]) -> None:
    _expect("page", values, [str(PAGE_START + index) for index in range(PAGE_COUNT)])


def _expect(what: str, found: object, expected: object) -> None:
    if found != expected:
        raise WrongFactsError(f"{what}: {found!r:.200}, expected {expected!r:.200}")
