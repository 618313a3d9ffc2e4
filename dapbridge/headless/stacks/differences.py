"""What has changed from one report to the next: threads that came, ended, moved, or stand where they stood. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

from msgspec import Struct

from dapbridge.headless.stacks.build import stack_key
from dapbridge.headless.stacks.report import Report, Thread

Mark = Literal["first", "new", "moved", "same"]


class Change(Struct, frozen=True):
    """What a thread has done since the report before.

    since_s: for how long its stack has been the same, at least. busy: the share of a processor that it has used.
    """

    mark: Mark
    since_s: float = 0
    busy: float = 0


class Changes(Struct, frozen=True):
    """The changes of one report: of each of its threads by id, and the threads that have ended."""

    threads: dict[int, Change]
    ended: tuple[Thread, ...] = ()

    def of_group(self, group: Sequence[int]) -> Change:
        """Return what is true for a group of threads: the greatest change in it, and what all of them have used."""
        order: tuple[Mark, ...] = ("new", "moved", "first", "same")
        changes = [self.threads[tid] for tid in group]
        greatest = min(changes, key=lambda each: (order.index(each.mark), each.since_s))
        return Change(greatest.mark, greatest.since_s, sum(each.busy for each in changes))


class History:
    """Takes reports of one target, one after the other."""

    def __init__(self) -> None:
        self._last: Report | None = None
        self._since: dict[int, tuple[object, datetime]] = {}
        self._used_ms: dict[int, float] = {}

    def add(self, report: Report) -> Changes:
        """Return how a report differs from the one before."""
        now = datetime.fromisoformat(report.time)
        known, self._since = self._since, {}
        changes = {each.id: self._change(each, known, now) for each in report.threads}
        last, self._last = self._last, report
        self._used_ms = {each.id: each.cpu_ms for each in report.threads if each.cpu_ms is not None}
        gone = known.keys() - changes.keys()
        return Changes(changes, tuple(each for each in last.threads if each.id in gone) if last else ())

    def _change(self, thread: Thread, known: dict[int, tuple[object, datetime]], now: datetime) -> Change:
        key = stack_key(thread)
        before = known.get(thread.id)
        busy = self._busy(thread, now)
        if before is not None and before[0] == key:
            self._since[thread.id] = before
            return Change("same", (now - before[1]).total_seconds(), busy)
        self._since[thread.id] = (key, now)
        if self._last is None:
            return Change("first")
        return Change("new" if before is None else "moved", 0, busy)

    def _busy(self, thread: Thread, now: datetime) -> float:
        used_ms = self._used_ms.get(thread.id)
        if self._last is None or used_ms is None or thread.cpu_ms is None:
            return 0
        passed_ms = (now - datetime.fromisoformat(self._last.time)).total_seconds() * 1000
        return (thread.cpu_ms - used_ms) / passed_ms if passed_ms > 0 else 0
