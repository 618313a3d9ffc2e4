"""What is put right in the target when a debugger has not let go by itself; knows how the target was before."""

from __future__ import annotations

import os
from contextlib import suppress

from dapbridge.agent.remote import healing, processes, watchpoints
from dapbridge.agent.remote.lifting import Lifting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


class Rescue:
    """Heals the target's processes and continues those that were left stopped."""

    def __init__(self, container_id: str | None, main_pid: int | None, log: Callable[[str], None]) -> None:
        self._container_id = container_id
        self._main_pid = main_pid
        self._log = log
        # By pid, when it was started: forks that a debugger went after. They may have lost their parents since.
        self._followed: dict[int, int] = {}
        # Whoever stopped these wants them so; and a debugger's work begins later.
        self._stopped_before = self._stopped()
        self._breakpoints_before: dict[int, frozenset[int]] = {}

    def note_breakpoints(self, pid: int | None) -> None:
        """Remember the breakpoints in a process that a debugger is about to trace: they are somebody else's."""
        pid = pid or self._main_pid
        if pid is None:
            return
        with suppress(OSError):  # no rights, which the debugger will say better
            self._breakpoints_before[pid] = frozenset(healing.find_breakpoints(pid))

    def lifting(self, pid: int | None) -> Lifting:
        """Return what takes a debugger's breakpoints out of `pid` (the main process for None) while that stands."""
        pid = pid or self._main_pid or 0
        return Lifting(pid, self._breakpoints_before.get(pid, frozenset()), self._log)

    def follow(self, pid: int, parent: int | None) -> None:
        """Look after a fork of `parent` too; or after a process that has become another program (None)."""
        self._breakpoints_before[pid] = self._breakpoints_before.get(parent or 0, frozenset())
        with suppress(OSError):  # ended already
            self._followed[pid] = processes.start_ticks(pid)

    def heal(self, pids: Iterable[int | None]) -> int:
        """Take all breakpoints out of `pids` (the main process for None) at once, then out of the target's others.

        Returns how many there were.
        """
        first = [pid for each in pids if (pid := each or self._main_pid) is not None]
        count = sum(self._heal_one(pid) for pid in first)
        others = self.target_pids() - set(first)
        return count + sum(self._heal_one(pid) for pid in others if not self._is_anothers(pid))

    def clear_watchpoints(self, pids: Iterable[int | None]) -> None:
        """Take a dead debugger's hardware watchpoints out of `pids` (the main process for None)."""
        for pid in {each or self._main_pid for each in pids} - {None}:
            with suppress(OSError):  # ended
                watchpoints.clear(pid or 0)

    def continue_stopped(self) -> None:
        """Continue the processes that stand stopped, untraced, and did not when this began."""
        for pid, start in self._stopped() - self._stopped_before:
            try:
                healing.let_go_on(pid)
                self._log(f"process {pid} (started at {start}) was left stopped: continued it")
            except OSError as error:
                self._log(f"process {pid} was left stopped and can't be continued: {error.strerror}")

    def let_go_on(self, pid: int) -> None:
        """Continue process `pid` where it stands stopped and untraced, whoever stopped it."""
        if pid in healing.stopped_pids({pid}):
            healing.let_go_on(pid)
            self._log(f"process {pid} was left stopped: continued it")

    def target_pids(self) -> set[int]:
        return processes.target_pids(self._container_id, self._main_pid) | self._followed_pids()

    def _followed_pids(self) -> set[int]:
        found = set()
        for pid, started in self._followed.items():
            with suppress(OSError):  # ended
                if processes.start_ticks(pid) == started:
                    found.add(pid)
        return found

    def _is_anothers(self, pid: int) -> bool:
        """Tell whether somebody traces the process who is none of ours: the breakpoints in it are in use."""
        try:
            tracer = processes.tracer_pid(pid)
        except OSError:  # ended
            return True
        return tracer != 0 and tracer not in processes.descendants(os.getpid())

    def _heal_one(self, pid: int) -> int:
        try:
            count = healing.heal(pid, self._breakpoints_before.get(pid, frozenset()))
        except OSError as error:  # ended, or not ours to touch: then no debugger of ours has touched it
            self._log(f"process {pid} was not looked through for breakpoints: {error.strerror}")
            return 0
        if count:
            self._log(f"took {count} breakpoints out of process {pid}")
        return count

    def _stopped(self) -> set[tuple[int, int]]:
        found = set()
        for pid in healing.stopped_pids(self.target_pids()):
            try:
                found.add((pid, processes.start_ticks(pid)))
            except OSError:  # ended meanwhile
                continue
        return found
