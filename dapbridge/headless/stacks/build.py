"""Makes the report of a snapshot: the agent's facts of each thread and the debugger's frames, put together. Pure."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime

from msgspec import structs

from dapbridge.agent.facts import Process, Snapshot, SnapshotThread
from dapbridge.engines.mi.core_reader import MAX_FRAMES
from dapbridge.engines.mi.stack import without_parameters
from dapbridge.headless.stacks.report import Frame, Report, Thread, Unit, Variable
from dapbridge.headless.stacks.waits import deadlocks_of, go_wait_of, state_of, wait_of
from dapbridge.mi.records import Payload

Place = tuple[int, int]
"""A frame: the thread's kernel id and the level."""


def frame_of(payload: Payload, to_client: Callable[[str], str]) -> Frame:
    """Return a frame of MI's as the report has it."""
    name = payload.get("func")
    address = str(payload.get("addr", ""))
    path = payload.get("fullname")
    return Frame(
        function=without_parameters(str(name)) if name not in (None, "??") else "",
        path=to_client(str(path)) if path else None,
        line=int(payload["line"]) if path else None,
        library=str(payload["from"]) if payload.get("from") and not path else None,
        address=address,
    )


def make_report(
    target: str,
    process: Process,
    snapshot: Snapshot,
    seen: Sequence[SnapshotThread],
    stacks: Mapping[int, Sequence[Frame]],
    time: datetime,
    notes: Sequence[str],
    unit: Unit,
) -> Report:
    """Put the report together.

    seen: threads, or goroutines. stacks: the frames of each, the innermost first.
    """
    names = {each.tid: each.name for each in seen}
    threads = tuple(_thread(each, stacks.get(each.tid, ()), names, unit) for each in seen)
    deadlocks = deadlocks_of(threads)
    return Report(
        target=target,
        pid=process.pid,
        program=process.exe or process.name,
        time=time.isoformat(timespec="milliseconds"),
        stood_still_ms=round(snapshot.stood_ns / 1e6, 2),
        threads=threads,
        groups=groups_of(threads, {tid for ring in deadlocks for tid in ring}),
        unit=unit,
        deadlocks=tuple(deadlocks),
        notes=tuple(notes),
    )


def with_variables(stacks: dict[int, list[Frame]], variables: Mapping[Place, Sequence[Payload]]) -> None:
    """Put the variables into their frames."""
    for (tid, level), listed in variables.items():
        found = tuple(
            Variable(str(each["name"]), str(each["value"]), each.get("type"), "argument" in each) for each in listed
        )
        stacks[tid][level] = structs.replace(stacks[tid][level], variables=found)


def groups_of(threads: Sequence[Thread], first: AbstractSet[int] = frozenset()) -> tuple[tuple[int, ...], ...]:
    """Return the ids of the threads that have the same stack: those with threads in `first`, then the largest."""
    groups: dict[object, list[int]] = {}
    for thread in threads:
        groups.setdefault(stack_key(thread), []).append(thread.id)
    order = sorted(groups.values(), key=lambda tids: (first.isdisjoint(tids), -len(tids), tids[0]))
    return tuple(tuple(each) for each in order)


def stack_key(thread: Thread) -> object:
    """Return what is equal for threads with the same stack: functions and lines, but no addresses where those are."""
    frames = tuple((each.function, each.path, each.line, each.library or _place(each)) for each in thread.frames)
    # Of a stack that is not known nobody can say that it is the same.
    return frames or thread.id


def _place(frame: Frame) -> str:
    return "" if frame.function else frame.address


def _thread(seen: SnapshotThread, frames: Sequence[Frame], names: Mapping[int, str], unit: Unit) -> Thread:
    functions = [each.function for each in frames]
    return Thread(
        id=seen.tid,
        name=seen.name,
        state=state_of(seen),
        wait=wait_of(seen, functions, names) if unit == "thread" or seen.state == "R" else go_wait_of(functions),
        frames=tuple(frames[:MAX_FRAMES]),
        cut=len(frames) > MAX_FRAMES,
        cpu_ms=None if seen.cpu_ns is None else round(seen.cpu_ns / 1e6, 1),
    )
